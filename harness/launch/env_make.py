"""Makes an environment of the harness's own, with uv or with pip, whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

import msgspec

import harness
from harness import temporary
from harness.backends import FACTS
from harness.errors import HarnessError, UnavailableError
from harness.launch import env_cache, env_wheel, environments
from harness.launch.env_cache import Description, Own, Recipe
from harness.probe.software import normalised
from harness.records.cell import Struct
from harness.regular_files import source
from harness.store.atomic import write_over

Installer = Literal["auto", "uv", "pip"]
INSTALLERS: tuple[str, ...] = get_args(Installer)

LOG = "install.log"
"""What the installer printed, in the environment's folder."""

Say = Callable[[str], None]

Run = Callable[[Sequence[str], Path], bool]
"""Runs a command, appends what it prints to a file, and tells whether it succeeded."""


class Expected(Struct, frozen=True, kw_only=True):
    """What an environment takes: bytes on the disk, and seconds to make; and what was measured.

    ``cuda_bytes`` is its size where pip takes the build for CUDA, as from PyPI on Linux.
    """

    size_bytes: int
    seconds: float
    measured: bool
    cuda_bytes: int | None = None

    @property
    def told(self) -> str:
        """For a person, who learns what is a guess."""
        size = f"about {self.size_bytes / 1e9:.1f} GB, {self.seconds / 60:.0f} minutes"
        if self.cuda_bytes:
            size += f" ({self.cuda_bytes / 1e9:.1f} GB where pip finds its build for CUDA)"
        return size if self.measured else f"{size} (a guess)"

    def times(self, number: int) -> Expected:
        """Of so many environments."""
        return Expected(
            size_bytes=number * self.size_bytes,
            seconds=number * self.seconds,
            measured=self.measured,
            cuda_bytes=number * self.cuda_bytes if self.cuda_bytes else None,
        )


EXPECTED: Mapping[str, Expected] = {
    "jax": Expected(size_bytes=712_000_000, seconds=112, measured=True),
    "tf": Expected(size_bytes=1_713_000_000, seconds=236, measured=True),
    "torch": Expected(
        size_bytes=1_178_000_000, seconds=266, measured=True, cuda_bytes=5_181_000_000
    ),
}
"""Measured on two cores that other programs used too, by pip and the pins of 2026-11
(docs/environments.md). TensorFlow is its build for CPUs."""

NIGHTLY = {"keras": ("keras-nightly",), "tensorflow": ("tf-nightly", "tf-nightly-cpu")}
"""Distributions that bring the module of another one."""


def superseded(requirements: Sequence[str]) -> set[str]:
    """Names that the pins and this harness leave to the ``requirements``, which name one of them.

    Of a backend's distributions, and of Keras', one takes the place of all others.
    """
    named = {name for one in requirements if (name := name_of(one))}
    families = [{"keras", *NIGHTLY["keras"]}, {"jax", "jaxlib"}]
    families += [
        {backend, *facts.distributions, *NIGHTLY.get(backend, ())}
        for backend, facts in FACTS.items()
    ]
    return named.union(*(family for family in families if family & named))


