"""Versions of a package that nobody wrote, and environments with fake interpreters for them."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest

import harness
from harness.errors import UnavailableError
from harness.launch import env_cache, env_make, env_wheel, index
from harness.launch.env_cache import Description, Recipe
from tests.launch.fake_python import write_fake_python

VERSIONS = [f"1.{minor}" for minor in range(8)]

TRIAL = """
from harness.records.machine import Cpu, Environment
from harness.records.trial import Memory
here = Environment(
    machine_id="a", hostname="a", os="Linux", python="3.11", gpus=[], memory_total_bytes=8,
    memory_available_bytes=8, load_average=None, thread_pools=[], packages={{}}, variables={{}},
    cpu=Cpu(model="", architecture="", logical_cores=2, physical_cores=1, affinity=None))
wall_s = {wall_s} * (1 + 1e-3 * trial.round)
epoch = msgspec.structs.replace(good.epochs[0], wall_s=wall_s)
memory = Memory(peak_rss_bytes={peak_rss_bytes})
leave(msgspec.structs.replace(good, epochs=[epoch], environment=here, memory=memory))
"""


def as_fast(wall_s: float | str = 0.02, peak_rss_bytes: int = 500_000_000) -> str:
    """The lines of a trial."""
    return TRIAL.format(wall_s=wall_s, peak_rss_bytes=peak_rss_bytes)


class Versions:
    """What the package index has, and what becomes of it.

    ``trials`` are the lines of each version's trial, ``broken`` the versions that cannot be
    installed, ``made`` those whose environment was made, in their order.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.trials: dict[str, str] = {}
        self.broken: list[str] = []
        self.made: list[str] = []
        patch.setattr(index, "versions", lambda _: VERSIONS)
        patch.setattr(env_make, "make", self._make)

    def plant(self, first: str, trial: str) -> None:
        """Let that version, and all after it, run these lines."""
        self.trials |= dict.fromkeys(VERSIONS[VERSIONS.index(first) :], trial)

    def install(self, requirement: str, folder: Path) -> str:
        """Install a version into an environment, and give the lines of its trial."""
        return self.trials.get(requirement.partition("==")[2], as_fast())

    def repair(self, version: str) -> None:
        """Let the environment of a version that was made run as it should."""
        for own in env_cache.everything():
            if own.description.recipe.requirements == (f"planted=={version}",):
                write_fake_python(own.python, as_fast())

    def _make(self, recipe: Recipe, **_: object) -> None:
        version = recipe.requirements[0].partition("==")[2]
        if version in self.broken:
            raise UnavailableError("jax cannot be installed by pip: ERROR: no such wheel")
        self.made.append(version)
        folder = env_cache.root() / recipe.key
        lines = self.install(recipe.requirements[0], folder)
        write_fake_python(env_cache.python_in(folder), lines)
        description = Description(
            recipe=recipe,
            harness=harness.__version__,
            live=env_wheel.is_checkout(),
            installer="pip",
            made_at="",
            size_bytes=1,
            packages={},
        )
        (folder / env_cache.DESCRIPTION).write_bytes(msgspec.json.encode(description))


class LocalIndex(Versions):
    """The same versions as real wheels in a folder, which pip lists and installs.

    A trial imports the package from its environment and takes as long as the package says.
    """

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path, slow: str) -> None:
        listed = index.versions
        super().__init__(patch)
        patch.setattr(index, "versions", listed)
        folder.mkdir()
        patch.setenv("PIP_FIND_LINKS", str(folder))
        patch.setenv("PIP_NO_INDEX", "1")
        for version in VERSIONS:
            epoch_s = 0.022 if VERSIONS.index(version) >= VERSIONS.index(slow) else 0.02
            name = f"planted-{version}"
            header = f"Metadata-Version: 2.1\nName: planted\nVersion: {version}\n"
            with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as wheel:
                wheel.writestr("planted.py", f"EPOCH_S = {epoch_s}\n")
                wheel.writestr(f"{name}.dist-info/METADATA", header)
                wheel.writestr(f"{name}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
                wheel.writestr(f"{name}.dist-info/RECORD", "")

    def install(self, requirement: str, folder: Path) -> str:
        """Install the wheel, as pip finds it."""
        library = folder / "library"
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(library),
             requirement],
            check=True,
            env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        )  # fmt: skip
        return f"sys.path.insert(0, {str(library)!r})\nimport planted\n{as_fast('planted.EPOCH_S')}"
