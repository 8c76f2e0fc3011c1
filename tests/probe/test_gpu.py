"""GPUs as the driver tells them; whatever goes wrong means that none can be described."""

from __future__ import annotations

import sys
import warnings
from types import SimpleNamespace
from typing import Any

import pytest

from harness import probe
from harness.records.machine import Gpu


def nvml(**changes: Any) -> SimpleNamespace:
    """A driver with two cards."""
    functions: dict[str, Any] = {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda handle: f"Card {handle}",
        "nvmlSystemGetDriverVersion": lambda: "570.86",
        "nvmlDeviceGetMemoryInfo": lambda _: SimpleNamespace(total=80 * 2**30),
    }
    return SimpleNamespace(**(functions | changes))


def fail(*_: Any) -> None:
    raise RuntimeError("the driver has gone")


def test_every_card_is_told_in_the_drivers_order(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", nvml())
    assert probe.gpus() == [
        Gpu(name=f"Card {index}", driver="570.86", memory_bytes=80 * 2**30) for index in (0, 1)
    ]


def test_an_older_library_that_answers_in_bytes_is_understood(monkeypatch):
    library = nvml(
        nvmlDeviceGetName=lambda _: b"Old Card", nvmlSystemGetDriverVersion=lambda: b"470.1"
    )
    monkeypatch.setitem(sys.modules, "pynvml", library)
    assert {(gpu.name, gpu.driver) for gpu in probe.gpus()} == {("Old Card", "470.1")}


def test_without_the_library_there_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert probe.gpus() == []


@pytest.mark.parametrize("function", ["nvmlInit", "nvmlDeviceGetCount", "nvmlDeviceGetName"])
def test_a_driver_that_fails_is_no_error(monkeypatch, function: str):
    monkeypatch.setitem(sys.modules, "pynvml", nvml(**{function: fail}))
    assert probe.gpus() == []


def test_a_driver_that_fails_to_close_costs_nothing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", nvml(nvmlShutdown=fail))
    assert len(probe.gpus()) == 2


def test_the_abandoned_package_of_the_same_name_may_warn(monkeypatch, tmp_path):
    (tmp_path / "pynvml.py").write_text(
        "import warnings\nwarnings.warn('use nvidia-ml-py', FutureWarning)\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert probe.gpus() == []
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
