"""The verdicts of ``harness parity`` as one JSON document, for a script and beside the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.analysis.parity.judge import Pair
from harness.analysis.parity.stages import Comparison
from harness.errors import ExitCode
from harness.records.parity import PARITY_SCHEMA_VERSION, ParityRecord
from harness.records.trial import Scalar
from harness.report.sections import parity as report


def encode(
    asked: report.Asked,
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
        "backends": [_backend(record) for record in records],
        "pairs": [_pair(pair) for pair in pairs],
    }
    return msgspec.json.format(msgspec.json.encode(answer), indent=1)


def _backend(record: ParityRecord) -> dict[str, Any]:
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


def _pair(pair: Pair) -> dict[str, Any]:
    known = pair.known
    return {
        "first": pair.first,
        "second": pair.second,
        "verdict": pair.verdict,
        "says": report.verdict(pair),
        "deviation": None if pair.deviation is None else _sized(pair.deviation),
        "layer": None if pair.layer is None else _sized(pair.layer),
        "not_served": pair.not_served,
        "known": None
        if known is None
        else {
            "behaviour": known.behaviour,
            "says": known.says,
            "seen_as": _sized(known.seen_as),
            "without": [_sized(each) for each in known.without],
            "predicted": [_sized(each) for each in known.predicted],
        },
        "comparisons": [_sized(each) for each in pair.comparisons],
    }


def _sized(comparison: Comparison) -> dict[str, Any]:
    finite = comparison.difference is not None
    return msgspec.structs.asdict(comparison) | {
        "envelopes": comparison.size if finite else None,
        "deviates": comparison.deviates,
    }
