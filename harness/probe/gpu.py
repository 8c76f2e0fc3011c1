"""Which NVIDIA GPUs the machine has, as the driver describes them."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

from harness.records.machine import Gpu


def gpus() -> list[Gpu]:
    """Every GPU that the NVIDIA driver lists, in its order; none where there is no driver.

    It tells what is there, not what a trial may use: ``CUDA_VISIBLE_DEVICES`` has no effect on it.
    Needs nvidia-ml-py, which the ``-gpu`` environments install. Never raises.
    """
    try:
        with warnings.catch_warnings():
            # The abandoned PyPI package `pynvml` answers to the same name, and warns about it.
            warnings.simplefilter("ignore")
            import pynvml

        pynvml.nvmlInit()
    except Exception:  # noqa: BLE001  no library, no driver, no permission: no GPU to be described
        return []
    try:
        return [_gpu(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount())]
    except Exception:  # noqa: BLE001  a driver that fails half-way must not cost the trial
        return []
    finally:
        with contextlib.suppress(Exception):
            pynvml.nvmlShutdown()


def _gpu(nvml: Any, index: int) -> Gpu:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    return Gpu(
        name=_text(nvml.nvmlDeviceGetName(handle)),
        driver=_text(nvml.nvmlSystemGetDriverVersion()),
        memory_bytes=int(nvml.nvmlDeviceGetMemoryInfo(handle).total),
    )


def _text(value: str | bytes) -> str:
    # nvidia-ml-py before version 12 answers in bytes.
    return value.decode(errors="replace") if isinstance(value, bytes) else value
