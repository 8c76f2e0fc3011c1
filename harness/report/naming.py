"""What rows are called: in the answer, and wherever one stands beside others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from harness.analysis.answers import Pair
from harness.analysis.rows import Row, distinction
from harness.analysis.study import Contest, Study
from harness.backends import FACTS
from harness.records.cell import Cell, place_of
from harness.report import format as fmt
from harness.report import table


def side(cell: Cell, apart: Mapping[str, str]) -> str:
    """A row as the answer names it: ``JAX``, ``JAX (old)``, ``JAX, keras 3.14.0``."""
    return fmt.plain(maker(cell) + distinction(apart), limit=120)


def sides(pair: Pair) -> tuple[str, str]:
    """The two of a pair as the answer names them: ``JAX``, or ``JAX, keras 3.14.0``."""
    return side(pair.first, pair.first_apart), side(pair.second, pair.second_apart)


def maker(cell: Cell) -> str:
    """The backend as its makers write it, with the environment's name: ``PyTorch (old)``."""
    return place_of(FACTS[cell.backend].label, cell.name)


def backends(contest: Contest) -> list[str]:
    """What was measured, by name, each once, in the order of the rows."""
    rows = [group.row for group in contest.groups if group.row.good]
    return list(dict.fromkeys(side(row.cell, row.apart) for row in rows))


def by_row_name(study: Study) -> dict[str, str]:
    """How the answer names each row, by :attr:`harness.analysis.rows.Row.name`."""
    rows = [group.row for group in study.groups]
    return {row.name: side(row.cell, row.apart) for row in rows}


def labels(study: Study) -> list[str]:
    """A name for each row, as short as tells it from the others: ``jax``, ``jax mode=native``.

    Versions stand there where they tell it from others of its cell: ``jax, keras 3.14.0``.
    """
    rows = study.rows
    told: dict[int, list[str]] = {}
    for scenario in dict.fromkeys(row.cell.scenario for row in rows):
        mine = [row for row in rows if row.cell.scenario == scenario]
        lines = table.settings(mine, study.about.get(scenario))
        told |= {id(row): line for row, line in zip(mine, lines, strict=True)}
    places = _places(rows)
    names = [
        fmt.plain(" ".join([row.name, *told[id(row)], *place]), limit=80)
        for row, place in zip(rows, places, strict=True)
    ]
    # Those that failed come last: what failed has no say in how the others are called.
    order = sorted(range(len(rows)), key=lambda i: not rows[i].good)
    seen: Counter[str] = Counter()
    for i in order:
        seen[names[i]] += 1
        if seen[names[i]] > 1:  # long facts that begin alike
            names[i] = f"{names[i]} #{seen[names[i]]}"
    return names


def _places(rows: Sequence[Row]) -> list[list[str]]:
    """Scenario, device and machine of each row, as far as they are not the same for all."""
    facts = [
        [row.cell.scenario, row.cell.device, f"on {table.machine_label(row.machine_id)}"]
        for row in rows
    ]
    good = [fact for fact, row in zip(facts, rows, strict=True) if row.good] or facts
    differ = [len(set(column)) > 1 for column in zip(*good, strict=True)]
    return [[name for name, told in zip(one, differ, strict=True) if told] for one in facts]
