"""Where a step's time goes: the parts of each backend beside each other, in lines and tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from harness.analysis.anatomy import ADDS_UP, Anatomy, Located, PartTime
from harness.analysis.study import About, Study
from harness.records.anatomy import PARTS, SAYS, AnatomyRecord
from harness.report import format as fmt
from harness.report.document import Bullet, Document, Section, broken_bullet
from harness.report.naming import maker
from harness.report.table import Column, Table, cell_facts, machine_label, variants

KEY = "anatomy"

HEADING = "Where a step's time goes"

READING = (
    "Keras' fit, timed as it is and without one thing after another (callbacks, metrics, input "
    "pipeline, optimizer, all but one example), in interleaved rounds of one process. A part is "
    "what a step saves without it, so work that overlaps other work counts little, and a negative "
    "part saves nothing. The range is over processes: a 95% interval from four on, else the lowest "
    "and the highest. The sum is compared with a second fit of the same rounds."
)


def section(study: Study) -> Section:
    """What ``harness anatomy`` found; nothing where it was not run."""
    told = of(study.anatomies, study.about)
    broken = [broken_bullet(file, "Anatomy file") for file in study.anatomy.broken]
    return msgspec.structs.replace(told, bullets=[*told.bullets, *broken])


def of(anatomies: Sequence[Anatomy], about: Mapping[str, About]) -> Section:
    """The parts of each step: in words, then in tables."""
    return Section(
        key=KEY,
        heading=HEADING,
        paragraphs=[READING] if anatomies else [],
        bullets=[Bullet(text=line) for line in lines(anatomies)],
        tables=tables(anatomies, about),
    )


def compose(
    scenario: str,
    anatomies: Sequence[Anatomy],
    failed: Sequence[AnatomyRecord],
    about: Mapping[str, About] | None = None,
) -> Document:
    """The answer of the command.

    Args:
        scenario: what was trained.
        anatomies: one for each backend that was measured.
        failed: the processes that left no measurement.
        about: what is known of the scenario.
    """
    alike: dict[str, list[str]] = {}
    for record in failed:
        why = f"{record.status}: {record.failure.reason if record.failure else record.status}"
        alike.setdefault(why, []).append(f"{record.cell.place}, process {record.process}")
    lead = [f"{'; '.join(names)}: NOT measured: {fmt.plain(why)}" for why, names in alike.items()]
    return Document(
        title=f"{scenario}: where does a step's time go?",
        lead=lead + lines(anatomies),
        sections=[
            Section(key=KEY, heading=HEADING, tables=tables(anatomies, about)),
            Section(
                key="reading",
                heading="How to read this",
                paragraphs=[READING],
                bullets=[Bullet(text=f"{part}: {SAYS[part]}.") for part in PARTS],
            ),
        ],
    )


def lines(anatomies: Sequence[Anatomy]) -> list[str]:
    """The largest part of each backend's step, whether the parts add up, and what weakens it."""
    told = []
    for one in anatomies:
        largest = max(one.parts, key=lambda part: part.time.estimate_s)
        told.append(
            f"{name(one)}: {fmt.duration(one.measured.estimate_s)} a step, most of it "
            f"{label(largest)} ({share(largest.time.estimate_s, one)}). The parts "
            f"{_adding(one)}."
        )
        told += [
            f"{name(one)}: '{absent.name}' could not be measured, so its part is included in "
            f"the next one: {absent.why}"
            for absent in one.absent
        ]
        if one.disturbed:
            told.append(
                f"{name(one)}: other programs disturbed {one.disturbed} of {one.processes} "
                "processes; measure again on a quiet machine."
            )
        if one.failed:
            told.append(
                f"{name(one)}: {one.failed} of {one.failed + one.processes} processes left no "
                "measurement."
            )
    if any(one.synthetic for one in anatomies):
        told.append("SYNTHETIC DATA: these steps did not train on real ratings.")
    return [fmt.plain(line) for line in told]


