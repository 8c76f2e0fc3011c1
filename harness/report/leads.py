"""What a folder leads with that holds more than one setting of each backend.

A sweep leads with how a step grows along its axis, a ladder with what Keras costs; a campaign of
one cell for each backend leads with its verdict alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from harness.analysis.ladder.ladder import Ladder
from harness.analysis.speed.across import Across, Mean
from harness.analysis.speed.interval import MINIMUM_ROUNDS
from harness.analysis.study import Contest, Study
from harness.analysis.sweeps.sweeps import Course, Sweep, value_on
from harness.records.cell import Cell, Scalar
from harness.report import format as fmt
from harness.report import table
from harness.report.naming import by_row_name, side
from harness.report.sections.sweeps import shown, title
from harness.report.standing import fastest
from harness.words import count, joined


def of(study: Study, contest: Contest) -> Iterator[str]:
    """The sentences in front of the one on speed; none for a plain campaign."""
    cell = contest.row.cell
    if study.across is not None:
        yield over_scenarios(study, study.across)
    sweep = _sweep_of(study, contest)
    if sweep is not None:
        yield from filter(None, (grown(sweep), winners(study, sweep)))
        return
    ladder = next(
        (one for one in study.ladders if any(rung.cell == cell for rung in one.rungs)), None
    )
    if ladder is not None and (text := keras_costs(ladder)):
        yield text


def placed(study: Study, contest: Contest, sentence: str) -> str:
    """The sentence on speed, with the scenario or the value of the sweep at which it holds."""
    sweep = _sweep_of(study, contest)
    if sweep is not None:
        where = f"At {title(sweep.axis)} {shown(value_on(sweep.axis, contest.row.cell) or '')}"
    elif study.across is not None:
        where = f"In {fmt.plain(contest.row.cell.scenario, limit=60)}"
    else:
        return sentence
    if sentence.startswith("No verdict"):
        return f"{where} there is n{sentence[1:]}"
    if sentence.startswith("On "):  # several machines
        sentence = f"o{sentence[1:]}"
    return f"{where}, {sentence}"


def over_scenarios(study: Study, found: Across) -> str:
    """``Over 7 scenarios JAX is fastest: 2.0× TensorFlow (1.9–2.1), 3.3× PyTorch (3.1–3.5).``."""
    names = by_row_name(study)
    where = f"Over {count(len(found.relative), 'scenario')}"
    if len(study.machines) > 1:
        where += f" on machine {table.machine_label(study.contests[0].row.machine_id)}"

    def much(one: Mean) -> tuple[str, str]:
        return fmt.ratio(one.ratio, one.low, one.high, margin=study.rule.margin)

    best = found.fastest
    if best is not None:
        others = (
            fmt.inline(f"{ratio} {names[one.first]}", interval)
            for one in found.means
            if one.second == best
            for ratio, interval in [much(one)]
        )
        return f"{where} {names[best]} is fastest, in the geometric mean: {', '.join(others)}."
    told = (
        fmt.inline(f"{names[one.first]} takes {ratio} {names[one.second]}'s time", interval)
        for one in found.means
        for ratio, interval in [much(one)]
    )
    if text := ", ".join(told):
        worse = (
            f"; {names[name]} learns worse in {joined(scenarios)}"
            for name, scenarios in found.worse.items()
        )
        but = "".join(worse)
        return f"{where} none is called the fastest: in the geometric mean {text}{but}."
    return f"{where} there is no verdict: each pair needs {MINIMUM_ROUNDS} complete rounds in each."


def winners(study: Study, sweep: Sweep) -> str:
    """``Fastest: JAX at 256 and 1,000, TensorFlow at 16,384.``; empty where none is settled."""
    at: dict[str, list[Scalar]] = {}
    for contest in study.contests:
        value = value_on(sweep.axis, contest.row.cell)
        best = fastest(contest)
        here = contest.row.machine_id == sweep.courses[0].points[0].row.machine_id
        if here and best is not None and value is not None and _is_in(contest.row.cell, sweep):
            at.setdefault(best, []).append(value)
    told = [
        f"{best} at {joined(shown(v) for v in sweep.values if v in values)}"
        for best, values in at.items()
    ]
    return f"Fastest: {', '.join(told)}." if told else ""


def grown(sweep: Sweep) -> str:
    """``From batch size 256 to 16,384 a step takes 48× as long on JAX, 19× on TensorFlow.``.

    Along an axis of names, what is changed by verdict; empty where there is none.
    """
    axis = title(sweep.axis)
    if not sweep.numbers:
        return _changed(sweep)
    much = [text for course in sweep.courses if (text := _much(course))]
    if not much:
        return f"No two values of {axis} have a measurement."
    first, last = (shown(sweep.values[end]) for end in (0, -1))
    much[0] = much[0].replace("×", "× as long", 1)
    return f"From {axis} {first} to {last} a step takes {', '.join(much)}."


def keras_costs(ladder: Ladder) -> str:
    """``Keras' fit takes 1.3× as long as native code on JAX (1.1–1.4), 3.1× on TensorFlow …``."""
    found = [
        (rung, rung.over_native)
        for rung in ladder.rungs
        if rung.cell.mode == "fit" and rung.over_native is not None
    ]
    much = []
    for rung, given in found:
        if given.ratio is None or given.low is None or given.high is None:
            continue
        figure, interval = fmt.ratio(given.ratio, given.low, given.high, margin=given.margin)
        much.append(f"{figure} on {side(rung.cell, rung.apart)} ({interval})")
    if not much:
        return ""
    much[0] = much[0].replace("× on", "× as long as native code on", 1)
    return f"Keras' fit takes {', '.join(much)}."


