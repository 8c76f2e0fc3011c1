"""What a campaign that was ended has left to do, and which of its records still count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from harness.analysis.rows import versions
from harness.analysis.work import started
from harness.errors import HarnessError
from harness.launch.campaign.forecast import told_apart
from harness.records.cell import Cell, Struct
from harness.records.plan import Plan, PlannedTrial
from harness.records.trial import Record, ended_as
from harness.words import count, ranges

UNDER_WAY_S = 600.0
"""A round whose last trial ended this long ago is completed. Later the machine may have drifted, so
that its trials would no longer stand beside each other; the round is then measured anew."""

UNMEASURED: Mapping[str, str] = {
    "failed": "it failed",
    "crashed": "it crashed",
    "timeout": "it ran into its timeout",
    "killed": "it was killed",
    "interrupted": "it was interrupted",
}
"""Endings without a measurement: such a trial is run again, since whoever goes on with a campaign
has perhaps mended what ended it."""


class Circumstances(Struct, frozen=True, kw_only=True):
    """What a trial of a cell would run under now.

    ``packages`` holds Python, NumPy, Keras and the framework; what is not known is left out.
    ``scenario_sha256`` identifies the scenario's source files, ``None`` if they are not known.
    """

    scenario_version: int
    table_sha256: str | None
    packages: dict[str, str]
    scenario_sha256: str | None = None


class Resumed(Struct, frozen=True, kw_only=True):
    """How a campaign goes on.

    ``gaps`` are trials of rounds that were begun, to run before the next round of ``plan``.
    ``present`` are the records that count. ``remarks`` tell a person what does not, and why.
    ``unmeasured`` counts trials that left no measurement and were not made good since.
    """

    plan: Plan
    gaps: list[list[PlannedTrial]]
    present: list[Record]
    remarks: list[str]
    unmeasured: int


def resume(
    plan: Plan,
    earlier: Sequence[Plan],
    records: Iterable[Record],
    circumstances: Mapping[str, Circumstances],
    *,
    now_s: float,
) -> Resumed:
    """Go on with the campaign that ``earlier`` runs began, in its order and with its numbering.

    Args:
        plan: what was asked now; its cells must be those of the campaign.
        earlier: the plans in the campaign's folder.
        records: the records in it.
        circumstances: what each cell would run under now, by its digest.
        now_s: seconds since 1970.

    Raises:
        HarnessError: if no earlier run has the same cells and seeds.
    """
    alike = [one for one in earlier if one.cells == plan.cells and one.seeds == plan.seeds]
    if not alike:
        raise HarnessError(_no_match(plan, earlier))
    last = max(alike, key=lambda one: one.started_at)
    chain = {one.run_id for one in alike if one.shuffle_seed == last.shuffle_seed}
    mine = [r for r in records if r.run_id in chain and r.cell.digest in circumstances]
    objections = [objection(record, circumstances[record.cell.digest]) for record in mine]
    present = [record for record, why in zip(mine, objections, strict=True) if why is None]
    made_good = {(record.cell.digest, record.round) for record in present}
    refused: dict[tuple[str, str], list[int]] = defaultdict(list)
    again = 0
    for record, why in zip(mine, objections, strict=True):
        if why is not None and (record.cell.digest, record.round) not in made_good:
            refused[told_apart(record.cell, plan.cells), why].append(record.round)
            again += record.status in UNMEASURED
    plan = msgspec.structs.replace(
        plan,
        shuffle_seed=last.shuffle_seed,
        first_round=max((record.round for record in mine), default=0) + 1,
    )
    remarks = [
        f"does not count: {name}, {_rounds(rounds)}: {why}"
        for (name, why), rounds in refused.items()
    ]
    if again:
        how = "further rounds take the place of" if plan.adaptive else "measured again:"
        remarks.append(f"{how} {count(again, 'trial')} that left no measurement")
    return Resumed(
        plan=plan,
        gaps=_gaps(plan, present, now_s=now_s),
        present=present,
        remarks=remarks,
        unmeasured=again + sum(record.status != "ok" for record in present),
    )


def objection(record: Record, now: Circumstances) -> str | None:
    """Why ``record`` does not count under the circumstances of now; ``None`` if it does."""
    cause = ended_as(record)
    if cause == "slowed":
        return "it was ended early, since other work slowed it"
    # What was refused would be refused again, unless the scenario is another one by now.
    if cause != "refused" and record.status in UNMEASURED:
        return UNMEASURED[record.status]
    if record.scenario_version != now.scenario_version:
        return (
            f"it measured version {record.scenario_version} of the scenario, which is at version "
            f"{now.scenario_version} now"
        )
    sources = record.scenario_sha256
    if None not in {sources, now.scenario_sha256} and sources != now.scenario_sha256:
        return (
            f"the scenario's source was another one ({str(sources)[:8]}… then, "
            f"{now.scenario_sha256:.8}… now)"
        )
    table = record.hashes.table if record.hashes else None
    if None not in {table, now.table_sha256} and table != now.table_sha256:
        return f"it trained on other data ({str(table)[:8]}… then, {now.table_sha256:.8}… now)"
    then = versions(record)
    changed = [
        f"{name} {then[name]} then, {version} now"
        for name, version in now.packages.items()
        if name in then and then[name] != version
    ]
    return f"it ran with other packages ({'; '.join(changed)})" if changed else None


def _gaps(plan: Plan, present: Sequence[Record], *, now_s: float) -> list[list[PlannedTrial]]:
    """What is missing of the rounds before ``plan.first_round``.

    An adaptive campaign needs rounds, and not those very rounds: only the one that was under way
    is completed, so that its trials are not lost.
    """
    gaps = []
    for number in range(1, plan.first_round):
        there = [record for record in present if record.round == number]
        missing = [
            trial
            for trial in plan.round(number)
            if trial.cell.digest not in {record.cell.digest for record in there}
        ]
        under_way = (
            # Trials that take turns are compared turn by turn: one later stands beside none.
            not plan.turns
            and number == plan.first_round - 1
            and len({record.run_id for record in there}) == 1
            and now_s - max(started(r) + r.duration_s for r in there) <= UNDER_WAY_S
        )
        if missing and under_way:
            # With the id of the run that began the round: its trials do stand beside these.
            run_id = there[0].run_id
            gaps.append([msgspec.structs.replace(trial, run_id=run_id) for trial in missing])
        elif missing and not plan.adaptive:
            gaps.append(plan.round(number))
    return gaps


def _no_match(plan: Plan, earlier: Sequence[Plan]) -> str:
    if not earlier:
        return (
            "there is no campaign to go on with: the results folder holds no plan. Leave out "
            "--resume to begin one, or name its folder with --results"
        )
    latest = max(earlier, key=lambda one: one.started_at)
    return (
        f"--resume goes on with the campaign as it was planned: {_what(latest.cells)}, seeds "
        f"{ranges(sorted(latest.seeds))}; this command asks for {_what(plan.cells)}, seeds "
        f"{ranges(sorted(plan.seeds))}. Give the same options, or leave out --resume"
    )


def _what(cells: Sequence[Cell]) -> str:
    words = [f"{cell.scenario} {cell.label} ({cell.digest})" for cell in cells]
    return ", ".join(words)


def _rounds(numbers: Iterable[int]) -> str:
    distinct = sorted(set(numbers))
    return f"{'round' if len(distinct) == 1 else 'rounds'} {ranges(distinct)}"
