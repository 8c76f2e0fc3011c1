"""Settles on which device a backend's cells run, before the first trial."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from harness.backends import FACTS
from harness.errors import UnavailableError
from harness.launch.environments import Interpreter
from harness.launch.variables import child_variables
from harness.records.trial import Device, Gpu, Struct

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
    with TemporaryDirectory(prefix="harness-devices-") as folder:
        variables = child_variables(
            os.environ, backend=interpreter.backend, device=None, keras_home=Path(folder, "keras")
        )
        try:
            answer = subprocess.run(
                [str(interpreter.python), "-m", "harness.trial.devices", interpreter.backend],
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=ASK_TIMEOUT_S,
                check=True,
            )
            # A framework may greet on standard output too; the answer is the last line.
            return msgspec.json.decode(answer.stdout.splitlines()[-1], type=list[str])
        except subprocess.CalledProcessError as error:
            lines = error.stderr.decode(errors="replace").strip().splitlines()
            detail = lines[-1] if lines else f"it exits with {error.returncode}"
        except (OSError, subprocess.TimeoutExpired, msgspec.DecodeError, IndexError) as error:
            detail = str(error)
    raise UnavailableError(
        f"{interpreter.python} does not tell which devices {interpreter.backend} can use: {detail}"
    )
