"""Plots of a report: one specification each, for the HTML page and for files alike.

Altair writes the specification, vl-convert draws it without a browser (:mod:`.draw`). This package
is imported only where both are installed.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.report.evidence import Evidence
from harness.report.plots import (
    anatomy,
    ladder,
    latency,
    learning,
    parity,
    resources,
    step_time,
    sweeps,
)
from harness.report.plots.base import Plot
from harness.report.plots.points import points


def plots(evidence: Evidence) -> list[Plot]:
    """All plots that the records have something for, in the order in which a reader asks."""
    return list(_all(evidence))


def _all(evidence: Evidence) -> Iterator[Plot]:
    seen = points(evidence)
    yield from step_time.plots(evidence, seen)
    yield from learning.plots(evidence, seen)
    yield from parity.plots(evidence)
    yield from resources.plots(evidence, seen)
    yield from latency.plots(evidence)
    yield from ladder.plots(evidence, seen)
    yield from anatomy.plots(evidence)
    yield from sweeps.plots(evidence, seen)
