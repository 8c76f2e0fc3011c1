"""Which interpreter serves a backend: one that was named, this one, one that was made, or tox's."""

from __future__ import annotations

import importlib.util
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

import harness
from harness.backends import FACTS
from harness.errors import UnavailableError
from harness.launch import env_cache, installation
from harness.launch.answers import NoAnswerError, run_python
from harness.records.cell import Struct, place_of

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
    """A Python that serves a backend; ``origin`` tells a person how it was found.

    ``name`` is that which a user gave to the environment, if any. ``pass_env`` names variables of
    the user's own that it gets whenever it is started.
    """

    backend: str
    python: Path
    origin: str
    name: str | msgspec.UnsetType = msgspec.UNSET
    pass_env: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The backend and, where it has one, the name of the environment: ``jax (old)``."""
        return place_of(self.backend, self.name)

    def __str__(self) -> str:
        return f"{self.python} ({self.origin})"


class Choice(Struct, frozen=True, kw_only=True):
    """What ``--env NAME=WHAT`` asks for.

    ``backend`` is that which the name means; ``None`` where it is a name of its own, which serves
    every backend that is asked for. ``path`` is an interpreter or an environment's folder; where it
    is ``None``, ``requirements`` say what an environment is made of.
    """

    name: str
    backend: str | None = None
    path: Path | None = None
    requirements: tuple[str, ...] = ()

    @property
    def typed(self) -> str:
        """As it is written on the command line."""
        return f"--env {self.name}={self.path or shlex.quote(' '.join(self.requirements))}"


class Contents(Struct, frozen=True, kw_only=True):
    """What an interpreter lacks of the modules asked for, and the version of its harness."""

    missing: list[str]
    version: str | None


class Installed(Struct, frozen=True, kw_only=True):
    """The Python of an interpreter and every package that it finds, with its version."""

    python: str | None = None
    packages: dict[str, str] = msgspec.field(default_factory=dict)


_Answer = TypeVar("_Answer", Contents, Installed)

Look = Callable[[Path, list[str]], Contents]
"""Asks an interpreter for modules."""


def find(
    backend: str,
    named: Mapping[str, Path] | None = None,
    *,
    look: Look | None = None,
    folders: list[Path] | None = None,
) -> list[Interpreter]:
    """The interpreters that serve ``backend``, the preferred one first.

    A named one is the only candidate. Else this interpreter comes first, then the harness's own
    environments, then those that tox built: ``.tox/jax``, and ``.tox/jax-gpu``.

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
        if (why := problem(contents)) is not None:
            raise UnavailableError(
                f"--env {_short(backend)}={named[backend]} cannot serve {backend}: {why}. "
                f"{_command(backend)}"
            )
        return [Interpreter(backend=backend, python=python, origin="--env")]
    found = []
    if all(importlib.util.find_spec(module) for module in ("keras", backend)):
        found.append(
            Interpreter(backend=backend, python=Path(sys.executable), origin="this interpreter")
        )
    refused = []
    mine = {own.folder: own for own in env_cache.plain(backend)}
    tox = tox_folders() if folders is None else folders
    names = (FACTS[backend].tox_name, f"{FACTS[backend].tox_name}-gpu")
    for environment in (*mine, *(folder / name for folder in tox for name in names)):
        if not environment.is_dir() or _is_current(environment):
            continue
        try:
            why = problem(look(executable(environment), modules))
        except UnavailableError as error:
            why = str(error)
        if why:
            update = f". `harness env update {environment.name}`" if environment in mine else ""
            refused.append(f"{environment} cannot serve: {why}{update}")
            continue
        if environment in mine and not found:
            mine[environment].use()
        python = executable(environment)
        found.append(Interpreter(backend=backend, python=python, origin=str(environment)))
    if not found:
        seen = "".join(f" {line}." for line in refused)
        raise UnavailableError(f"no interpreter has {backend} and keras.{seen} {_command(backend)}")
    return found


def by_path(choice: Choice, backends: Sequence[str], *, look: Look | None = None) -> list[str]:
    """Which of ``backends`` the environment at the path of ``choice`` can serve.

    Raises:
        UnavailableError: if it can serve none, or lacks Keras or this harness.
    """
    path = _path_of(choice)
    contents = (look or look_inside)(executable(path), ["keras", *backends, "harness"])
    able = [backend for backend in backends if backend not in contents.missing]
    lacks = [name for name in contents.missing if name not in backends or not able]
    why = problem(msgspec.structs.replace(contents, missing=lacks))
    if why is not None:
        raise UnavailableError(
            f"{choice.typed} cannot serve {' or '.join(backends)}: {why}. "
            f"Install it there, or name what to make one of: --env {choice.name}=keras==3.15.1"
        )
    return able


def of_choice(choice: Choice, backend: str) -> Interpreter:
    """The interpreter at the path of ``choice``, for a backend that it can serve."""
    return Interpreter(
        backend=backend, python=executable(_path_of(choice)), origin="--env", name=choice.name
    )


def _path_of(choice: Choice) -> Path:
    if choice.path is None:
        raise AssertionError(f"{choice.typed} names no path")
    return choice.path


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


def look_inside(python: Path, modules: list[str], pass_env: Iterable[str] = ()) -> Contents:
    """Ask ``python``, with the variables that its trials get, which of ``modules`` it lacks.

    Raises:
        UnavailableError: if it does not answer as a Python would.
    """
    return _ask(python, [_LOOK, *modules], Contents, pass_env)


def installed(python: Path, pass_env: Iterable[str] = ()) -> Installed:
    """What is installed for ``python``, in the words in which a trial's record tells it.

    Raises:
        UnavailableError: if it does not answer as a Python with the harness would.
    """
    return _ask(python, [_TELL_PACKAGES], Installed, pass_env)


def _ask(python: Path, words: list[str], kind: type[_Answer], pass_env: Iterable[str]) -> _Answer:
    try:
        return run_python(
            python, ["-c", *words], pass_env=pass_env, timeout_s=_LOOK_TIMEOUT_S
        ).answer(kind)
    except NoAnswerError as error:
        raise UnavailableError(f"{python} does not answer as a Python: {error}") from None


def problem(contents: Contents) -> str | None:
    """Why an interpreter with these contents cannot serve; ``None`` if it can."""
    if contents.missing:
        return f"it lacks {' and '.join(contents.missing)}"
    if contents.version != harness.__version__:
        return f"its harness is {contents.version}, this one is {harness.__version__}"
    return None


def _command(backend: str) -> str:
    return (
        f"{installation.build(FACTS[backend].tox_name)}, or name one with "
        f"`--env {_short(backend)}=PATH`"
    )


def _short(backend: str) -> str:
    return FACTS[backend].tox_name


def _is_current(environment: Path) -> bool:
    return environment.resolve() == Path(sys.prefix).resolve()
