"""The small drawing beside the answer: a bar of step time for each backend, with its interval."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from harness.report import format as fmt
from harness.report.standing import Standing

WIDTH = 200
"""Length of the longest bar, its interval included, in units of the drawing."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bar:
    """One backend: its texts, and where its bar and interval end. ``mark`` tells it by shape."""

    name: str
    backend: str
    step_time: str
    relative: str
    fastest: bool
    length: float
    low: float
    high: float
    tip: str


def bars(standings: Sequence[Standing]) -> list[Bar]:
    """A bar for each backend, from 0, since a cut axis makes two per cent look like double."""
    longest = max((max(one.high_s, one.centre_s) for one in standings), default=1.0)
    made = []
    for one in standings:
        low, centre, high = (
            round(WIDTH * seconds / longest, 2) for seconds in (one.low_s, one.centre_s, one.high_s)
        )
        time, span = fmt.duration_estimate(
            one.centre_s, *((one.low_s, one.high_s) if one.low_s < one.high_s else (None, None))
        )
        made.append(
            Bar(
                name=one.name,
                backend=one.backend,
                step_time=fmt.duration(one.step_time_s),
                relative=one.text,
                fastest=one.fastest,
                length=centre,
                low=low,
                high=high,
                tip=f"{one.name}: centre {fmt.inline(time, span)}",
            )
        )
    return made
