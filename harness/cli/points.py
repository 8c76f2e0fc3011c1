"""The points of a sweep: every combination of what its axes and ``--set`` say, as settings."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from harness.cli import parse
from harness.errors import HarnessError
from harness.records.trial import Scalar
from harness.scenario import Scenario


def setting_sets(
    scenario: Scenario, texts: Iterable[str], swept: Mapping[str, str]
) -> list[dict[str, Scalar]]:
    """All settings of ``scenario`` at every point.

    Args:
        scenario: says which settings an axis stands for, and what it changes beside them.
        texts: what ``--set`` says.
        swept: the values of each axis as typed, by its name.

    Raises:
        HarnessError: for an axis without a value, and a setting or a value that is named twice.
        InvalidSettingError: for an axis, a setting or a value that the scenario does not take.
    """
    assignments = parse.parse_assignments(texts)
    asked_by = dict.fromkeys((name for one in assignments for name in one), "--set")
    defaults: dict[str, str] = {}
    courses: list[list[dict[str, str]]] = []
    for axis, text in swept.items():
        values = [part.strip() for part in text.split(",") if part.strip()]
        if not values:
            raise HarnessError(f"{option(axis)} names no value: write several, such as 1,10,100")
        parse.each_once(option(axis), values)
        course = [dict(scenario.axis_settings(axis, value)) for value in values]
        for name in dict.fromkeys(name for point in course for name in point):
            if name in asked_by:
                raise HarnessError(
                    f"{asked_by[name]} and {option(axis)} both set {name}: leave one of them out"
                )
            asked_by[name] = option(axis)
        defaults |= scenario.axis_defaults(axis)
        courses.append(course)
    return parse.all_different(
        parse.complete(scenario, _merged(defaults, chosen, *point))
        for chosen in assignments
        for point in itertools.product(*courses)
    )


def option(axis: str) -> str:
    """How an axis is written on the command line: ``--batch-size``."""
    return f"--{axis.replace('_', '-')}"


def _merged(*parts: Mapping[str, str]) -> dict[str, str]:
    return {name: value for part in parts for name, value in part.items()}
