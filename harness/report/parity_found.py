"""What ``harness parity`` left in a results folder, for the report on that folder.

Only what the records hold is read, not the arrays beside them: the losses of every step and the
verdicts in words, which :mod:`harness.report.sections.parity` made when the arrays were at hand.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.analysis.notes import Broken
from harness.records.parity import PARITY_SCHEMA_VERSION, ParityRecord
from harness.records.trial import Struct
from harness.report import format as fmt

VERDICT = "verdict.json"
"""The file that a comparison leaves beside the records of its backends."""


class PairSaid(Struct, frozen=True, kw_only=True):
    """The verdict on two backends, ``says`` in a sentence or two."""

    first: str
    second: str
    verdict: str
    says: str


class Said(Struct, frozen=True, kw_only=True):
    """What a comparison found."""

    schema: int
    scenario: str
    seed: int
    pairs: list[PairSaid]
    synthetic: bool = False


class Compared(Struct, frozen=True, kw_only=True):
    """One comparison: its verdicts, and the records of the backends that were trained."""

    said: Said
    records: list[ParityRecord]

    @property
    def lines(self) -> list[str]:
        """The verdicts in words, one for each pair."""
        about = " on SYNTHETIC examples" if self.said.synthetic else ""
        head = f"{self.said.scenario}, seed {self.said.seed}{about}"
        return [fmt.plain(f"{head}: {pair.says}", limit=1_500) for pair in self.said.pairs]


class Parity(Struct, frozen=True, kw_only=True):
    """All comparisons below a folder, the latest of each scenario first, and broken files."""

    compared: list[Compared] = msgspec.field(default_factory=list)
    broken: list[Broken] = msgspec.field(default_factory=list)


def read(root: Path) -> Parity:
    """Every comparison below ``root``, at any depth; a file that cannot be read stops nothing."""
    compared: list[Compared] = []
    broken: list[Broken] = []
    for path in sorted(root.rglob(VERDICT)) if root.is_dir() else ():
        if "parity" not in path.relative_to(root).parts:
            continue
        try:
            said = msgspec.json.decode(path.read_bytes(), type=Said)
            if said.schema != PARITY_SCHEMA_VERSION:
                reason = f"written in schema {said.schema}; this harness reads "
                broken.append(Broken(path=str(path), reason=f"{reason}{PARITY_SCHEMA_VERSION}"))
                continue
            records = [
                msgspec.json.decode(beside.read_bytes(), type=ParityRecord)
                for beside in sorted(path.parent.glob("*.json"))
                if beside.name != VERDICT
            ]
        except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
            broken.append(Broken(path=str(path), reason=str(error)))
        else:
            good = [record for record in records if record.status == "ok"]
            compared.append(Compared(said=said, records=good))
    compared.sort(key=_began, reverse=True)
    return Parity(compared=compared, broken=broken)


def _began(compared: Compared) -> str:
    return max((record.started_at for record in compared.records), default="")
