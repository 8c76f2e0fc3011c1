"""A trial's step time, from the epochs that its own samples show to be steady."""

from __future__ import annotations

import functools
import itertools
import statistics
from collections.abc import Iterable, Sequence

from harness.analysis.warmup import MINIMUM_STEADY, SteadyState, steady_state
from harness.records.trial import Epoch, Record

SHORT = 2 * MINIMUM_STEADY
"""Epochs below which a trial is too short to decide its warm-up: the later half sets the level."""


def step_time_s(record: Record) -> float | None:
    """Seconds per training step: median of ``wall_s / steps`` over the epochs after warm-up.

    ``None`` if no epoch counts, and for a trial that failed, be it at its exit: none of its epochs
    is known to be sound. Source: the table of figures in ``docs/method.md``.
    """
    if record.status != "ok":
        return None
    state = steadiness(record)
    if state is not None:
        return state.step_time_s
    return _median(e.wall_s / e.steps for e in _timed(record) if not e.warm_up)


def examples_per_s(record: Record) -> float | None:
    """Training examples per second, from the same epochs as :func:`step_time_s`.

    Examples of a mean step over the step time, so that the two figures never disagree.
    """
    step = step_time_s(record)
    if step is None:
        return None
    epochs = counted_epochs(record)
    return sum(e.examples for e in epochs) / sum(e.steps for e in epochs) / step


def cpu_step_s(record: Record) -> float | None:
    """Seconds that all threads together spend on processors in a step: the median over epochs.

    Other programs on the same cores make a step longer, and this far less. ``None`` in records of
    harnesses that did not measure it.
    """
    return _median(e.cpu_s / e.steps for e in counted_epochs(record) if e.cpu_s is not None)


def busy_cores(record: Record) -> float | None:
    """How many cores training keeps busy: the median over epochs of CPU time over wall time."""
    return _median(e.cpu_s / e.wall_s for e in counted_epochs(record) if e.cpu_s is not None)


def counted(record: Record) -> list[bool]:
    """For each epoch, whether the trial's step time rests on it."""
    if record.status != "ok":
        return [False] * len(record.epochs)
    timed = [i for i, epoch in enumerate(record.epochs) if epoch.steps > 0 and epoch.wall_s > 0]
    marks = counting(
        [e.wall_s / e.steps for e in _timed(record)],
        marked=[e.warm_up for e in _timed(record)],
        restarts=_restarts(_timed(record)),
    )
    counts = {i for i, mark in zip(timed, marks, strict=True) if mark}
    return [i in counts for i in range(len(record.epochs))]


def counting(
    samples: Sequence[float], *, marked: Sequence[bool], restarts: Sequence[int]
) -> list[bool]:
    """For each sample of a process, in order, whether its figure rests on it: after warm-up.

    Args:
        samples: positive numbers.
        marked: which of them their record marks as warm-up; it decides where they are few.
        restarts: indices of samples at which training was started anew.
    """
    if len(samples) < SHORT:
        return [not mark for mark in marked]
    warm_up = _steady_state(tuple(samples), tuple(restarts)).warm_up
    if all(warm_up):  # never settled: its figure is that of the later half
        return [place >= len(samples) // 2 for place in range(len(samples))]
    return [not mark for mark in warm_up]


def counted_epochs(record: Record) -> list[Epoch]:
    """The epochs that the trial's figures rest on, in order."""
    return [e for e, counts in zip(record.epochs, counted(record), strict=True) if counts]


def samples_s(record: Record) -> list[float]:
    """The step times that count, in seconds and in order; their median is the trial's figure."""
    return [epoch.wall_s / epoch.steps for epoch in counted_epochs(record)]


def steadiness(record: Record) -> SteadyState | None:
    """Which epochs of a trial are warm-up, decided from its own samples, of both phases.

    ``None`` for a trial of fewer than :data:`SHORT` epochs: too few to tell a level from a trend,
    so that the marks in the record decide, which stand at the first epoch of every ``fit``.
    """
    timed = _timed(record)
    if len(timed) < SHORT:
        return None
    return _steady_state(tuple(e.wall_s / e.steps for e in timed), tuple(_restarts(timed)))


# A report asks several times for the same trial, and a folder may hold ten thousand.
@functools.lru_cache(maxsize=100_000)
def _steady_state(step_times_s: tuple[float, ...], restarts: tuple[int, ...]) -> SteadyState:
    return steady_state(step_times_s, restarts=restarts)


def _median(samples: Iterable[float]) -> float | None:
    values = list(samples)
    return statistics.median(values) if values else None


def _restarts(epochs: Sequence[Epoch]) -> list[int]:
    """Where training was started anew: the timing epochs are of another ``fit``."""
    pairs = itertools.pairwise(epochs)
    return [i for i, (a, b) in enumerate(pairs, start=1) if a.phase != b.phase]


def _timed(record: Record) -> list[Epoch]:
    return [e for e in record.epochs if e.steps > 0 and e.wall_s > 0]
