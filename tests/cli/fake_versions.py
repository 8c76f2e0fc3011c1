"""Versions of a package that nobody wrote, and environments with fake interpreters for them."""

from __future__ import annotations

import msgspec
import pytest

import harness
from harness.errors import UnavailableError
from harness.launch import env_cache, env_make, env_wheel, index
from harness.launch.env_cache import Description, Recipe
from tests.launch.fake_python import write_fake_python

VERSIONS = [f"1.{minor}" for minor in range(8)]

TRIAL = """
from harness.records.trial import Cpu, Environment, Memory
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
        write_fake_python(env_cache.python_in(folder), self.trials.get(version, as_fast()))
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
