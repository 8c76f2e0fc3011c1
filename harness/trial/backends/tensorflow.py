"""TensorFlow: device, synchronisation, memory, input batches."""

from __future__ import annotations

from typing import Any, ClassVar

import tensorflow as tf

from harness.record import Backend, Device, Scalar
from harness.scenario import Split
from harness.trial.backends import Adapter, Placement


class TensorFlowAdapter(Adapter):
    """TensorFlow through Keras' TensorFlow backend."""

    backend: ClassVar[Backend] = "tensorflow"

    def kinds(self) -> list[Device]:
        """CPU always, GPU where TensorFlow found a device and its CUDA libraries."""
        return ["cpu", "gpu"] if tf.config.list_physical_devices("GPU") else ["cpu"]

    def use(self, device: Device, threads: int | None) -> None:
        """Hide the GPUs for ``cpu``; set both thread pools to ``threads``."""
        self.require(device)
        if device == "cpu":
            tf.config.set_visible_devices([], "GPU")
        if threads is not None:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)

    def synchronize(self, values: Any) -> None:
        """Fetch one scalar of every tensor: TensorFlow has no public wait for a device."""
        for leaf in tf.nest.flatten(values):
            tf.reshape(leaf, [-1])[:1].numpy()

    def placement(self, variable: Any) -> Placement:
        """The device in the variable's own device string."""
        framework_id = str(variable.value.device)
        if "GPU" not in framework_id.upper():
            return Placement(kind="cpu", framework_id=framework_id)
        details = tf.config.experimental.get_device_details(
            tf.config.list_physical_devices("GPU")[0]
        )
        return Placement(
            kind="gpu", framework_id=framework_id, name=details.get("device_name", "unknown GPU")
        )

    def batches(self, split: Split, batch_size: int) -> Any:
        """The tutorial's own pipeline: ``tf.data``, batched and cached."""
        return (
            tf.data.Dataset.from_tensor_slices((split.inputs, split.labels))
            .batch(batch_size)
            .cache()
        )

    def engine(self) -> dict[str, Scalar | None]:
        """TensorFlow's own choices."""
        return {
            "input": "tf.data, batched and cached",
            "tf32": bool(tf.config.experimental.tensor_float_32_execution_enabled()),
            "intra_op_threads": tf.config.threading.get_intra_op_parallelism_threads(),
            "inter_op_threads": tf.config.threading.get_inter_op_parallelism_threads(),
        }

    def peak_device_bytes(self) -> int | None:
        """Peak of the first GPU's allocator."""
        if not tf.config.get_visible_devices("GPU"):
            return None
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


ADAPTER = TensorFlowAdapter()
