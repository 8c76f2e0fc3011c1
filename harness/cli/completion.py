"""What the shell offers after TAB: names of scenarios, backends, modes and formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Complete = Callable[[str], list[str]]
"""The words that complete what was typed so far."""


def scenarios(incomplete: str) -> list[str]:
    """Scenarios on the search path; none where it cannot be searched."""
    # Imported here, and below, so that `harness --help` does not wait for it.
    from harness import scenario
    from harness.errors import HarnessError

    try:
        return _beginning(incomplete, scenario.names())
    except HarnessError:
        return []


def backends(incomplete: str) -> list[str]:
    """Backends, several with commas."""
    from harness.backends import FACTS

    return _several(incomplete, [facts.tox_name for facts in FACTS.values()])


def modes(incomplete: str) -> list[str]:
    """Modes, several with commas."""
    from harness.records.cell import MODES

    return _several(incomplete, MODES)


def inits(incomplete: str) -> list[str]:
    """Where initial weights come from, several with commas."""
    from harness.records.cell import INITS

    return _several(incomplete, INITS)


def devices(incomplete: str) -> list[str]:
    """Devices, of which a command takes one."""
    from harness.records.cell import DEVICES

    return _beginning(incomplete, ["auto", *DEVICES])


def formats(incomplete: str) -> list[str]:
    """Formats of ``harness export``."""
    from harness.report.exports import ALL, FORMATS

    return _beginning(incomplete, [*FORMATS, ALL])


def sources(incomplete: str) -> list[str]:
    """Sources of the ratings."""
    from harness.data.sources import SOURCES

    return _beginning(incomplete, ["auto", *SOURCES])


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _several(incomplete: str, names: Iterable[str]) -> list[str]:
    """Of names with commas between them, the last one is completed, and none is offered twice."""
    *before, last = incomplete.split(",")
    rest = [name for name in names if name not in before]
    return [",".join([*before, name]) for name in _beginning(last, rest)]
