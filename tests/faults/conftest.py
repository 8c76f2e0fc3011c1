"""The fault suite: every promise of docs/promises.md under attack, with fake interpreters.

A quick run is part of all tests. ``pytest tests/faults -m thorough`` makes the long one, with the
counts of :data:`COUNTS`.
"""

from __future__ import annotations

import random
import tempfile
from typing import NamedTuple

import psutil
import pytest

from tests.launch.conftest import throwaway_scenario

__all__ = ["throwaway_scenario"]

COUNTS = {
    "kills": (6, 200),
    "signals": (1, 10),
    "record mutants": (300, 5_000),
    "other mutants": (100, 1_000),
}
"""How many of each fault: in the quick run, and in the long one."""


def pytest_collection_modifyitems(config, items):
    """Leave the long run to who asks for it."""
    if "thorough" not in config.option.markexpr:
        long = [item for item in items if item.get_closest_marker("thorough")]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)


class Share(NamedTuple):
    """A part of a fault's repetitions, which workers may share."""

    number: int
    count: int

    @property
    def chance(self):
        """The same draws in every run, and others in every part."""
        return random.Random(self.number)  # noqa: S311 - no secret


def times(what, parts=1):
    """The parameters of a test that is repeated: the quick run's, and the long one's in parts."""
    quick, long = COUNTS[what]
    return [
        pytest.param(Share(0, quick), id="quick"),
        *(
            pytest.param(Share(part, long // parts), id=f"long-{part}", marks=pytest.mark.thorough)
            for part in range(1, parts + 1)
        ),
    ]


@pytest.fixture
def left_running(tmp_path, monkeypatch):
    """Tells the processes of this test's trials that still run, in any session."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)

    def tell():
        return [
            process for process in psutil.process_iter() if _home(process).startswith(str(folder))
        ]

    return tell


def _home(process):
    """The folder of the trial that a process belongs to."""
    try:
        return process.environ().get("KERAS_HOME", "")
    except (psutil.Error, OSError):
        return ""
