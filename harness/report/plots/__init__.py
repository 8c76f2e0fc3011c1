"""Plots of a report: one specification each, for the HTML page and for files alike.

Altair writes the specification, vl-convert draws it without a browser (:mod:`.draw`). This package
is imported only where both are installed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from harness.analysis.study import Study
from harness.report.machines import few_machines, left_out
from harness.report.plots import (
    anatomy,
    ladder,
    latency,
    learning,
    machines,
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
    yield from machines.plots(study)
    few = few_machines(study)
    where = left_out(study, few)
    for plot in _of_rows(few):
        yield dataclasses.replace(plot, caption=f"{plot.caption} {where}".rstrip())


def _of_rows(study: Study) -> Iterator[Plot]:
    """Those of rows and trials: of the machines that a report shows one by one."""
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
