"""Several trials in a few words: what they have in common, and nothing that all others have too."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from harness.analysis.work import value_order
from harness.records.cell import Cell, Scalar
from harness.records.trial import Record
from harness.words import ranges

Fact = Scalar | None


def name_of(trials: Sequence[Record], among: Iterable[Record]) -> str:
    """``torch cpu fit, batch_size=4096, seeds 1-3``: the settings in which they differ from others.

    Args:
        trials: those to name, at least one.
        among: all from which they are to be told apart.
    """
    everything = _values(record.cell for record in among)
    cells = {record.cell.digest: record.cell for record in trials}
    seeds = {digest: _seeds(r for r in trials if r.cell.digest == digest) for digest in cells}
    mine = _values(cells.values())
    telling = [name for name, values in everything.items() if len(values) > 1]
    # Every combination of their values is one of them: then one phrase says it.
    combinations = math.prod(len(mine.get(name, [None])) for name in {"label", *telling})
    if len(cells) == combinations and len({tuple(each) for each in seeds.values()}) == 1:
        partly = [name for name in telling if mine.get(name) != everything[name]]
        return _phrase(mine, partly, next(iter(seeds.values())))
    phrases = [_phrase(_values([cell]), telling, seeds[d]) for d, cell in cells.items()]
    return " and ".join(phrases)


def _phrase(values: dict[str, list[Fact]], telling: Iterable[str], seeds: Sequence[int]) -> str:
    *others, last = [str(label) for label in values["label"]]
    words = [f"{', '.join(others)} and {last}" if others else last]
    words += [
        f"{name}={' or '.join(map(_text, values[name]))}"
        for name in telling
        if name != "label" and name in values
    ]
    return ", ".join([*words, f"seed{'s' * (len(seeds) > 1)} {ranges(seeds)}"])


def _values(cells: Iterable[Cell]) -> dict[str, list[Fact]]:
    """The values of each fact, each once, in an order of their own."""
    found: dict[str, dict[Fact, None]] = {}
    for cell in cells:
        for name, value in _facts(cell).items():
            found.setdefault(name, {})[value] = None
    return {name: sorted(values, key=value_order) for name, values in found.items()}


def _facts(cell: Cell) -> dict[str, Fact]:
    own = {"label": cell.label, "scenario": cell.scenario, "init": cell.init}
    return {**own, "threads": cell.threads, **cell.settings}


def _text(value: Fact) -> str:
    return "auto" if value is None else str(value)


def _seeds(trials: Iterable[Record]) -> list[int]:
    return sorted({record.seed for record in trials})
