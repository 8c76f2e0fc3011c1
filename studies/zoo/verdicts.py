"""Judges the records of the zoo case by case, and makes one table of them."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import msgspec

from harness import scenario
from harness.analysis.parity import Pair, judge_all, largest
from harness.analysis.subject import Subject
from harness.launch.parity import load_arrays
from harness.parity import STAGES, ParityRecord, labels

COLUMNS = (
    "case",
    "pair",
    "verdict",
    "stage",
    "quantity",
    "at",
    "difference",
    "envelopes",
    "largest",
    "note",
)
"""``envelopes`` is the size of the first deviation, ``largest`` that of the whole comparison."""


def cases_of() -> list[str]:
    """The names of all cases."""
    zoo = scenario.find("zoo")
    return list(sys.modules[f"{type(zoo).__module__}.catalogue"].CASES)


def subjects(folder: Path) -> tuple[list[Subject], list[ParityRecord]]:
    """What can be judged of a case, and the records of what failed."""
    records = [
        msgspec.json.decode(path.read_bytes(), type=ParityRecord)
        for path in sorted(folder.glob("*.json"))
    ]
    good = [record for record in records if record.status == "ok"]
    names = labels([record.cell for record in records])
    by_id = {id(record): name for record, name in zip(records, names, strict=True)}
    return [
        Subject(
            label=by_id[id(record)],
            record=record,
            arrays=load_arrays((folder / (record.arrays or "")).read_bytes()),
        )
        for record in good
    ], [record for record in records if record.status != "ok"]


def rows(case: str, folder: Path) -> Iterable[dict[str, str]]:
    """One row for each pair of a case, and one for each backend that failed."""
    compared, broken = subjects(folder)
    for record in broken:
        reason = record.failure.reason if record.failure else "?"
        yield {
            "case": case,
            "pair": f"{record.cell.backend} {record.cell.mode}".removesuffix(" fit"),
            "verdict": "failed",
            "note": " ".join(reason.split())[:300],
        }
    for pair in judge_all(compared):
        yield _row(case, pair)


def _row(case: str, pair: Pair) -> dict[str, str]:
    most = max((c.size for s in STAGES if (c := largest(pair.comparisons, s))), default=0.0)
    row = {
        "case": case,
        "pair": f"{pair.first} / {pair.second}",
        "verdict": pair.verdict,
        "largest": f"{most:.2g}",
    }
    named = pair.deviation or (pair.known.seen_as if pair.known else None)
    if named is not None:
        row |= {
            "stage": named.stage,
            "quantity": named.quantity,
            "at": named.at or "",
            "difference": "" if named.difference is None else f"{named.difference:.2g}",
            "envelopes": f"{named.size:.2g}",
            "note": named.note or (pair.known.behaviour if pair.known else ""),
        }
    return row


def write_table(folder: Path, cases: list[str], out: TextIO) -> None:
    """Judge, print what is not the same, and write everything to ``zoo.csv``."""
    found = [row for case in cases for row in rows(case, folder / case)]
    with (folder / "zoo.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(found)
    for row in found:
        if row["verdict"] != "same":
            out.write("  ".join(row.get(column, "") for column in COLUMNS) + "\n")
    counts = {
        v: sum(row["verdict"] == v for row in found)
        for v in ("same", "same-except", "deviates", "failed")
    }
    out.write(f"{len(cases)} cases: " + ", ".join(f"{n} {v}" for v, n in counts.items()) + "\n")
