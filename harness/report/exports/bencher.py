"""Bencher Metric Format (BMF): benchmarks by name, each with measures by slug.

A measure has ``value`` and, where several trials stand behind it, ``lower_value`` and
``upper_value``: the lowest and the highest trial. Bencher's own measure ``latency`` is in
nanoseconds, so the step time is given in them; all others are named with their unit.

Source: https://bencher.dev/docs/reference/bencher-metric-format/, the schema
https://bencher.dev/bmf.json, and for the unit of ``latency``
https://bencher.dev/docs/how-to/track-custom-benchmarks/.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from harness.analysis.figures import BY_KEY
from harness.analysis.rows import Figure
from harness.analysis.study import Study
from harness.report.exports import measures as m
from harness.report.exports.content import names
from harness.store.atomic import write_over

NANOSECONDS = 1e9
SLUG_LENGTH = 64
"""The most characters that Bencher takes for the slug of a measure."""

LATENCY = BY_KEY["step_time_s"].label
"""The measure that Bencher has a name of its own for."""

UNITS = {"s": " seconds", "bytes": " bytes"}
"""What stands behind the name of a measure that does not tell its unit."""


def write(study: Study, path: Path) -> list[str]:
    """Write a benchmark for each row with all its figures; a failure is the figure of a measure."""
    benchmarks = {
        name: {slug(measure): _metric(measure) for measure in m.measures(group)}
        for group, name in zip(study.groups, names(study.rows), strict=True)
    }
    write_over(path, msgspec.json.format(msgspec.json.encode(benchmarks), indent=2) + b"\n")
    return []


def slug(measure: m.Measure) -> str:
    """The name of a measure as Bencher keeps it: ``quality-root-mean-squared-error``."""
    if measure.name == LATENCY:
        return "latency"
    name = measure.name.lower() + UNITS.get(measure.unit, "")
    return re.sub(r"[^a-z0-9]+", "-", name)[:SLUG_LENGTH].strip("-")


def _metric(measure: m.Measure) -> dict[str, float]:
    scale = NANOSECONDS if measure.name == LATENCY else 1
    figure: Figure = measure.figure
    metric = {"value": figure.value * scale}
    if figure.low is not None and figure.high is not None:
        metric |= {"lower_value": figure.low * scale, "upper_value": figure.high * scale}
    return metric
