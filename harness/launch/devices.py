"""Settles on which device a backend's cells run, before the first trial."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from harness.backends import FACTS
from harness.errors import UnavailableError
from harness.launch.answers import NoAnswerError, run_python
from harness.launch.environments import Interpreter
from harness.records.cell import Device, Struct
from harness.records.machine import Gpu

WISHES: tuple[str, ...] = ("auto", "cpu", "gpu")
"""What a user may ask for; a cell always holds a definite device."""

ASK_TIMEOUT_S = 300.0
"""A framework with its CUDA libraries can take a minute to import from a cold disk."""


class Placement(Struct, frozen=True, kw_only=True):
    """Where the cells of one backend run."""

    interpreter: Interpreter
    device: Device


def place(
    wish: str,
    candidates: Sequence[Interpreter],
    *,
    gpus: Callable[[], Sequence[Gpu]],
    ask: Callable[[Interpreter], list[str]] | None = None,
) -> Placement:
    """The interpreter and the definite device for ``wish``.

    ``cpu`` starts no process, nor does ``auto`` where the driver knows no GPU. Else each candidate
    is asked what its framework can use, and the first that can use a GPU is taken.

    Args:
        wish: ``auto``, ``cpu`` or ``gpu``.
        candidates: interpreters of one backend, the preferred one first.
        gpus: tells which NVIDIA GPUs the driver knows.
        ask: tells the kinds of device that an interpreter's framework can use; given by tests.

    Raises:
        UnavailableError: for ``gpu`` where no candidate can use one; tells what was looked at.
    """
    ask = ask or ask_interpreter
    preferred = candidates[0]
    known = list(gpus()) if wish == "auto" else []
    if wish == "cpu" or (wish == "auto" and not known):
        return Placement(interpreter=preferred, device="cpu")
    looked_at = []
    for candidate in candidates:
        kinds = ask(candidate)
        if "gpu" in kinds:
            return Placement(interpreter=candidate, device="gpu")
        looked_at.append(f"{candidate.python} can use {' and '.join(kinds) or 'no device'}")
    if wish == "auto":
        return Placement(interpreter=preferred, device="cpu")
    backend = preferred.backend
    names = [gpu.name for gpu in gpus()]
    if names:
        driver = f"the NVIDIA driver knows {', '.join(names)}"
        remedy = (
            f"Build an environment for it with `tox run -e {FACTS[backend].tox_name}-gpu --notest`"
        )
    else:
        driver = "no NVIDIA driver answers on this machine"
        remedy = "Install the driver (`nvidia-smi` must list the GPU)"
    raise UnavailableError(
        f"{backend} has no usable GPU: {'; '.join(looked_at)}; {driver}. "
        f"{remedy}, or use --device cpu"
    )


def ask_interpreter(interpreter: Interpreter) -> list[str]:
    """What the framework of ``interpreter`` can use, such as ``["cpu", "gpu"]``.

    Raises:
        UnavailableError: if it does not answer; with the last line that it printed.
    """
    finished = run_python(
        interpreter.python,
        ["-m", "harness.trial", "devices"],
        given=msgspec.json.encode(interpreter.backend),
        backend=interpreter.backend,
        pass_env=interpreter.pass_env,
        timeout_s=ASK_TIMEOUT_S,
    )
    try:
        return finished.answer(list[str])
    except NoAnswerError as error:
        detail = str(error)
    raise UnavailableError(
        f"{interpreter.python} does not say which devices {interpreter.backend} can use: {detail}"
    )
