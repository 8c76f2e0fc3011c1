"""The rating table for a command that trains, prepared if the scenario reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from harness.records.trial import Scalar
from harness.scenario import Scenario, parse_settings
from harness.table_use import needs_table


def prepared(
    scenario: Scenario, settings: Mapping[str, Scalar], source: str, say: Callable[[str], None]
) -> Path | None:
    """The path of the table; ``None`` if nothing is read from it.

    Args:
        scenario: what is trained.
        settings: all of its settings.
        source: where the ratings come from; see `harness data`.
        say: is told what happens meanwhile.

    Raises:
        HarnessError: for an unknown source.
        UnavailableError: if no source has the ratings.
    """
    parsed = parse_settings(scenario, {name: str(value) for name, value in settings.items()})
    if not needs_table(scenario, parsed):
        return None
    from harness.data.prepare import prepare

    return prepare(source, report=say).path
