"""Trials without a measurement, those with one reason together."""

from __future__ import annotations

from collections.abc import Iterable

from harness.analysis.trial_names import named
from harness.record import Record, SourceLine, Status, Struct


class Failures(Struct, frozen=True, kw_only=True):
    """Trials that ended alike: what was said of it, and ``trials``, which name them."""

    status: Status
    reason: str
    origin: SourceLine | None
    trials: list[Record]
    name: str


def cause(record: Record) -> tuple[Status, str, SourceLine | None]:
    """What two trials have in common that failed alike."""
    failure = record.failure
    return (
        record.status,
        failure.reason if failure else "no reason given",
        failure.origin if failure else None,
    )


def failures(records: Iterable[Record]) -> list[Failures]:
    """The failed ones among ``records``, by what ended them, in the order of the first of each."""
    everything = list(records)
    alike: dict[tuple[Status, str, SourceLine | None], list[Record]] = {}
    for record in everything:
        if record.status != "ok":
            alike.setdefault(cause(record), []).append(record)
    return [
        Failures(
            status=status,
            reason=reason,
            origin=origin,
            trials=trials,
            name=named(trials, everything),
        )
        for (status, reason, origin), trials in alike.items()
    ]
