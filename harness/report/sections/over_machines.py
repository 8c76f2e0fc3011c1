"""Pairs that several machines interleaved: over all of them, and on each.

Two sections, since a page shows the first and folds the second.
"""

from __future__ import annotations

from harness.analysis.speed.interval import MINIMUM_ROUNDS
from harness.analysis.speed.machines import MINIMUM_MACHINES, Combined, OnMachine
from harness.analysis.study import Study
from harness.report import format as fmt
from harness.report.document import Section
from harness.report.machines import OverMachines, named, over_machines, ratio_of
from harness.report.naming import backends
from harness.report.table import (
    Column,
    Table,
    cell_tables,
    common_facts,
    figure,
    machine_label,
    stacked,
)
from harness.words import count, listed

KEY = "over-machines"
EACH_KEY = "each-machine"

MOST_ROWS = 12
"""Machines of a pair shown one by one."""
ENDS = 5
"""Of more machines so many with the lowest ratios, and so many with the highest, are shown."""

EACH = (
    "A machine's ratio is that of its own interleaved rounds; nothing is compared across machines."
)
COMBINED = (
    "That over all of them is the ratio of a machine in the middle (random effects: DerSimonian "
    "and Laird, interval of Hartung and Knapp). All these intervals hold together at 95%. Machines "
    "differ by the standard deviation of their true ratios, the scatter of rounds taken out."
)
NOT_COMBINED = f"An interval over all of them needs {MINIMUM_MACHINES}."


def section(study: Study) -> Section:
    """Every pair over all machines; nothing for a folder of one."""
    if not study.combined:
        return Section(key=KEY, heading="")
    enough = any(one.low is not None for one in study.combined)
    broken = _without_measurement(study)
    return Section(
        key=KEY,
        heading="Over several machines",
        paragraphs=[
            f"{EACH} {COMBINED if enough else NOT_COMBINED}",
            *([f"Nothing succeeded on {broken}."] if broken else []),
        ],
        tables=_of_pairs(study),
    )


def each(study: Study) -> Section:
    """The pairs of the answer on each machine."""
    contest = next((one for one in study.contests if backends(one)), None)
    over = over_machines(study, contest) if contest else None
    return Section(
        key=EACH_KEY,
        heading="On each machine",
        tables=_of_machines(over, study) if over else [],
    )


def machines_table(pair: Combined, machines: list[OnMachine], title: str, margin: float) -> Table:
    """A row for each machine, and the last one for all that are combined.

    Args:
        pair: the two cells.
        machines: those shown.
        title: of the table.
        margin: smallest difference that matters, as a share.
    """
    rows = []
    for one in machines:
        ratio, ends = fmt.ratio(one.ratio, one.low, one.high, margin=margin)
        why = ends or f"fewer than {MINIMUM_ROUNDS} rounds"
        rows.append([machine_label(one.machine_id), fmt.count(one.rounds), ratio, why, one.kind])
    ratio, ends = ratio_of(pair, margin)
    whole = fmt.count(sum(one.rounds for one in pair.counting))
    rows.append(
        [
            f"all {len(pair.counting):,}",
            whole,
            ratio,
            ends if pair.low is not None else fmt.NOTHING,
            pair.kind if pair.low is not None else fmt.NOTHING,
        ]
    )
    return Table(
        title=title,
        columns=[
            Column(header="machine", kept=True),
            figure("rounds"),
            figure("ratio", kept=True),
            figure("interval", kept=True),
            Column(header="the first is"),
        ],
        rows=rows,
    )


def pair_label(pair: Combined) -> str:
    """``TensorFlow / JAX``."""
    return " / ".join(named(pair))


def _of_pairs(study: Study) -> list[Table]:
    def name(pair: Combined) -> str:
        if pair.first.mode != pair.second.mode:
            sides = zip(named(pair), (pair.first.mode, pair.second.mode), strict=True)
            return " / ".join(f"{name} {mode}" for name, mode in sides)
        return pair_label(pair)

    def ratio(pair: Combined) -> str:
        ratio, ends = ratio_of(pair, study.rule.margin)
        return stacked(ratio, ends if pair.low is not None else "")

    def span(pair: Combined) -> str:
        return "–".join(fmt.significant(end, 3) for end in pair.range)

    return cell_tables(
        "Step time over machines, the slower over the faster",
        study.combined,
        study.about,
        cell=lambda pair: pair.first,
        name=(Column(header="pair"), name),
        facts=lambda pair: common_facts(pair.first, pair.second),
        fillers=[
            (figure("machines"), lambda pair: fmt.count(len(pair.counting))),
            (figure("ratio", kept=True), ratio),
            (figure("machines differ by", kept=True), lambda pair: f"{100 * pair.spread:.1f}%"),
            (figure("range", kept=True), span),
            (
                Column(header="the first is"),
                lambda pair: pair.kind if pair.low is not None else fmt.NOTHING,
            ),
        ],
    )


def _of_machines(over: OverMachines, study: Study) -> list[Table]:
    tables = []
    for pair in over.pairs:
        shown, which = pair.machines, ""
        if len(shown) > MOST_ROWS:
            ordered = sorted(pair.counting, key=lambda one: one.ratio or 0.0)
            shown = [*ordered[:ENDS], *ordered[-ENDS:]]
            which = (
                f", the {ENDS} lowest and the {ENDS} highest ratios of {len(ordered):,} machines"
            )
        title = f"{pair_label(pair)} on each machine{which}"
        tables.append(machines_table(pair, shown, title, study.rule.margin))
    return tables


def _without_measurement(study: Study) -> str:
    """The machines of which all trials failed, with how many they were."""
    good = {row.machine_id for row in study.rows if row.good}
    failed: dict[str, int] = {}
    for row in study.rows:
        if row.machine_id is not None and row.machine_id not in good:
            failed[row.machine_id] = failed.get(row.machine_id, 0) + row.failed
    return listed(
        [f"machine {machine_label(name)} ({count(n, 'trial')})" for name, n in failed.items()]
    )
