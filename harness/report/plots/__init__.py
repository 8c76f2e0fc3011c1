"""Plots of a report: one specification each, for the HTML page and for files alike.

Altair writes the specification, vl-convert draws it without a browser (:mod:`.draw`). This package
is imported only where both are installed.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.analysis.study import Study
from harness.report.plots import (
    anatomy,
    ladder,
    latency,
    learning,
    parity,
    profile,
    resources,
    step_time,
    sweeps,
)
from harness.report.plots.base import Plot
from harness.report.plots.points import points


def plots(study: Study) -> list[Plot]:
    """All plots that the records have something for, in the order in which a reader asks."""
    return list(_all(study))


def _all(study: Study) -> Iterator[Plot]:
    seen = points(study)
    yield from profile.plots(study)
    yield from step_time.plots(study, seen)
    yield from learning.plots(study, seen)
    yield from parity.plots(study)
    yield from resources.plots(study, seen)
    yield from latency.plots(study)
    yield from ladder.plots(study, seen)
    yield from anatomy.plots(study)
    yield from sweeps.plots(study, seen)
