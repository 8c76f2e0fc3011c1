"""The verdicts of ``harness parity``: as a section, as its own document, as JSON."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.analysis.parity.envelope import MARGIN
from harness.analysis.parity.judge import Known, Pair, apart, first_deviation, largest
from harness.analysis.parity.stages import NO_DRAWS, Comparison
from harness.analysis.provenance import MAIN_SCENARIO
from harness.analysis.study import Study
from harness.errors import ExitCode
from harness.records.cell import Scalar, Struct
from harness.records.parity import (
    KNOWN_BEHAVIOURS,
    PARITY_SCHEMA_VERSION,
    STAGES,
    ParityRecord,
    labels,
)
from harness.report import format as fmt
from harness.report.document import Bullet, Document, Section, broken_bullet
from harness.report.table import Column, Table
from harness.store.runs import ParityRun

READING = (
    f"Differences are in envelopes: 1 is {MARGIN:g} times how far a backend drifts from "
    "itself when its initial weights are moved by one unit in the last place and the examples of "
    "each batch are added up in another order. Up to 1 it is round-off. Stages come in the order "
    "in which a fault spreads, so the first one that deviates is where to look."
)

KEY = "parity"

COMPARISONS = 3
"""So many of the latest comparisons are told; all of them lie in the folder."""


class Asked(Struct, frozen=True, kw_only=True):
    """What was compared, in words."""

    scenario: str
    seed: int
    settings: str
    synthetic: bool = False


def section(study: Study) -> Section:
    """What was found, or how to ask; nothing without trials."""
    found = study.parity
    rows = [row for row in study.rows if row.good] or study.rows
    scenario = rows[0].cell.scenario if rows else MAIN_SCENARIO
    told = [Bullet(text=line) for run in found.runs[:COMPARISONS] for line in _compared(run)]
    ask = Bullet(
        text="Not checked here. Equal quality is a sign of it; this compares step by step:",
        command=fmt.plain(shlex.join(["harness", "parity", scenario])),
    )
    broken = [broken_bullet(file, "Parity file") for file in found.broken]
    bullets = [*(told or [ask]), *broken] if study.trials else []
    return Section(key=KEY, heading="Is it the same model?", bullets=bullets)


def _compared(run: ParityRun) -> list[str]:
    """The verdicts of a comparison in words, one for each pair."""
    verdict = run.verdict
    about = " on SYNTHETIC examples" if verdict.synthetic else ""
    head = f"{verdict.scenario}, seed {verdict.seed}{about}"
    return [fmt.plain(f"{head}: {pair.says}", limit=1_500) for pair in verdict.pairs]


def compose(
    asked: Asked, records: Sequence[ParityRecord], pairs: Sequence[Pair], *, everything: bool
) -> Document:
    """Put the answer together.

    Args:
        asked: what was compared.
        records: one of each backend; those without a training are told, and compared to nothing.
        pairs: the verdicts.
        everything: whether to list every variable and slot, or the largest of each stage.
    """
    failed = [_failure(name, r) for name, r in _named(records) if r.status != "ok"]
    lead = [_trained(asked, records), *failed]
    lead += [verdict(pair) for pair in pairs]
    if odd := apart(pairs):
        lead.append(f"{odd} is different: the others are the same model.")
    if asked.synthetic:
        lead.append("The examples are SYNTHETIC.")
    if handed := sorted({each for record in records for each in record.custom_initial.items()}):
        told = ", ".join(f"{fmt.plain(path)} from {source}" for path, source in handed)
        lead.append(f"Initial values of custom initialisers, computed once for all: {told}.")
    sections = [
        Section(
            key=f"{pair.first}/{pair.second}",
            heading=f"{pair.first} against {pair.second}",
            tables=_tables(pair, everything),
        )
        for pair in pairs
    ]
    if pairs:
        sections.append(
            Section(
                key="reading",
                heading="How to read this",
                paragraphs=[READING],
                bullets=_known(pairs),
            )
        )
    return Document(title=f"{asked.scenario}: is it the same model?", lead=lead, sections=sections)


def verdict(pair: Pair) -> str:
    """The verdict on one pair in a sentence or two."""
    names = f"{pair.first} and {pair.second}"
    if pair.verdict == "same":
        most = max(pair.comparisons, key=lambda c: c.size)
        drawing = [
            c.quantity for c in pair.comparisons if c.stage == "draws" and c.quantity != NO_DRAWS
        ]
        random = (
            f" Random numbers were the same in {fmt.plain(', '.join(drawing))}." if drawing else ""
        )
        return f"{names}: the same model. Largest difference: {_told(most)}.{random}"
    if pair.verdict == "same-except" and pair.known:
        known = pair.known
        proofs = [max(each, key=lambda c: c.size).size for each in (known.without, known.predicted)]
        return (
            f"{names}: the same model, except that {known.says}. It shows first as "
            f"{_told(known.seen_as)}. That this is all was checked: without it nothing is further "
            f"apart than {size(proofs[0])} envelopes, and its rule put in by hand gives what "
            f"{known.backend} gives, within {size(proofs[1])}."
        )
    if pair.known and pair.deviation and pair.known.explains_all:
        known = pair.known
        return (
            f"{names}: NOT the same result: {known.says}, and that moves the test metric beyond "
            f"round-off: {_told(pair.deviation)}. It shows first as {_told(known.seen_as)}, and "
            f"explains every stage. To accept it: --allow {known.behaviour}."
        )
    if pair.verdict == "untold":
        return (
            f"{names}: UNDECIDED. Random numbers that are not served alike: "
            f"{fmt.plain('; '.join(pair.not_served), limit=600)}. What lies behind them is not the "
            "same training on both."
        )
    if pair.deviation is None:
        raise ValueError(f"{names} deviate, but in nothing")
    worst = largest(pair.comparisons, pair.deviation.stage)
    more = ""
    if worst and worst.size > pair.deviation.size:
        more = f" The largest in that stage: {_told(worst)}."
    if pair.layer:
        more += (
            f" In the forward pass it begins at the {fmt.plain(pair.layer.quantity)}, "
            f"{size(pair.layer.size)} envelopes."
        )
    if pair.known and not first_deviation(pair.known.without):
        more = (
            f" That is {pair.known.backend} against its known behaviour ({pair.known.behaviour}), "
            "which explains only a part."
        )
    return f"{names}: NOT the same model. First deviation: {_told(pair.deviation)}.{more}"


def size(envelopes: float) -> str:
    """A size in envelopes: ``0.13``, ``24``, ``4,194``; no number where there is none."""
    if envelopes == float("inf"):
        return "no number"
    return f"{envelopes:,.0f}" if envelopes >= 10 else f"{envelopes:.2f}"


def _told(comparison: Comparison) -> str:
    """Quantity, stage and size: ``loss, step 7 (loss of every step): 1.0e-03, 4,398 envelopes``."""
    at = f", {comparison.at}" if comparison.at else ""
    where = f"{fmt.plain(comparison.quantity)}{at} ({STAGES[comparison.stage]})"
    if comparison.note:
        return f"{where}: {fmt.plain(comparison.note)}"
    if comparison.difference is None:
        return f"{where}: a finite number on one side only"
    kind = " of its size" if comparison.stage == "optimizer" else ""
    return f"{where}: {comparison.difference:.1e}{kind}, {size(comparison.size)} envelopes"


def _trained(asked: Asked, records: Sequence[ParityRecord]) -> str:
    settings = f", {asked.settings}" if asked.settings else ""
    good = [f"{name} {r.cell.device}" for name, r in _named(records) if r.status == "ok"]
    moved = max((r.perturbations for r in records), default=0)
    return (
        f"Seed {asked.seed}{settings}: trained on {', '.join(good) or 'nothing'} from the same "
        f"weights, and {moved} times more on each to see how far it drifts from itself."
    )


def _named(records: Sequence[ParityRecord]) -> list[tuple[str, ParityRecord]]:
    names = labels([record.cell for record in records])
    return list(zip(names, records, strict=True))


def _failure(name: str, record: ParityRecord) -> str:
    reason = record.failure.reason if record.failure else record.status
    return f"{name} was NOT compared: {record.status}: {fmt.plain(reason)}"


def _tables(pair: Pair, everything: bool) -> list[Table]:
    tables = [_by_stage(pair)]
    if everything:
        tables.append(_all_of("Everything, as the backends are", pair.comparisons))
        if pair.known:
            tables.append(_all_of("Everything, without the known behaviour", pair.known.without))
    return tables


def _by_stage(pair: Pair) -> Table:
    header = "as they are" if pair.known else "in envelopes"
    columns = [Column(header="stage"), Column(header=header, figures=True)]
    further: list[list[Comparison]] = []
    if known := pair.known:
        columns += [Column(header=header, figures=True) for header in _headers(known)]
        further = [known.without, known.predicted]
    columns.append(Column(header="largest difference", aside=True))
    rows = []
    for stage, words in STAGES.items():
        found = [largest(each, stage) for each in (pair.comparisons, *further)]
        first = found[0]
        if first is None:
            continue
        at = f", {first.at}" if first.at else ""
        worst = f"{fmt.plain(first.quantity)}{at}" if first.size else "none"
        rows.append([words, *("" if c is None else _flagged(c) for c in found), worst])
    title = "The largest difference of each stage in envelopes; ! is outside"
    return Table(title=title, columns=columns, rows=rows)


def _headers(known: Known) -> list[str]:
    behaviour = next(each for each in KNOWN_BEHAVIOURS if each.name == known.behaviour)
    return [behaviour.without, behaviour.predicted]


def _all_of(title: str, comparisons: Sequence[Comparison]) -> Table:
    headers = ["difference", "envelope", "in envelopes", "changed by", "and by"]
    return Table(
        title=title,
        columns=[
            Column(header="stage"),
            Column(header="quantity"),
            *(Column(header=header, figures=True) for header in headers),
        ],
        rows=[
            [
                c.stage,
                fmt.plain(c.quantity) + (f", {c.at}" if c.at else ""),
                "" if c.difference is None else f"{c.difference:.2e}",
                f"{c.envelope:.2e}",
                _flagged(c),
                *([f"{value:.2e}" for value in c.changed] if c.changed else ["", ""]),
            ]
            for c in comparisons
        ],
    )


def _flagged(comparison: Comparison) -> str:
    return f"{size(comparison.size)}{' !' if comparison.deviates else ''}"


def _known(pairs: Sequence[Pair]) -> list[Bullet]:
    told = {pair.known.behaviour for pair in pairs if pair.known}
    return [
        Bullet(
            text=f"{each.name}: {each.says} ({each.source}). The column '{each.without}' compares "
            f"with {each.backend} freed of that, '{each.predicted}' compares {each.backend} as it "
            "is with itself, freed of it and given its rule by hand."
        )
        for each in KNOWN_BEHAVIOURS
        if each.name in told
    ]


def encode(
    asked: Asked,
    records: Sequence[ParityRecord],
    pairs: Sequence[Pair],
    *,
    settings: Mapping[str, Scalar],
    folder: Path,
    exit_code: ExitCode,
) -> bytes:
    """Everything that was compared, with its size in envelopes, indented for a person."""
    answer = {
        "schema": PARITY_SCHEMA_VERSION,
        "scenario": asked.scenario,
        "seed": asked.seed,
        "settings": settings,
        "synthetic": asked.synthetic,
        "exit_code": int(exit_code),
        "folder": str(folder),
        "backends": [_backend_json(record) for record in records],
        "pairs": [_verdict_json(pair) for pair in pairs],
    }
    return msgspec.json.format(msgspec.json.encode(answer), indent=1)


def _backend_json(record: ParityRecord) -> dict[str, Any]:
    return {
        "backend": record.cell.backend,
        "device": record.cell.device,
        "mode": record.cell.mode,
        "status": record.status,
        "reason": record.failure.reason if record.failure else None,
        "engine": record.engine,
        "draws": record.draws,
        "reordered": record.reordered,
        "duration_s": record.duration_s,
    }


def _verdict_json(pair: Pair) -> dict[str, Any]:
    known = pair.known
    return {
        "first": pair.first,
        "second": pair.second,
        "verdict": pair.verdict,
        "says": verdict(pair),
        "deviation": None if pair.deviation is None else _comparison_json(pair.deviation),
        "layer": None if pair.layer is None else _comparison_json(pair.layer),
        "not_served": pair.not_served,
        "known": None
        if known is None
        else {
            "behaviour": known.behaviour,
            "says": known.says,
            "seen_as": _comparison_json(known.seen_as),
            "without": [_comparison_json(each) for each in known.without],
            "predicted": [_comparison_json(each) for each in known.predicted],
        },
        "comparisons": [_comparison_json(each) for each in pair.comparisons],
    }


def _comparison_json(comparison: Comparison) -> dict[str, Any]:
    finite = comparison.difference is not None
    return msgspec.structs.asdict(comparison) | {
        "envelopes": comparison.size if finite else None,
        "deviates": comparison.deviates,
    }