def _sweep_of(study: Study, contest: Contest) -> Sweep | None:
    return next((one for one in study.sweeps if _is_in(contest.row.cell, one)), None)


def _much(course: Course) -> str:
    times = [point.row.step_time_s.value for point in course.points if point.row.step_time_s]
    if len(times) < 2:
        return ""
    return f"{fmt.significant(times[-1] / times[0], 2)}× on {_side(course)}"


def _changed(sweep: Sweep) -> str:
    """``Optimizer changes a step: adam over adagrad 1.3× on JAX (1.2–1.4).``, and who shows none.

    Of each backend the value that differs most from the first, if a verdict says that it differs.
    Empty where there is no verdict at all.
    """
    axis = title(sweep.axis)
    changed: dict[str, list[str]] = {}
    same: list[str] = []
    unknown: list[str] = []
    for course in sweep.courses:
        found = [(p, p.over_first) for p in course.points if p.over_first and p.over_first.low]
        differ = [(p, given) for p, given in found if given.kind in {"faster", "slower"}]
        if not differ:
            (same if found else unknown).append(_side(course))
            continue
        point, given = max(differ, key=lambda one: abs(math.log(one[1].ratio or 1.0)))
        much, interval = fmt.ratio(given.ratio, given.low, given.high, margin=given.margin)
        values = f"{shown(point.value)} over {shown(course.points[0].value)}"
        changed.setdefault(values, []).append(f"{much} on {_side(course)} ({interval})")
    told = []
    if changed:
        each = "; ".join(f"{values} {', '.join(much)}" for values, much in changed.items())
        told.append(f"{axis.capitalize()} changes a step: {each}.")
    if same:
        told.append(f"No difference in a step by {axis} was shown on {joined(same)}.")
    if unknown and told:
        told.append(
            f"By {axis} there is no verdict on {joined(unknown)}: two values need "
            f"{MINIMUM_ROUNDS} complete rounds in common."
        )
    return " ".join(told)


def _side(course: Course) -> str:
    return side(course.points[0].row.cell, course.apart)


def _is_in(cell: Cell, sweep: Sweep) -> bool:
    return any(point.row.cell == cell for course in sweep.courses for point in course.points)
