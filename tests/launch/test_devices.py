"""Where cells run is settled before the first trial, with as few processes as possible."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ExitCode, UnavailableError
from harness.launch.devices import ask_interpreter, place
from harness.launch.environments import Interpreter
from harness.records.machine import Gpu

CARD = Gpu(name="Test Card", driver="1.0", memory_bytes=8_000_000_000)
WITHOUT_GPU = Interpreter(backend="jax", python=Path("/cpu/python"), origin="test")
WITH_GPU = Interpreter(backend="jax", python=Path("/gpu/python"), origin="test")


def fake_ask(interpreter):
    return ["cpu", "gpu"] if interpreter == WITH_GPU else ["cpu"]


def nobody_asks(_):
    raise AssertionError("no process should be started")


def nobody_looks():
    raise AssertionError("the driver should not be asked")


def test_cpu_starts_no_process():
    placed = place("cpu", [WITH_GPU], gpus=nobody_looks, ask=nobody_asks)
    assert (placed.device, placed.interpreter) == ("cpu", WITH_GPU)


def test_auto_without_a_gpu_starts_no_process():
    assert place("auto", [WITH_GPU], gpus=list, ask=nobody_asks).device == "cpu"


def test_auto_takes_a_gpu_that_the_framework_can_use():
    placed = place("auto", [WITHOUT_GPU, WITH_GPU], gpus=lambda: [CARD], ask=fake_ask)
    assert (placed.device, placed.interpreter) == ("gpu", WITH_GPU)


def test_auto_stays_on_the_cpu_where_the_framework_cannot_use_the_gpu():
    placed = place("auto", [WITHOUT_GPU], gpus=lambda: [CARD], ask=fake_ask)
    assert (placed.device, placed.interpreter) == ("cpu", WITHOUT_GPU)


def test_gpu_takes_the_first_interpreter_that_can_use_one():
    placed = place("gpu", [WITHOUT_GPU, WITH_GPU], gpus=list, ask=fake_ask)
    assert (placed.device, placed.interpreter) == ("gpu", WITH_GPU)


def test_gpu_without_a_driver_says_what_was_looked_at_and_what_to_do():
    with pytest.raises(UnavailableError) as caught:
        place("gpu", [WITHOUT_GPU], gpus=list, ask=fake_ask)
    assert caught.value.exit_code == ExitCode.UNAVAILABLE
    assert str(caught.value) == (
        "jax has no usable GPU: /cpu/python can use cpu; no NVIDIA driver answers on this machine."
        " Install the driver (`nvidia-smi` must list the GPU), or use --device cpu"
    )


def test_gpu_without_a_fitting_environment_names_the_one_to_build():
    with pytest.raises(UnavailableError, match=r"knows Test Card.*`tox run -e jax-gpu --notest`"):
        place("gpu", [WITHOUT_GPU], gpus=lambda: [CARD], ask=fake_ask)


def test_an_interpreter_is_asked_in_a_process_of_its_own(fake_python):
    assert ask_interpreter(fake_python(kinds=["cpu", "gpu"])) == ["cpu", "gpu"]


@pytest.mark.parametrize("program", ["/bin/false", "/bin/echo", "/nowhere"])
def test_an_interpreter_that_does_not_answer_is_named(program):
    broken = Interpreter(backend="torch", python=Path(program), origin="test")
    with pytest.raises(
        UnavailableError, match=f"{program} does not say which devices torch can use"
    ):
        ask_interpreter(broken)
