"""The list that github-action-benchmark reads with ``tool: customSmallerIsBetter``.

Each entry has ``name``, ``unit``, ``value``, and as text ``range`` and ``extra``. The action alerts
when a value has grown by more than its ``alert-threshold`` since the last commit, so only figures
that are better when smaller stand here.

Source: https://github.com/benchmark-action/github-action-benchmark#examples (custom benchmarks)
and ``BenchmarkResult`` in its ``src/extract.ts``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from harness.analysis.study import Study
from harness.report.exports.content import names
from harness.report.exports.measures import FAILED, Measure, facts, measures
from harness.store.atomic import write_over


def write(study: Study, path: Path) -> list[str]:
    """Write an entry for each figure of each row, in seconds, bytes and trials."""
    entries: list[dict[str, Any]] = []
    left_out: dict[str, None] = {}
    for group, name in zip(study.groups, names(study.rows), strict=True):
        extra = "\n".join(facts(group.row))
        for measure in measures(group):
            if measure.better == "lower":
                entries.append(_entry(name, measure, extra))
            else:
                left_out[measure.name] = None
    write_over(path, msgspec.json.format(msgspec.json.encode(entries), indent=2) + b"\n")
    if not left_out:
        return []
    return [f"Left out, since smaller is not better for it: {', '.join(left_out)}."]


def _entry(name: str, measure: Measure, extra: str) -> dict[str, Any]:
    figure = measure.figure
    entry: dict[str, Any] = {
        "name": f"{name}: {measure.name}",
        # The field is required; a metric has no unit.
        "unit": measure.unit or "1",
        "value": figure.value,
    }
    if figure.low is not None and figure.high is not None:
        # Without a ± sign: the action would take what follows for a half-width.
        entry["range"] = f"{figure.low!r} to {figure.high!r}"
    units = "" if measure.name == FAILED else f"n: {figure.n}\n"
    return entry | {"extra": units + extra}