def tables(anatomies: Sequence[Anatomy], about: Mapping[str, About] | None = None) -> list[Table]:
    """A table for each scenario, device, settings and machine: a row for each part."""
    alike: dict[object, list[Anatomy]] = defaultdict(list)
    for one in anatomies:
        cell = msgspec.structs.replace(one.cell, backend="jax")
        alike[msgspec.json.encode(cell, order="deterministic"), one.machine_id].append(one)
    titles = _titles([group[0] for group in alike.values()], about or {})
    return [_table(title, group) for title, group in zip(titles, alike.values(), strict=True)]


def label(part: PartTime) -> str:
    """The name of a part, or of several that could not be told apart."""
    return " + ".join(part.names)


def name(anatomy: Anatomy) -> str:
    """Backend and device of an anatomy, with the versions that tell it from others."""
    return f"{anatomy.cell.place} {anatomy.cell.device}{_distinction(anatomy)}"


def named(anatomy: Anatomy) -> str:
    """The framework, with whatever tells the anatomy from others of its cell."""
    return fmt.plain(f"{maker(anatomy.cell)}{_distinction(anatomy)}")


def _distinction(anatomy: Anatomy) -> str:
    """What tells it from others of its cell: ``, keras 3.14.0``."""
    return "".join(f", {name} {told}" for name, told in anatomy.apart.items())


def share(time_s: float, anatomy: Anatomy) -> str:
    """A time as a share of the measured step: ``24%``."""
    return f"{time_s / anatomy.measured.estimate_s:.0%}"


def off(anatomy: Anatomy) -> str:
    """By how much the sum is off, with its sign: ``+1.3%``."""
    return f"{anatomy.misses:+.1%}"


def _adding(anatomy: Anatomy) -> str:
    if anatomy.adds_up:
        return f"add up to it but for {off(anatomy)}"
    return f"do NOT add up to it: their sum is off by {off(anatomy)}, more than {ADDS_UP:.0%}"


def _titles(firsts: Sequence[Anatomy], about: Mapping[str, About]) -> list[str]:
    titles = []
    for one in firsts:
        scenario = one.cell.scenario
        mine = [cell_facts(other.cell) for other in firsts if other.cell.scenario == scenario]
        told = variants(mine, about.get(scenario))[mine.index(cell_facts(one.cell))]
        machines = {other.machine_id for other in firsts}
        place = [f"on {machine_label(one.machine_id)}"] if len(machines) > 1 else []
        facts = ", ".join([scenario, one.cell.device, *told, *place])
        titles.append(fmt.plain(f"Parts of a step of fit: {facts}", limit=200))
    return titles


def _table(title: str, group: Sequence[Anatomy]) -> Table:
    rows = dict.fromkeys(tuple(part.names) for one in group for part in one.parts)
    order = sorted(rows, key=lambda names: PARTS.index(names[-1]))
    return Table(
        title=title,
        columns=[
            Column(header="part"),
            *(
                Column(header=fmt.plain(f"{one.cell.place}{_distinction(one)}"), figures=True)
                for one in group
            ),
        ],
        rows=[
            *([" + ".join(names), *(_part(one, names) for one in group)] for names in order),
            ["sum of the parts", *(_beside(one.sum_s, one) for one in group)],
            ["step of the second fit", *(_figure(one.measured, one) for one in group)],
            ["the sum is off by", *(off(one) for one in group)],
            ["compiled optimizer", *(fmt.plain(one.optimizer, limit=40) for one in group)],
            ["processes × rounds", *(f"{one.processes} × {one.rounds}" for one in group)],
        ],
    )


def _part(anatomy: Anatomy, names: Sequence[str]) -> str:
    for part in anatomy.parts:
        if tuple(part.names) == tuple(names):
            first, *below = _figure(part.time, anatomy).split("\n")
            return "\n".join([f"{first} ({share(part.time.estimate_s, anatomy)})", *below])
    return fmt.NOTHING


def _figure(time: Located, anatomy: Anatomy) -> str:
    figure = _beside(time.estimate_s, anatomy)
    if anatomy.processes == 1:
        return figure
    interval = fmt.duration_interval(time.low_s, time.high_s, of=anatomy.measured.estimate_s)
    return f"{figure}\n{interval}"


def _beside(time_s: float, anatomy: Anatomy) -> str:
    return fmt.duration_beside(time_s, of=anatomy.measured.estimate_s)
