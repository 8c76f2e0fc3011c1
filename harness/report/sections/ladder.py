"""The ladder as a section of a report: the floor, every rung above it, and what compiling costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.analysis.ladder.break_even import BreakEven
from harness.analysis.ladder.floor import CommonFloor
from harness.analysis.ladder.ladder import Ladder, Rung
from harness.analysis.rows import OF_THE_WORK, Figure, distinction, named
from harness.analysis.speed.interval import Ratio
from harness.analysis.speed.verdict import Verdict
from harness.analysis.study import About, Study
from harness.report import format as fmt
from harness.report.document import Section
from harness.report.table import Column, Table, cell_facts, figure, machine_label, stacked, variants

READING = (
    "One model, several ways to run it: Keras' fit as the tutorial writes it, fit with the best "
    "settings (tuned), the Keras model in the framework's own loop (custom_loop), and the "
    "framework's own code without Keras (native). × floor is the step time over what a step's "
    "arithmetic or memory alone would take. ÷ fit and ÷ native are step time over that of the same "
    "backend's fit and native, in common rounds. Only a verdict calls one a difference."
)

BREAK_EVEN = (
    "Break-even: after how many training steps the one with the faster steps has taken less time "
    "in total, its slower first step included; below it, the lowest and the highest of the single "
    "rounds. None is named where the verdict on step time is not settled."
)

NO_FLOOR = (
    "there is no floor: no undisturbed trial has both the work of a step and this machine's rates "
    "with the same threads, or the steps are not float32 on a CPU."
)

NOT_SETTLED = "not settled"
EQUAL = "equal steps"
FROM_THE_START = "from the start"
NEVER = "never"


KEY = "ladder"


def section(study: Study) -> Section:
    """The modes beside each other; nothing where there is one."""
    about = study.about
    return Section(
        key=KEY,
        heading="The ladder",
        paragraphs=lines(study.ladders, about),
        tables=tables(study.ladders, about),
    )


def lines(ladders: Sequence[Ladder], about: Mapping[str, About]) -> list[str]:
    """How to read the tables, then the floor of each ladder and its best rungs."""
    if not ladders:
        return []
    told = [READING]
    for title, ladder in zip(_titles(ladders, about), ladders, strict=True):
        told.append(f"{title}: {_floor(ladder.floor) if ladder.floor else NO_FLOOR}")
        told += _best(ladder)
    if any(ladder.break_evens for ladder in ladders):
        told.append(BREAK_EVEN)
    return [fmt.plain(line, limit=2_000) for line in told]


def tables(ladders: Sequence[Ladder], about: Mapping[str, About]) -> list[Table]:
    """Of each ladder its rungs, then its break-evens."""
    return [
        made
        for title, ladder in zip(_titles(ladders, about), ladders, strict=True)
        for made in (_rungs(title, ladder, about), _break_evens(title, ladder))
        if made.rows
    ]


def _rungs(title: str, ladder: Ladder, about: Mapping[str, About]) -> Table:
    known = about.get(ladder.cell.scenario)
    metric = known.metric.label if known else "test quality"
    heads = ["step time", "× floor", "÷ fit", "÷ native", "first step", metric, "trials"]
    return Table(
        title=f"The ladder, {title}",
        columns=[Column(header="backend"), Column(header="mode"), *map(figure, heads)],
        rows=[
            [
                named(rung.cell, rung.apart),
                rung.cell.mode,
                _time(rung.step_time_s),
                _times_floor(rung.times_floor),
                _over(rung, "fit", rung.over_fit),
                _over(rung, "native", rung.over_native),
                _time(rung.first_step_s),
                _quality(rung.quality),
                fmt.count(rung.trials),
            ]
            for rung in ladder.rungs
        ],
    )


def _break_evens(title: str, ladder: Ladder) -> Table:
    heads = ["ahead from step", "training time", "epochs"]
    return Table(
        title=f"Break-even, {title}",
        columns=[
            Column(header="pair"),
            Column(header="cheaper steps"),
            *map(figure, heads),
        ],
        rows=[[" / ".join(_names(one)), *_ahead(one)] for one in ladder.break_evens],
    )


def _ahead(one: BreakEven) -> list[str]:
    if one.verdict.kind == "inconclusive" or one.cheaper is None:
        return [NOT_SETTLED, fmt.NOTHING, fmt.NOTHING, fmt.NOTHING]
    if one.verdict.kind == "equivalent":
        return [EQUAL, fmt.NOTHING, fmt.NOTHING, fmt.NOTHING]
    first, second = _names(one)
    name = first if one.cheaper == "first" else second
    if one.steps is None or one.seconds is None or one.epochs is None:
        return [name, NEVER, fmt.NOTHING, fmt.NOTHING]
    if one.steps == 1:
        return [name, stacked(FROM_THE_START, _range(one)), fmt.NOTHING, fmt.NOTHING]
    return [
        name,
        stacked(fmt.count(one.steps), _range(one)),
        fmt.duration(one.seconds),
        fmt.significant(one.epochs),
    ]


def _range(one: BreakEven) -> str:
    """That of the single rounds; empty if they all say the same."""
    if one.low is None or one.low == one.high:
        return ""
    return f"{fmt.count(one.low)}–{NEVER if one.high is None else fmt.count(one.high)}"


def _floor(floor: CommonFloor) -> str:
    threads = "" if floor.threads is None else f" on {_threads(floor.threads)}"
    work, rates = floor.work, (floor.matmul_flops_per_s.value, floor.copy_bytes_per_s.value)
    span = fmt.duration_range(floor.step_s.low, floor.step_s.high, of=floor.step_s.value)
    over = f" ({span} over {fmt.count(floor.step_s.n)} rounds)" if span else ""
    return (
        f"the floor is {fmt.duration(floor.step_s.value)} for a step{over}, set by its "
        f"{floor.binds}. A full batch has {fmt.significant(work.flops / 1e6)} MFLOP of matrix "
        f"products, which take {fmt.duration(floor.arithmetic_s.value)} at "
        f"{fmt.significant(rates[0] / 1e9)} GFLOP/s, and moves at least "
        f"{fmt.significant(work.bytes / 1e6)} MB, which take {fmt.duration(floor.memory_s.value)} "
        f"at {fmt.significant(rates[1] / 1e9)} GB/s (NumPy{threads}, measured in the same rounds)."
    )


def _best(ladder: Ladder) -> Iterator[str]:
    for best in ladder.best:
        given = best.over_native
        much = fmt.ratio(given.ratio, given.low, given.high, margin=given.margin)
        yield (
            f"{best.place}{distinction(best.apart)}: the Keras rung nearest to native is "
            f"{best.mode}, at {fmt.inline(*much)} its step time."
        )


def _titles(ladders: Sequence[Ladder], about: Mapping[str, About]) -> list[str]:
    """Scenario and device of each, and whatever else tells one from another."""
    told: dict[int, list[str]] = {}
    for scenario in dict.fromkeys(ladder.cell.scenario for ladder in ladders):
        mine = [ladder for ladder in ladders if ladder.cell.scenario == scenario]
        facts = [_facts(ladder) for ladder in mine]
        lines = variants(facts, about.get(scenario))
        told |= {id(one): line for one, line in zip(mine, lines, strict=True)}
    machines = len({ladder.machine_id for ladder in ladders}) > 1
    return [
        fmt.plain(
            " ".join(
                [
                    f"scenario {ladder.cell.scenario}, {ladder.cell.device}",
                    *told[id(ladder)],
                    *([f"on {machine_label(ladder.machine_id)}"] if machines else []),
                    *(["SYNTHETIC"] if ladder.synthetic else []),
                ]
            ),
            limit=300,
        )
        for ladder in ladders
    ]


def _facts(ladder: Ladder) -> dict[str, str]:
    """What was asked but for the mode, and the work where the cells have done several."""
    facts = {name: told for name, told in cell_facts(ladder.cell).items() if name != "mode"}
    return facts | {
        name: told[:8]
        for rung in ladder.rungs
        for name, told in rung.apart.items()
        if name in OF_THE_WORK
    }


def _names(one: BreakEven) -> tuple[str, str]:
    return (
        named(one.first, one.first_apart, mode=True),
        named(one.second, one.second_apart, mode=True),
    )


def _time(found: Figure | None) -> str:
    if found is None:
        return fmt.NOTHING
    return stacked(
        fmt.duration(found.value), fmt.duration_range(found.low, found.high, of=found.value)
    )


def _times_floor(found: Ratio | None) -> str:
    if found is None:
        return fmt.NOTHING
    return stacked(*fmt.ratio(found.value, found.low, found.high))


def _over(rung: Rung, mode: str, given: Verdict | None) -> str:
    if rung.cell.mode == mode:
        return "1"
    if given is None:
        return fmt.NOTHING
    return stacked(*fmt.ratio(given.ratio, given.low, given.high, margin=given.margin))


def _quality(found: Figure | None) -> str:
    if found is None:
        return fmt.NOTHING
    return stacked(fmt.quality(found.value), fmt.quality_range(found.low, found.high))


def _threads(number: int) -> str:
    return f"{fmt.count(number)} thread{'s' * (number != 1)}"
