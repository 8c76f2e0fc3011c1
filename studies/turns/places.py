"""Is a process of a round in turns slower for its place among those that are started?

    python -m studies.turns.places FOLDER…

``FOLDER`` are campaigns of one backend under two names, as ``studies.turns.twins`` and
``studies.programs.versions --only same`` leave them. The order of rounds is balanced, so that no
place favours a name; what is seen here is what that has to cancel.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.analysis.speed.interval import MINIMUM_ROUNDS, interval
from harness.analysis.speed.turns import log_ratio
from harness.records.trial import Record
from harness.store import folder as store
from studies.turns.campaigns import show, table


def main() -> None:
    """Print for each backend how its second process compares with its first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    found = defaultdict(list)
    for folder in parser.parse_args().folders:
        for earlier, later in neighbours(store.load(folder).records):
            ratio = log_ratio(later, earlier)
            if ratio is not None:
                found[earlier.cell.backend].append(ratio)
    rows = []
    for backend, ratios in found.items():
        if len(ratios) >= MINIMUM_ROUNDS:
            ends = interval(ratios)
            shown = (f"{math.expm1(end):+.1%}" for end in (ends.estimate, ends.low, ends.high))
            rows.append([backend, len(ratios), *shown])
    show(table(("backend", "rounds", "second over first", "low", "high"), rows))


def neighbours(records: Sequence[Record]) -> Iterator[tuple[Record, Record]]:
    """Every two of one group and backend that took turns, the one that was started first before."""
    groups = defaultdict(list)
    for record in records:
        if record.turns is not None:
            groups[record.turns.group, record.cell.backend].append(record)
    for members in groups.values():
        yield from itertools.combinations(sorted(members, key=lambda one: one.turns.place), 2)


if __name__ == "__main__":
    main()
