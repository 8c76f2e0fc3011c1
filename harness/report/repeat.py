"""The command that repeats a campaign, from its records and, where there is one, its plan."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from harness.analysis.notes.comparison import OWN_FOLDER
from harness.analysis.rows import Group
from harness.analysis.study import About
from harness.backends import BACKENDS, FACTS
from harness.records.cell import Cell, Scalar
from harness.records.plan import Plan
from harness.report import format as fmt
from harness.scenario_files import is_program

UNTIL_NARROW = "--precision 3% --budget 10m"
"""Goes on until every ratio is known to 3%, or for ten minutes."""


def command(
    groups: Sequence[Group],
    about: About | None,
    plans: Iterable[Plan] = (),
    options: Sequence[str] = (),
) -> str | None:
    """``harness run …`` for the trials of ``groups``; ``None`` without any.

    Args:
        groups: cells of one scenario that were measured together.
        about: what is known of the scenario; without it all settings are named.
        plans: of the runs that left the records. The latest one that measured these cells has
            rounds, precision and budget; without one the records have seeds and repetitions.
        options: further ones. They come before the arguments of a program, which end the command.
    """
    cells = [group.row.cell for group in groups]
    base = _base(groups, about)
    if base is None:
        return None
    plan = _plan(cells, plans)
    return _joined_up([base, *(_planned(plan) if plan else _measured(groups)), *options], cells)


def beside(groups: Sequence[Group], about: About | None, lacking: Sequence[str]) -> str | None:
    """The command that measures ``groups`` again, interleaved with the backends that are missing.

    It goes on until the intervals are narrow, into a folder of its own: beside trials of one
    backend alone, interleaved ones would prove nothing.
    """
    cells = [group.row.cell for group in groups]
    wanted = {*lacking, *(cell.backend for cell in cells)}
    base = _base(groups, about, [backend for backend in BACKENDS if backend in wanted])
    return base and _joined_up([base, UNTIL_NARROW, OWN_FOLDER], cells)


def more(
    groups: Sequence[Group],
    about: About | None,
    plans: Iterable[Plan] = (),
    homes: Mapping[str, str] | None = None,
) -> str | None:
    """The command that goes on until the intervals are narrow, for trials that settle nothing.

    A campaign that was to end by itself goes on in its own folder, which ``homes`` may hold.
    """
    plan = _plan([group.row.cell for group in groups], plans)
    base = _base(groups, about)
    if base is None:
        return None
    cells = [group.row.cell for group in groups]
    if plan and plan.adaptive:
        home = (homes or {}).get(plan.run_id)
        there = [f"--results {shlex.quote(home)}"] if home else []
        return _joined_up([base, *_planned(plan), "--resume", *there], cells)
    return _joined_up([base, UNTIL_NARROW], cells)


def _base(groups: Sequence[Group], about: About | None, wanted: Sequence[str] = ()) -> str | None:
    """The command without what ends the campaign; of the cells' backends if none are wanted."""
    if not groups:
        return None
    cells = [group.row.cell for group in groups]
    first = cells[0]
    words = ["harness run", shlex.quote(fmt.plain(first.scenario))]
    words += [
        "--backend",
        _joined(FACTS[b].tox_name for b in wanted or [cell.backend for cell in cells]),
    ]
    words += _environments(groups)
    words += ["--device", _joined(cell.device for cell in cells)]
    if any(cell.mode != "fit" for cell in cells):
        words += ["--mode", _joined(cell.mode for cell in cells)]
    if any(cell.init != "common" for cell in cells):
        words += ["--init", _joined(cell.init for cell in cells)]
    if any(cell.threads is not None for cell in cells):
        words += ["--threads", _joined(str(cell.threads or "auto") for cell in cells)]
    words += _settings(cells, about.defaults if about else {})
    return " ".join(words)


def _environments(groups: Sequence[Group]) -> list[str]:
    """Environments with names, by the versions in which they differ, else by their Keras.

    Where they lay is not in a record.
    """
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for group in groups:
        cell, versions = group.row.cell, group.row.versions
        if cell.name:
            mine = {p: versions[p] for p in ("keras", cell.backend) if p in versions}
            found[cell.name] |= mine
    packages = dict.fromkeys(package for versions in found.values() for package in versions)
    differ = [p for p in packages if len({versions.get(p) for versions in found.values()}) > 1]
    words = []
    for name, versions in found.items():
        wanted = [f"{p}=={versions[p]}" for p in differ or ["keras"] if p in versions]
        chosen = f"{name}={' '.join(wanted)}"
        words += [f"--env {shlex.quote(chosen)}"] if wanted else []
    return words


def seeds(numbers: Iterable[int]) -> str:
    """Seeds as ``--seeds`` takes them: ``42-44,50``."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(f"{r[0]}-{r[-1]}" if len(r) > 1 else str(r[0]) for r in runs)


def _joined_up(words: Sequence[str], cells: Sequence[Cell]) -> str:
    """The command, with the arguments of a program behind all options."""
    own = _own_arguments(cells)
    return " ".join([*words, *(["--", own] if own else [])])


def _own_arguments(cells: Sequence[Cell]) -> str | None:
    """What stands behind ``--``, where it is the same in all cells of a program."""
    typed = {str(cell.settings.get("arguments", "")) for cell in cells}
    if len(typed) != 1 or not all(is_program(cell.scenario) for cell in cells):
        return None
    try:
        words = shlex.split(fmt.plain(typed.pop()))
    except ValueError:  # a record from elsewhere may hold anything
        return None
    return shlex.join(words)


def _joined(names: Iterable[str]) -> str:
    return ",".join(dict.fromkeys(names))


def _settings(cells: Sequence[Cell], defaults: dict[str, Scalar]) -> list[str]:
    """Settings that are not the default; all values that were measured of each."""
    words: list[str] = []
    for name in dict.fromkeys(name for cell in cells for name in cell.settings):
        if name == "arguments" and _own_arguments(cells) is not None:
            continue
        values = dict.fromkeys(_value(c.settings[name]) for c in cells if name in c.settings)
        if name not in defaults or list(values) != [_value(defaults[name])]:
            words += ["--set", shlex.quote(fmt.plain(f"{name}={','.join(values)}"))]
    return words


def _value(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plan(cells: Sequence[Cell], plans: Iterable[Plan]) -> Plan | None:
    mine = [plan for plan in plans if any(cell in plan.cells for cell in cells)]
    return max(mine, key=lambda plan: plan.started_at, default=None)


def _planned(plan: Plan) -> list[str]:
    words = ["--seeds", seeds(plan.seeds)]
    if plan.precision is not None:
        words += ["--precision", fmt.percent(plan.precision)]
    if plan.budget_s is not None:
        words += ["--budget", f"{plan.budget_s:g}s"]
    if plan.rounds is not None and plan.rounds > len(plan.seeds):
        words += ["--repetitions", str(-(-plan.rounds // len(plan.seeds)))]
    return [*words, "--time-budget", f"{plan.time_budget_s:g}"]


def _measured(groups: Sequence[Group]) -> list[str]:
    # Those that were measured; of a cell that only failed, what was tried.
    each = [group.good or group.trials for group in groups]
    words = ["--seeds", seeds(record.seed for trials in each for record in trials)]
    repetitions = max(max(Counter(r.seed for r in trials).values()) for trials in each)
    return [*words, "--repetitions", str(repetitions)] if repetitions > 1 else words
