"""The layout of a results folder: what each name means, in this table alone.

Below a campaign's folder, which may itself lie at any depth::

    campaign.json                                              the plan of every run in the folder
    records/<scenario>/<backend>-<device>-<mode>-<cell digest>/seed-<seed>-rep-<repetition>.json
    benchmarks/<backend>-<device>.json                         pytest-benchmark's own format
    parity/<scenario>/seed-<seed>-<number>/                    records, and verdict.json
    anatomy/<scenario>/run-<number>/                           a record for each process
    initial/<key>.npz                                          values of custom initialisers
    report.md, report.html, history.md, history.html           made from the others

Above the campaigns of ``harness bisect``, one for each version::

    bisect.json, bisect.md                                     its log, and the same to be read
"""

from __future__ import annotations

import os
import re
from collections import deque
from pathlib import Path

from harness.records.cell import Cell

CAMPAIGN = "campaign.json"
"""Keeps the plans of a campaign's runs."""

VERDICT = "verdict.json"
"""What ``harness parity`` made of the records beside it."""

RECORDS, BENCHMARKS, PARITY, ANATOMY, INITIAL = (
    "records",
    "benchmarks",
    "parity",
    "anatomy",
    "initial",
)
DEPTHS = {RECORDS: 3, BENCHMARKS: 1, PARITY: 3, ANATOMY: 3, INITIAL: 1}
"""How far below each folder its files lie."""

RUNS = (ANATOMY, PARITY)
"""Folders ``KIND/SCENARIO/STEM-NUMBER`` whose files belong together."""

REPORT, REPORT_PAGE = "report.md", "report.html"
HISTORY, HISTORY_PAGE = "history.md", "history.html"
BISECTION, BISECTION_REPORT = "bisect.json", "bisect.md"

_RECORD = re.compile(r"seed-\d+-rep-\d+\.json")
_RUN = re.compile(r".+-\d+")


def stem_of(cell: Cell) -> str:
    """How the names of a cell's files begin: ``jax-cpu``, ``jax-old-cpu`` in an environment."""
    return "-".join([cell.backend, *([cell.name] if cell.name else []), cell.device])


def files(root: Path) -> list[Path]:
    """Every file below ``root`` in the order of the paths, each once.

    Folders behind links are read too: a campaign often lies on a larger disk.
    """
    found: list[Path] = []
    seen: set[tuple[int, int]] = set()
    tops = deque([root])
    while tops:  # links last, so that a folder keeps the name that it has below ``root``
        for folder, below, names in os.walk(tops.popleft()):
            status = Path(folder).stat()
            key = (status.st_dev, status.st_ino)
            if key in seen:
                below.clear()
                continue
            seen.add(key)
            found += [Path(folder, name) for name in names]
            links = [Path(folder, name) for name in below]
            tops.extend(sorted(link for link in links if link.is_symlink()))
    return sorted(found)


def kind_of(path: Path) -> str | None:
    """What a file is: :data:`CAMPAIGN`, or the folder of the layout that it belongs to.

    Names of their own decide first, since downloaded artifacts may lack folders; then the folder at
    the distance of :data:`DEPTHS`; then the nearest, since a campaign or a scenario may have the
    name of one.

    Args:
        path: Seen from the results folder.
    """
    if path.name == CAMPAIGN:
        return CAMPAIGN
    if _RECORD.fullmatch(path.name):
        return RECORDS
    above = path.parts[-2::-1]
    placed = [kind for kind, depth in DEPTHS.items() if above[depth - 1 : depth] == (kind,)]
    nearest = [name for name in above if name in DEPTHS]
    return next(iter(placed + nearest), None)


def campaign_of(path: Path) -> str | None:
    """The folder of the campaign that a record belongs to; ``None`` if it is the results folder.

    Args:
        path: Seen from the results folder.
    """
    parts = path.parts[:-1]
    if RECORDS in parts:
        parts = parts[: len(parts) - 1 - parts[::-1].index(RECORDS)]
    return parts[0] if parts else None


def run_of(path: Path) -> Path | None:
    """The folder of the run of parity or anatomy that a file belongs to.

    Args:
        path: Seen from the results folder.
    """
    parts = path.parts
    for i in range(len(parts) - 4, -1, -1):
        if parts[i] in RUNS and _RUN.fullmatch(parts[i + 2]):
            return Path(*parts[: i + 3])
    return None
