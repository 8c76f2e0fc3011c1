"""What a campaign will measure: axes → cells → shuffled rounds, and how long that takes.

A round holds one trial of every cell, so that slow drift of the machine hits all cells alike; the
order inside a round is shuffled, so that none always runs after the same neighbour.
"""

from __future__ import annotations

import itertools
import random
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.record import Cell, Device, Init, Mode, Record, Scalar, Struct

START_UP_GUESS_S: Mapping[str, float] = {"jax": 5.0, "tensorflow": 8.0, "torch": 6.0}
"""Seconds for import, build, first step and prediction: guesses, from a quiet machine of 2 cores.

They stand only until the results folder holds a record of the same cell.
"""

EPOCH_GUESS_S = 0.5
"""Seconds for an epoch that quality needs, with its evaluation: a guess for 80 steps."""


class Axes(Struct, frozen=True, kw_only=True):
    """What is combined with what. ``devices`` names the definite device of each backend.

    ``settings`` holds complete sets of settings (defaults included), each giving cells of its own.
    """

    scenario: str
    devices: dict[str, Device]
    modes: list[Mode]
    inits: list[Init]
    settings: list[dict[str, Scalar]]
    seeds: list[int]
    repetitions: int = 1
    threads: int | None = None


class PlannedTrial(Struct, frozen=True, kw_only=True):
    """One process to come. Its repetition is known when it starts: the first that is still free."""

    cell: Cell
    seed: int
    round: int


class Plan(Struct, frozen=True, kw_only=True):
    """Rounds of trials, in the order in which they will run."""

    rounds: list[list[PlannedTrial]]
    time_budget_s: float

    @property
    def trials(self) -> list[PlannedTrial]:
        """All trials, in order."""
        return list(itertools.chain.from_iterable(self.rounds))

    @property
    def cells(self) -> list[Cell]:
        """Each cell once, sorted by its label, so that a printed plan does not show the shuffle."""
        unique = {trial.cell.digest: trial.cell for trial in self.trials}
        return sorted(unique.values(), key=lambda cell: (cell.label, cell.init, cell.digest))


def cells(axes: Axes) -> list[Cell]:
    """Every combination of the axes that make a cell, each once."""
    combined = [
        Cell(
            scenario=axes.scenario,
            backend=backend,  # type: ignore[arg-type]  # checked where it was typed
            device=device,
            mode=mode,
            init=init,
            threads=axes.threads,
            settings=settings,
        )
        for (backend, device), mode, init, settings in itertools.product(
            axes.devices.items(), axes.modes, axes.inits, axes.settings
        )
    ]
    return list({cell.digest: cell for cell in combined}.values())


def make_plan(axes: Axes, *, time_budget_s: float, shuffler: random.Random) -> Plan:
    """The rounds of a campaign: ``len(seeds) × repetitions``, each with every cell once.

    Args:
        axes: what is combined.
        time_budget_s: seconds of timed training in each trial, after the epochs for quality.
        shuffler: a seeded generator; the same seed gives the same order.
    """
    matrix = cells(axes)
    seeds = [seed for _ in range(axes.repetitions) for seed in axes.seeds]
    rounds = [
        [
            PlannedTrial(cell=cell, seed=seed, round=number)
            for cell in shuffler.sample(matrix, k=len(matrix))
        ]
        for number, seed in enumerate(seeds, start=1)
    ]
    return Plan(rounds=rounds, time_budget_s=time_budget_s)


class Durations:
    """How long a trial takes: guessed for a cell until a good record of it was seen."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._beside_timing_s: dict[str, list[float]] = {}
        for record in records:
            self.learn(record)

    def learn(self, record: Record) -> None:
        """Take the duration of a good trial into account, whatever its time budget was."""
        if record.status == "ok":
            timing_s = sum(epoch.wall_s for epoch in record.epochs if epoch.phase == "timing")
            durations = self._beside_timing_s.setdefault(record.cell.digest, [])
            durations.append(max(0.0, record.duration_s - timing_s))

    def knows(self, cell: Cell) -> bool:
        """Whether the figure for ``cell`` comes from records."""
        return cell.digest in self._beside_timing_s

    def expected_s(self, cell: Cell, time_budget_s: float) -> float:
        """Seconds that one trial of ``cell`` takes, from start to end of its process."""
        if self.knows(cell):
            return statistics.median(self._beside_timing_s[cell.digest]) + time_budget_s
        epochs = int(cell.settings.get("epochs", 1))
        return START_UP_GUESS_S[cell.backend] + epochs * EPOCH_GUESS_S + time_budget_s

    def total_s(self, trials: Iterable[PlannedTrial], time_budget_s: float) -> float:
        """Seconds that all of ``trials`` take, one after the other."""
        return sum(self.expected_s(trial.cell, time_budget_s) for trial in trials)


def describe(plan: Plan, durations: Durations) -> Iterator[str]:
    """The plan in lines for a person: what, how often, and how long it will take."""
    matrix = plan.cells
    seeds = sorted({trial.seed for trial in plan.trials})
    rounds = f"{_count(len(plan.rounds), 'round')} of {_count(len(matrix), 'cell')}"
    yield (
        f"{matrix[0].scenario}: {rounds} = {_count(len(plan.trials), 'trial')}, "
        f"{'seeds' if len(seeds) > 1 else 'seed'} {_ranges(seeds)}, "
        f"{plan.time_budget_s:g} s of timed training in each"
    )
    changing = _changing_settings(matrix)
    for cell in matrix:
        details = [f"init {cell.init}"]
        details += [] if cell.threads is None else [_count(cell.threads, "thread")]
        details += [f"{name}={cell.settings[name]}" for name in changing]
        yield f"  {cell.label} ({', '.join(details)})"
    total_s = durations.total_s(plan.trials, plan.time_budget_s)
    known = sum(durations.knows(cell) for cell in matrix)
    basis = {0: "a guess", len(matrix): "from earlier records"}.get(
        known, f"from earlier records for {known} of {len(matrix)} cells, guessed for the rest"
    )
    yield f"about {spell_duration(total_s)} ({basis})"


def spell_duration(seconds: float) -> str:
    """Seconds as a person says them: ``45 s``, ``2 min 30 s``, ``1 h 05 min``."""
    whole = round(max(0.0, seconds))
    hours, minutes = divmod(whole // 60, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    if minutes:
        return f"{minutes} min {whole % 60:02} s"
    return f"{whole} s"


def _changing_settings(matrix: Sequence[Cell]) -> list[str]:
    """Settings in which cells differ; the others need no mention on every line."""
    values: dict[str, set[Scalar]] = {}
    for cell in matrix:
        for name, value in cell.settings.items():
            values.setdefault(name, set()).add(value)
    return [name for name, seen in values.items() if len(seen) > 1]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _ranges(seeds: Sequence[int]) -> str:
    """Sorted seeds with neighbours drawn together: ``1-3, 7``."""
    runs: list[list[int]] = []
    for seed in seeds:
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
