"""The JSON that pytest-benchmark saves and compares: one benchmark for each row of the report.

A round is the step time of one epoch that counts, in seconds, those of all good trials one after
the other. So ``median`` here is that of the rounds; the report's figure, a median over trials,
stands in ``extra_info``. What this harness adds at the top stands under ``harness``, which
pytest-benchmark passes over.

Source: https://pytest-benchmark.readthedocs.io/en/latest/usage.html (``--benchmark-json``) and
``pytest_benchmark/session.py``, ``storage/file.py`` and ``cli.py`` (5.3), which read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness import __version__
from harness.analysis.figures import FIGURES
from harness.analysis.provenance import machines
from harness.analysis.rows import Group
from harness.analysis.step_time import samples_s
from harness.analysis.study import Study
from harness.analysis.work import SHOWN, asked
from harness.records.trial import Record
from harness.report import format as fmt
from harness.report.exports import round_statistics
from harness.report.exports.content import SYNTHETIC, names, warnings
from harness.store.atomic import write_over

FORMAT_VERSION = "5.3.1"
"""The release of pytest-benchmark whose form this is."""


def write(study: Study, path: Path) -> list[str]:
    """Write the step times; rows without a good trial are named, since a benchmark needs rounds."""
    benchmarks = []
    without = []
    for group, name in zip(study.groups, names(study.rows), strict=True):
        good = group.good
        rounds_s = [sample for record in good for sample in samples_s(record)]
        if rounds_s:
            benchmarks.append(_benchmark(group, name, good, rounds_s, study.groups))
        else:
            without.append(name)
    measured = [r for r in study.records if r.status == "ok"] or study.records
    said = [f"Left out, since no trial measured it: {', '.join(without)}."] if without else []
    file = {
        "machine_info": _machine_info(study.records),
        "commit_info": _commit_info(measured),
        "benchmarks": benchmarks,
        "datetime": measured[-1].started_at,
        "version": FORMAT_VERSION,
        "harness": {"version": __version__, "notes": warnings(study), "left_out": without},
    }
    write_over(path, msgspec.json.format(msgspec.json.encode(file), indent=4) + b"\n")
    return said


def _benchmark(
    group: Group, name: str, good: list[Record], rounds_s: list[float], groups: Sequence[Group]
) -> dict[str, Any]:
    row, cell = group.row, group.row.cell
    environment = {"environment": cell.name} if cell.name else {}
    return {
        "group": _group(group, groups),
        "name": name,
        "fullname": name,
        "params": {
            "backend": cell.backend,
            "device": cell.device,
            "mode": cell.mode,
            **environment,
        },
        "param": f"{cell.place}-{cell.device}-{cell.mode}",
        "extra_info": {
            "scenario": cell.scenario,
            "backend": cell.backend,
            "device": cell.device,
            "cell": cell,
            "synthetic": row.synthetic,
            "good_trials": row.good,
            "failed_trials": row.failed,
            "rounds_per_trial": [len(samples_s(record)) for record in good],
            **{figure.key: getattr(row, figure.key) for figure in FIGURES},
            "quality": row.quality,
            "versions": row.versions,
            "machine_id": row.machine_id,
        },
        "options": {"timer": "perf_counter_ns", "warmup": True},
        "stats": round_statistics.of(rounds_s),
    }


def _group(group: Group, groups: Sequence[Group]) -> str:
    """What `compare` puts in one table: it marks a best and a worst, so machines stay apart.

    So does other work that was done where the same was asked.
    """
    row = group.row
    works = {g.row.work for g in groups if g.row.good and asked(g.row.cell) == asked(row.cell)}
    apart = [
        shown.format(getattr(row.work, field))
        for field, shown in SHOWN.items()
        if field not in {"scenario_version", "synthetic"}
        and len({getattr(work, field) for work in works}) > 1
    ]
    parts = [
        f"{row.cell.scenario} version {row.scenario_version}",
        row.cell.device,
        f"machine {row.machine_id or 'unknown'}",
        *([SYNTHETIC] if row.synthetic else []),
        *apart,
    ]
    return fmt.plain(", ".join(parts))


def _machine_info(records: list[Record]) -> dict[str, Any]:
    """The machine, if it is one; of several only that they are: each benchmark names its own."""
    found = machines(records)
    if len(found) != 1:
        return {"node": f"{len(found)} machines"}
    one = found[0]
    return {
        "node": fmt.plain(one.hostname),
        "machine_id": one.machine_id,
        "system": one.os,
        "python_version": ", ".join(one.python),
        "cpu": {"brand_raw": one.cpu, "count": one.logical_cores},
    }


def _commit_info(records: list[Record]) -> dict[str, Any]:
    """The commit of the harness; ``None`` where records come from several or do not tell."""
    commits = {record.harness.commit for record in records}
    return {
        "id": commits.pop() if len(commits) == 1 else None,
        "dirty": any(record.harness.dirty for record in records),
        "project": "keras-backend-harness",
    }
