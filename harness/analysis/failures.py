"""Trials without a measurement, those with one reason together."""

from __future__ import annotations

from collections.abc import Iterable

from harness.analysis.trial_names import name_of
from harness.records.cell import Struct
from harness.records.trial import Failure, Record, SourceLine, Status


class Failures(Struct, frozen=True, kw_only=True):
    """Trials that ended alike: what was said of it, and ``trials``, which name them."""

    status: Status
    reason: str
    origin: SourceLine | None
    trials: list[Record]
    name: str


def failures(records: Iterable[Record]) -> list[Failures]:
    """The failed ones among ``records``, by what ended them, in the order of the first of each."""
    everything = list(records)
    alike: dict[tuple[Status, str, SourceLine | None], list[Record]] = {}
    for record in everything:
        if record.status != "ok":
            failure = record.failure or Failure(reason="no reason given")
            alike.setdefault((record.status, failure.reason, failure.origin), []).append(record)
    return [
        Failures(
            status=status,
            reason=reason,
            origin=origin,
            trials=trials,
            name=name_of(trials, everything),
        )
        for (status, reason, origin), trials in alike.items()
    ]
