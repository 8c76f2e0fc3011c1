"""PyTorch: device, synchronisation, memory, input batches."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
import torch._dynamo
from torch.utils._python_dispatch import TorchDispatchMode

from harness.backends import Backend
from harness.errors import UnavailableError
from harness.records.cell import Device, Scalar
from harness.scenario import Split
from harness.tree import map_leaves
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

    def left_out(self, model: Any) -> str | None:
        """What the traced step does not see: PyTorch's own modules, and Python at every step."""
        import keras

        known = (keras.layers.Layer, torch.nn.ParameterDict, torch.nn.ParameterList)
        for module in model.modules():
            if not isinstance(module, known):
                return (
                    "trains Keras' variables, but the model holds a module of PyTorch's own "
                    f"({type(module).__name__})"
                )
        rate = getattr(model.optimizer, "_learning_rate", None)
        schedule = keras.optimizers.schedules.LearningRateSchedule
        if callable(rate) and not isinstance(rate, schedule | keras.Variable):
            return "traces a step once, but the learning rate is a function that fit calls again"
        return None

    def watch_recompilation(self, *, on: bool) -> None:
        """While on, ``torch.compile`` raises where it would recompile a function no more.

        It then runs that function as it is, so that the step is compiled in part only.
        """
        torch._dynamo.config.fail_on_recompile_limit_hit = on  # noqa: SLF001 - the module's public name

    def compiled_frames(self) -> int:
        """How many pieces of Python ``torch.compile`` has looked at by now."""
        return int(torch._dynamo.utils.counters["frames"]["total"])  # noqa: SLF001

    def recompiled(self) -> str:
        """Which function was recompiled most often, and which guard failed last."""
        failures = torch._dynamo.utils.guard_failures  # noqa: SLF001
        if not failures:
            return "it names no guard"
        code, reasons = max(failures.items(), key=lambda item: len(item[1]))
        guard = re.sub(r"^\S+: ", "", str(reasons[-1]).strip().splitlines()[0])
        guard = re.sub(r"\s+", " ", guard)[:200]
        file = "/".join(str(code.co_filename).split("/")[-2:])
        return f"{code.co_name} ({file}:{code.co_firstlineno}), where a guard fails: {guard}"

    def uncompiled(self, error: Exception) -> str | None:
        """What Dynamo or Inductor says, in one line."""
        from torch._dynamo import exc as dynamo
        from torch._inductor import exc as inductor

        if isinstance(error, dynamo.FailOnRecompileLimitHit):
            limit = torch._dynamo.config.recompile_limit  # noqa: SLF001
            return (
                f"torch.compile gives up on this model after {limit} compilations of one function, "
                f"{self.recompiled()}"
            )
        if isinstance(error, dynamo.TorchDynamoException | inductor.InductorError):
            first = next((line for line in str(error).splitlines() if line.strip()), "")
            return (
                "torch.compile cannot compile a training step of this model: "
                f"{type(error).__name__}: {first.strip()[:300]}"
            )
        return None

    def engine(self) -> dict[str, Scalar | None]:
        """PyTorch's own choices."""
        return {
            "input": "keras.utils.PyDataset of cached batches",
            "matmul_precision": torch.get_float32_matmul_precision(),
            "tf32": bool(torch.backends.cuda.matmul.allow_tf32),
            **(
                {"cudnn_tf32": bool(torch.backends.cudnn.allow_tf32)}
                if torch.cuda.is_available()
                else {}
            ),
            "threads": torch.get_num_threads(),
        }

    def use_full_float32(self) -> None:
        """Products have it by default; cuDNN's convolutions have a switch of their own."""
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.allow_tf32 = False

    def gradients(
        self,
        model: Any,
        inputs: Any,
        labels: Any,
        sample_weights: Any = None,
        note: Callable[[str], None] | None = None,
    ) -> Gradients:
        """``loss.backward()``, as in Keras' ``TorchTrainer``."""
        if note is not None:
            with _Listening(note):
                return self.gradients(model, inputs, labels, sample_weights)
        device = model.trainable_variables[0].value.device

        def placed(values: Any) -> Any:
            return torch.as_tensor(values, device=device)

        inputs, labels = map_leaves(placed, (inputs, labels))
        if sample_weights is not None:
            sample_weights = map_leaves(placed, sample_weights)
        model.zero_grad()
        # As `TorchTrainer.train_step` does: the argument goes only to a model whose call takes it.
        training = {"training": True} if model._call_has_training_arg else {}  # noqa: SLF001
        loss = model.compute_loss(
            x=inputs,
            y=labels,
            y_pred=model(inputs, **training),
            sample_weight=sample_weights,
            training=True,
        )
        model.optimizer.scale_loss(loss).backward()
        found = [variable.value.grad for variable in model.trainable_variables]
        values = [None if g is None else np.array(g.detach().cpu()) for g in found]
        model.zero_grad()
        return Gradients(loss=float(loss.detach()), values=values)

    def outside_compiler(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Out of ``torch.compile``'s graph, as Keras keeps its own generators."""
        outside: Callable[..., Any] = torch.compiler.disable(function)
        return outside

    @contextlib.contextmanager
    def listening(self, model: Any, note: Callable[[str], None]) -> Iterator[None]:
        """Watches the default generator over each step; a ``DataLoader`` draws between them."""
        step = model.train_step

        def train_step(data: Any) -> Any:
            before = torch.get_rng_state()
            logs = step(data)
            if not torch.equal(before, torch.get_rng_state()):
                note("torch's default generator, in train_step")
            return logs

        model.train_step = train_step
        try:
            yield
        finally:
            del model.train_step

    def inert_optimizer(self) -> Any:
        """Keeps nothing: ``loss.backward()`` leaves every gradient with its variable."""
        from harness.trial.backends.inert import InertOptimizer

        return InertOptimizer(keep=None)

    def random_state(self) -> bytes:
        """PyTorch's, on every device: a Dropout without a seed of its own draws from it."""
        states = [torch.get_rng_state()]
        states += torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return b"".join(state.numpy().tobytes() for state in states)

    def random_state_kept(self) -> contextlib.AbstractContextManager[None]:
        """Every ``DataLoader`` draws from PyTorch's generator, that of an evaluation too."""
        kept: contextlib.AbstractContextManager[None] = torch.random.fork_rng()
        return kept

    def peak_device_bytes(self) -> int | None:
        """Peak of CUDA's caching allocator."""
        if not torch.cuda.is_available() or not torch.cuda.is_initialized():
            return None
        return int(torch.cuda.max_memory_allocated())


class _Listening(TorchDispatchMode):
    """Notes every operation that PyTorch itself tags as drawing random numbers, if it did.

    The fused attention has the tag for the sake of its dropout, which Keras leaves at zero.
    """

    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__()
        self._note = note

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **kwargs)
        before = torch.get_rng_state()
        result = func(*args, **kwargs)
        # A generator of the caller's own leaves the default one alone.
        if kwargs.get("generator") is not None or not torch.equal(before, torch.get_rng_state()):
            self._note(f"torch.ops.{func}")
        return result


ADAPTER = TorchAdapter()
