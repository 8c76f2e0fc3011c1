"""Which interpreter serves a backend: one that was named, this one, or one that tox built."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

import harness
from harness.backends import FACTS
from harness.errors import UnavailableError
from harness.launch.process import NoAnswerError, run_python
from harness.records.trial import Struct

# Looks without importing: a framework takes seconds to import, this takes 15 ms.
_LOOK = """
import json, sys
from importlib.util import find_spec
*modules, folder = sys.argv[1:]
missing = [name for name in modules if find_spec(name) is None]
version = None
if "harness" not in missing:
    from harness import __version__ as version
with open(folder + "/answer.json", "w") as file:
    json.dump({"missing": missing, "version": version}, file)
"""

_TELL_PACKAGES = """
import json, sys
from harness.probe.software import packages, python
with open(sys.argv[1] + "/answer.json", "w") as file:
    json.dump({"python": python(), "packages": packages()}, file)
"""

_LOOK_TIMEOUT_S = 60.0


class Interpreter(Struct, frozen=True, kw_only=True):
    """A Python that serves a backend; ``origin`` tells a person how it was found."""

    backend: str
    python: Path
    origin: str


class Contents(Struct, frozen=True, kw_only=True):
    """What an interpreter lacks of the modules asked for, and the version of its harness."""

    missing: list[str]
    version: str | None


class Installed(Struct, frozen=True, kw_only=True):
    """The Python of an interpreter and every package that it finds, with its version."""

    python: str | None = None
    packages: dict[str, str] = msgspec.field(default_factory=dict)


_Answer = TypeVar("_Answer", Contents, Installed)


def find(
    backend: str,
    named: Mapping[str, Path] | None = None,
    *,
    look: Callable[[Path, list[str]], Contents] | None = None,
    folders: list[Path] | None = None,
) -> list[Interpreter]:
    """The interpreters that serve ``backend``, the preferred one first.

    A named one is the only candidate. Else this interpreter comes first, then the environments
    that tox built: ``.tox/jax``, and ``.tox/jax-gpu``.

    Args:
        backend: ``jax``, ``tensorflow`` or ``torch``.
        named: interpreters or environment folders that the user named, by backend.
        look: asks an interpreter for modules; given by tests.
        folders: where tox environments are looked for; see :func:`tox_folders`.

    Raises:
        UnavailableError: if there is none, with the command that makes one.
    """
    look = look or look_inside
    modules = ["keras", backend, "harness"]
    if named and backend in named:
        python = executable(named[backend])
        contents = look(python, modules)
        if problem := _problem(contents):
            raise UnavailableError(
                f"--env {_short(backend)}={named[backend]} cannot serve {backend}: {problem}. "
                f"{_command(backend)}"
            )
        return [Interpreter(backend=backend, python=python, origin="--env")]
    found = []
    if all(importlib.util.find_spec(module) for module in ("keras", backend)):
        found.append(
            Interpreter(backend=backend, python=Path(sys.executable), origin="this interpreter")
        )
    refused = []
    for folder in tox_folders() if folders is None else folders:
        for name in (FACTS[backend].tox_name, f"{FACTS[backend].tox_name}-gpu"):
            environment = folder / name
            if not environment.is_dir() or _is_current(environment):
                continue
            try:
                problem = _problem(look(executable(environment), modules))
            except UnavailableError as error:
                problem = str(error)
            if problem:
                refused.append(f"{environment} cannot serve: {problem}")
            else:
                python = executable(environment)
                found.append(Interpreter(backend=backend, python=python, origin=str(environment)))
    if not found:
        seen = "".join(f" {line}." for line in refused)
        raise UnavailableError(f"no interpreter has {backend} and keras.{seen} {_command(backend)}")
    return found


def tox_folders() -> list[Path]:
    """Where tox keeps environments: as it says, in the current folder, in this project's root."""
    folders = [Path.cwd() / ".tox", Path(harness.__file__).parents[1] / ".tox"]
    if work_dir := os.environ.get("TOX_WORK_DIR"):
        folders.insert(0, Path(work_dir))
    return list(dict.fromkeys(folder.resolve() for folder in folders))


def executable(path: Path) -> Path:
    """The Python of ``path``, which is one already, or an environment's folder.

    It is not resolved: a virtual environment's ``python`` is a link, and following it would lose
    the environment.

    Raises:
        UnavailableError: if there is none.
    """
    path = path.absolute()
    if path.is_file():
        return path
    for inside in ("bin/python", "Scripts/python.exe"):
        if (path / inside).is_file():
            return path / inside
    what = "a folder without bin/python in it" if path.is_dir() else "not there"
    raise UnavailableError(f"{path} is {what}: name a Python or the folder of an environment")


def look_inside(python: Path, modules: list[str]) -> Contents:
    """Ask ``python`` which of ``modules`` it lacks.

    Raises:
        UnavailableError: if it does not answer as a Python would.
    """
    return _ask(python, [_LOOK, *modules], Contents)


def installed(python: Path) -> Installed:
    """What is installed for ``python``, in the words in which a trial's record tells it.

    Raises:
        UnavailableError: if it does not answer as a Python with the harness would.
    """
    return _ask(python, [_TELL_PACKAGES], Installed)


def _ask(python: Path, words: list[str], kind: type[_Answer]) -> _Answer:
    try:
        return run_python(python, ["-c", *words], timeout_s=_LOOK_TIMEOUT_S).answer(kind)
    except NoAnswerError as error:
        raise UnavailableError(f"{python} does not answer as a Python: {error}") from None


def _problem(contents: Contents) -> str | None:
    if contents.missing:
        return f"it lacks {' and '.join(contents.missing)}"
    if contents.version != harness.__version__:
        return f"its harness is {contents.version}, this one is {harness.__version__}"
    return None


def _command(backend: str) -> str:
    name = FACTS[backend].tox_name
    return (
        f"Build one with `tox run -e {name} --notest` in the harness's folder, or name one with "
        f"`--env {_short(backend)}=PATH`"
    )


def _short(backend: str) -> str:
    return FACTS[backend].tox_name


def _is_current(environment: Path) -> bool:
    return environment.resolve() == Path(sys.prefix).resolve()
