"""Judges the records of the zoo case by case, and makes one table of them."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path
from typing import TextIO

import msgspec

from harness import scenario
from harness.analysis.parity.judge import Pair, judge_all
from harness.analysis.parity.stages import Comparison, Subject
from harness.records.parity import ParityRecord, labels
from harness.store.runs import load_arrays

Row = dict[str, str]


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
    return [
        Subject(
            label=label,
            record=record,
            arrays=load_arrays((folder / (record.arrays or "")).read_bytes()),
        )
        for label, record in zip(labels([each.cell for each in records]), records, strict=True)
        if record.status == "ok"
    ], [record for record in records if record.status != "ok"]


def row_of(case: str, folder: Path) -> Row:
    """Verdict and size of each pair, the first deviation of all, and what failed with its reason.

    A size is in envelopes: of the deviation, or of the largest difference where there is none.
    """
    compared, broken = subjects(folder)
    row, named = {"case": case}, None
    for pair in judge_all(compared):
        deviation = pair.deviation or (pair.known.seen_as if pair.known else None)
        size = deviation.size if deviation else max((c.size for c in pair.comparisons), default=0)
        row[f"{pair.first} / {pair.second}"] = f"{pair.verdict} {size:.2g}"
        if deviation is not None and named is None:
            named = _named(deviation, pair)
    notes = [named] if named else []
    for record in broken:
        reason = " ".join(record.failure.reason.split()) if record.failure else "?"
        mode = "" if record.cell.mode == "fit" else f" {record.cell.mode}"
        notes.append(f"{record.cell.backend}{mode} failed: {reason[:240]}")
    notes += sorted({f"not served: {each}" for s in compared for each in s.record.not_served})
    row["note"] = "; ".join(notes)
    return row


def _named(deviation: Comparison, pair: Pair) -> str:
    place = f" at {deviation.at}" if deviation.at else ""
    size = "" if deviation.difference is None else f", {deviation.difference:.2g} apart"
    note = f" ({deviation.note})" if deviation.note else ""
    known = f" [{pair.known.behaviour}]" if pair.known else ""
    return f"{deviation.stage}: {deviation.quantity}{place}{size}{note}{known}"


def write_table(folder: Path, cases: list[str], out: TextIO) -> None:
    """Judge, print what is not the same, and write everything to ``zoo.csv``."""
    found = [row_of(case, folder / case) for case in cases]
    pairs = sorted({key for row in found for key in row} - {"case", "note"})
    with (folder / "zoo.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, ["case", *pairs, "note"], lineterminator="\n")
        table.writeheader()
        table.writerows(found)
    for row in found:
        if row["note"] or not all(row.get(pair, "").startswith("same ") for pair in pairs):
            verdicts = (f"{pair}: {row.get(pair, '-')}" for pair in pairs)
            out.write(f"{row['case']}: {', '.join(verdicts)}; {row['note']}\n")
    counts = Counter(row[pair].partition(" ")[0] for row in found for pair in pairs if pair in row)
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    out.write(f"{len(cases)} cases, {counts.total()} pairs: {told}\n")
