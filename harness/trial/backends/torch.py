"""PyTorch: device, synchronisation, memory, input batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from harness.errors import UnavailableError
from harness.record import Backend, Device, Scalar
from harness.scenario import Split
from harness.trial.backends import Adapter, Gradients, Placement

if TYPE_CHECKING:
    from harness.trial.loops.stateful import Stateful


class NoCompilerError(UnavailableError):
    """``torch.compile`` needs a C++ compiler for the CPU, and there is none."""


class TorchAdapter(Adapter):
    """PyTorch through Keras' PyTorch backend."""

    backend: ClassVar[Backend] = "torch"

    def kinds(self) -> list[Device]:
        """CPU always, GPU where CUDA (or ROCm, which says CUDA too) is available."""
        return ["cpu", "gpu"] if torch.cuda.is_available() else ["cpu"]

    def use(self, device: Device, threads: int | None) -> None:
        """Check the device, which the launcher chose by ``KERAS_TORCH_DEVICE``; set the threads."""
        self.require(device)
        if threads is not None:
            torch.set_num_threads(threads)

    def synchronize(self, values: Any) -> None:
        """Wait for CUDA; on a CPU PyTorch computes before it returns."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    def placement(self, variable: Any) -> Placement:
        """The device of the variable's tensor."""
        device = variable.value.device
        if device.type == "cpu":
            return Placement(kind="cpu", framework_id=str(device))
        properties = torch.cuda.get_device_properties(device)
        return Placement(
            kind="gpu",
            framework_id=str(device),
            name=properties.name,
            memory_bytes=properties.total_memory,
        )

    def batches(self, split: Split, batch_size: int) -> Any:
        """Batches cut once from the NumPy arrays."""
        from harness.trial.backends.batches import CachedBatches

        return CachedBatches(split, batch_size)

    def tuned_batches(self, split: Split, batch_size: int) -> Any:
        """Batches that are tensors on the device already, so that no step has to convert one."""
        import keras

        from harness.trial.backends.batches import CachedBatches

        return CachedBatches(split, batch_size, convert=keras.ops.convert_to_tensor)

    def tune(self, model: Any, steps: int) -> dict[str, Scalar | None]:
        """``torch.compile``; ``steps_per_execution`` above 1 is refused by Keras 3.15."""
        self.require_compiler(model)
        model.jit_compile = True
        return {"input": "keras.utils.PyDataset of cached tensors"}

    def custom_loop(self, model: Any) -> Stateful:
        """A loop over one compiled step."""
        from harness.trial.backends.custom_loop_torch import TorchLoop

        self.require_compiler(model)
        return TorchLoop(model)

    def require_compiler(self, model: Any) -> None:
        """A C++ compiler, if the model is on a CPU: else it fails deep inside ``torch.compile``."""
        from torch._inductor import cpp_builder, exc

        if model.trainable_variables[0].value.device.type != "cpu":
            return
        try:
            cpp_builder.get_cpp_compiler()
        except exc.InvalidCxxCompiler:
            raise NoCompilerError(
                "torch.compile needs a C++ compiler on the CPU and finds none: install g++ "
                "(apt-get install g++), name one in CXX with --pass-env CXX, or run --mode fit"
            ) from None

    def engine(self) -> dict[str, Scalar | None]:
        """PyTorch's own choices."""
        return {
            "input": "keras.utils.PyDataset of cached batches",
            "matmul_precision": torch.get_float32_matmul_precision(),
            "tf32": bool(torch.backends.cuda.matmul.allow_tf32),
            "threads": torch.get_num_threads(),
        }

    def gradients(self, model: Any, inputs: Any, labels: Any) -> Gradients:
        """``loss.backward()``, as in Keras' ``TorchTrainer``."""
        device = model.trainable_variables[0].value.device
        inputs = {name: torch.as_tensor(values, device=device) for name, values in inputs.items()}
        labels = torch.as_tensor(labels, device=device)
        model.zero_grad()
        # As `TorchTrainer.train_step` does: the argument goes only to a model whose call takes it.
        training = {"training": True} if model._call_has_training_arg else {}  # noqa: SLF001
        loss = model.compute_loss(
            x=inputs, y=labels, y_pred=model(inputs, **training), training=True
        )
        loss.backward()
        found = [variable.value.grad for variable in model.trainable_variables]
        values = [None if g is None else np.array(g.detach().cpu()) for g in found]
        model.zero_grad()
        return Gradients(loss=float(loss.detach()), values=values)

    def inert_optimizer(self) -> Any:
        """Keeps nothing: ``loss.backward()`` leaves every gradient with its variable."""
        from harness.trial.backends.inert import InertOptimizer

        return InertOptimizer(keep=None)

    def random_state(self) -> bytes:
        """PyTorch's, on every device: a Dropout without a seed of its own draws from it."""
        states = [torch.get_rng_state()]
        states += torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return b"".join(state.numpy().tobytes() for state in states)

    def peak_device_bytes(self) -> int | None:
        """Peak of CUDA's caching allocator."""
        if not torch.cuda.is_available() or not torch.cuda.is_initialized():
            return None
        return int(torch.cuda.max_memory_allocated())


ADAPTER = TorchAdapter()