def name_of(requirement: str) -> str | None:
    """The distribution that a requirement names; of a path or an address, what its end tells."""
    place = "/" in requirement.partition("@")[0] or os.sep in requirement.partition("@")[0]
    if not place and (found := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", requirement)):
        return normalised(found[0])
    path = Path(requirement)
    if path.suffix in {".whl", ".gz", ".zip"}:
        return normalised(path.name.split("-")[0])
    if (path / "pyproject.toml").is_file():
        found = re.search(
            r"^name\s*=\s*[\"']([\w.-]+)",
            source(path / "pyproject.toml").decode(),
            re.MULTILINE,
        )
        return normalised(found[1]) if found else None
    return normalised(path.stem.partition("@")[0].removesuffix(".git")) or None


def added(recipe: Recipe) -> list[str]:
    """The requirements that come on top of what is pinned for its backend."""
    pinned = {normalised(line.partition("==")[0]) for line in _pinned(recipe)}
    return [one for one in recipe.requirements if name_of(one) not in pinned]


def pins(recipe: Recipe) -> list[str]:
    """The lines of the pins that hold for ``recipe``: those of what it does not name itself."""
    left_out = superseded(recipe.requirements)
    return [line for line in _pinned(recipe) if normalised(line.partition("==")[0]) not in left_out]


def _pinned(recipe: Recipe) -> list[str]:
    path = env_wheel.pins_folder() / f"{FACTS[recipe.backend].tox_name}.txt"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        raise UnavailableError(f"this harness lacks its pins, {path}: install it again") from None
    return [line for line in lines if line and not line.startswith("#")]


def choose(recipe: Recipe, wish: str, find: Callable[[str], str | None] = shutil.which) -> str:
    """``uv`` or ``pip``.

    uv is the faster one and reads no configuration of pip's. PyTorch's build for CPUs is not on
    PyPI for Linux, so that where it comes from is most often said there: for PyTorch it is pip
    unless uv is asked for.

    Raises:
        HarnessError: for uv where it is not installed.
    """
    if wish == "uv" and find("uv") is None:
        raise HarnessError("--installer uv: there is no uv on the path. Leave it out for pip")
    if wish != "auto":
        return wish
    return "uv" if recipe.backend != "torch" and find("uv") is not None else "pip"


def interpreter(version: str, find: Callable[[str], str | None] = shutil.which) -> Path:
    """The Python of that version, such as ``3.12``: this one, or one on the path.

    Raises:
        UnavailableError: if there is none.
    """
    if version == env_cache.this_python():
        # That below a virtual environment, which may be removed before the new one is.
        base = Path(sys.base_prefix) / "bin" / f"python{version}"
        return base if base.is_file() else Path(sys.executable)
    for name in (f"python{version}", f"python{version}.exe"):
        path = find(name)
        if path is not None and _version(Path(path)) == version:
            return Path(path)
    raise UnavailableError(
        f"there is no python{version} on the path: install it, or make the environment with "
        f"another Python (--python {env_cache.this_python()})"
    )


def make(
    recipe: Recipe,
    *,
    installer: str = "auto",
    anew: bool = False,
    say: Say,
    run: Run | None = None,
) -> Own:
    """Make the environment, unless it is there.

    Args:
        recipe: what it is made of.
        installer: ``auto``, ``uv`` or ``pip``.
        anew: whether one that is there is made again.
        say: is told what is done.
        run: runs the commands; given by tests.

    Raises:
        HarnessError: for uv where it is not installed.
        UnavailableError: if it cannot be made; nothing that is taken for whole is left then.
    """
    chosen = choose(recipe, installer)
    with env_cache.alone(recipe) as folder:
        there = env_cache.of(recipe)
        if there is not None and not anew:
            return there
        began_s = time.monotonic()
        for way in dict.fromkeys([chosen, *(["pip"] if installer == "auto" else [])]):
            env_cache.remove(folder)
            say(f"{recipe.label}: installing with {way} into {folder} …")
            try:
                _install(recipe, folder, way, run or _run, say)
                break
            except UnavailableError as error:
                if way != "uv" or installer != "auto":
                    raise
                say(f"{recipe.label}: uv does not install it, so pip shall: {error}")
        own = _describe(recipe, folder, way)
        say(
            f"{recipe.label}: made in {time.monotonic() - began_s:.0f} s, "
            f"{own.description.size_bytes / 1e6:,.0f} MB"
        )
        return own


def _install(recipe: Recipe, folder: Path, way: str, run: Run, say: Say) -> None:
    python = env_cache.python_in(folder)
    with temporary.folder() as own:
        log = own / LOG
        wheel = env_wheel.build(own, without=superseded(recipe.requirements))
        held = pins(recipe)
        file = own / "pins.txt"
        file.write_text("".join(f"{line}\n" for line in held), encoding="utf-8")
        made = (
            ["uv", "venv", "--quiet", "--python", recipe.python, str(folder)]
            if way == "uv"
            else [str(interpreter(recipe.python)), "-m", "venv", str(folder)]
        )
        if not run(made, log):
            raise UnavailableError(f"{folder} cannot be made: {_last(log)}")
        install = (
            ["uv", "pip", "install", "--quiet", "--python", str(python)]
            if way == "uv"
            else [
                str(python), "-m", "pip", "install", "--quiet", "--no-input",
                "--disable-pip-version-check",
            ]
        )  # fmt: skip
        what = [f"{env_wheel.DISTRIBUTION}[{recipe.extra}] @ {wheel.as_uri()}"]
        what += recipe.requirements
        good = run([*install, "-c", str(file), *what], log)
        if not good and recipe.requirements and way == "pip":
            say(
                f"{recipe.label}: the pins do not allow it ({_last(log)}); "
                "resolving all that it needs again"
            )
            good = run([*install, *what], log)
        if not good:
            raise UnavailableError(f"{recipe.label} cannot be installed by {way}: {_last(log)}")
        shutil.copy(log, folder / LOG) if log.exists() else None


def _describe(recipe: Recipe, folder: Path, way: str) -> Own:
    """See whether it serves, and write down that it does."""
    python = env_cache.python_in(folder)
    contents = environments.look_inside(python, ["keras", recipe.backend, "harness"])
    if problem := environments.problem(contents):
        raise UnavailableError(f"{recipe.label} was installed and cannot serve: {problem}")
    description = Description(
        recipe=recipe,
        harness=harness.__version__,
        live=env_wheel.is_checkout(),
        installer=way,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        size_bytes=env_cache.size_bytes(folder),
        packages=environments.installed(python).packages,
    )
    content = msgspec.json.format(msgspec.json.encode(description), indent=1)
    write_over(folder / env_cache.DESCRIPTION, content + b"\n")
    return Own(folder=folder, description=description)


def _run(command: Sequence[str], log: Path) -> bool:
    # PYTHONPATH would show the new environment packages that it does not have.
    variables = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "PYTHONHOME"}}
    variables |= {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
    variables.pop("PIP_TARGET", None)
    try:
        with log.open("ab") as file:
            file.write(f"$ {' '.join(command)}\n".encode())
            file.flush()
            done = subprocess.run(
                list(command), env=variables, stdout=file, stderr=subprocess.STDOUT, check=False
            )
    except OSError as error:
        with log.open("ab") as file:
            file.write(f"{command[0]}: {error.strerror}\n".encode())
        return False
    return done.returncode == 0


def _last(log: Path) -> str:
    """What went wrong: the installer's line that says so, or its last one."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR:", "error:", "×"))]
    return (errors or lines or ["it printed nothing"])[-1][:300]


def _version(python: Path) -> str | None:
    try:
        done = subprocess.run(
            [str(python), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
