"""Shows how a campaign goes: a live table and a bar on a terminal, else a line for each trial."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.analysis.step_time import step_time_s
from harness.cli.closing import paragraph
from harness.cli.failure import FailureLines
from harness.launch.campaign.forecast import spell_duration, told_apart
from harness.program import metric_of
from harness.records.cell import Cell
from harness.records.plan import PlannedTrial
from harness.records.trial import Record
from harness.report import format as fmt
from harness.scenario import Metric
from harness.store.folder import Saved
from harness.words import joined

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from harness.launch.campaign.contracts import Observer
    from harness.launch.campaign.steering import CellStanding, Standing

FORCED = {"FORCE_COLOR", "TTY_COMPATIBLE"}
"""Variables by which a user has Rich take whatever it writes to for a terminal."""

REDRAWS_PER_S = 0.5
"""A redraw takes the processor from the trial that is being measured, for about 5 ms."""


@contextlib.contextmanager
def progress(console: Console, metric: Metric, *, adaptive: bool = False) -> Iterator[Observer]:
    """An observer that prints to ``console``, in the way that suits it.

    Where the campaign is ``adaptive`` the number of its trials is an estimate, and said to be one.
    """
    # FORCE_COLOR has Rich take a log for a terminal; it asks for colour, and a log cannot be drawn
    # again.
    forced = FORCED & set(os.environ) and not console.file.isatty()
    if forced or not console.is_terminal:
        yield PlainProgress(console, metric)
        return
    from rich.live import Live

    shown = LiveProgress(console, metric, adaptive=adaptive)
    with Live(
        get_renderable=shown.render,
        console=console,
        transient=True,
        refresh_per_second=REDRAWS_PER_S,
    ):
        yield shown


class PlainProgress:
    """One line for each trial when it has ended, and the last lines of one that failed.

    After each round follows a line with every cell's step time so far.
    """

    def __init__(self, console: Console, metric: Metric) -> None:
        self._console = console
        self._lines = Lines(metric)

    def starting(
        self, trials: Sequence[PlannedTrial], *, number: int, total: int, left_s: float
    ) -> None:
        """Say nothing: a line for each trial is enough in a log."""

    def remark(self, line: str) -> None:
        """Say it."""
        self._console.print(line, markup=False, soft_wrap=True)

    def finished(
        self, saved: Saved, *, number: int, total: int, left_s: float, standing: Standing
    ) -> None:
        """Say what was measured, or what failed."""
        left = "" if number >= total else f", about {spell_duration(left_s)} left"
        for line in self._lines.of(saved, left, standing.disturbed[-1], _matrix(standing)):
            paragraph(line, self._console)
        # Before the first interval such a line would only repeat those of the trials.
        counts = {one.trials for one in standing.cells}
        if len(counts) == 1 and any(one.low is not None for one in standing.cells):
            known = ", ".join(f"{name} {so_far(one)}" for name, one in _named(standing))
            line = f"  so far: {known}{precision_so_far(standing)}"
            paragraph(line, self._console)


class LiveProgress:
    """The same lines, above a table of the cells, what runs, and a bar with the time left."""

    def __init__(self, console: Console, metric: Metric, *, adaptive: bool = False) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._console = console
        self._lines = Lines(metric)
        self._about = "about " if adaptive else ""
        self._running = ""
        self._ends_at_s = 0.0
        self._standing: Standing | None = None
        # It only makes what is shown; the live display around it decides when.
        self._bar = Progress(
            BarColumn(bar_width=24),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            auto_refresh=False,
        )
        self._task = self._bar.add_task("", total=None, left="")

    def starting(
        self, trials: Sequence[PlannedTrial], *, number: int, total: int, left_s: float
    ) -> None:
        """Show which trials run, and when all will be done."""
        labels = joined(dict.fromkeys(trial.cell.label for trial in trials))
        in_turns = " in turns" if len(trials) > 1 else ""
        self._running = f"round {trials[0].round}: {labels}{in_turns}, seed {trials[0].seed}"
        self._ends_at_s = time.monotonic() + left_s
        self._bar.update(
            self._task,
            completed=number - 1,
            total=total,
            description=f"trial {number} of {self._about}{total}",
        )

    def remark(self, line: str) -> None:
        """Print it above the table."""
        self._console.print(line, markup=False, soft_wrap=True)

    def finished(
        self, saved: Saved, *, number: int, total: int, left_s: float, standing: Standing
    ) -> None:
        """Print the lines of the trial above the table."""
        self._standing = standing
        self._ends_at_s = time.monotonic() + left_s
        self._bar.update(self._task, completed=number, total=max(number, total))
        disturbed = standing.disturbed[-1]
        for line in self._lines.of(saved, "", disturbed, _matrix(standing)):
            paragraph(line, self._console)

    def render(self) -> RenderableType:
        """The table of the cells, below it what runs, and last the bar."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        if not self._running:
            return Text("")
        self._bar.update(self._task, left=time_left(self._ends_at_s - time.monotonic()))
        running = Text(self._running)
        if self._standing is None:
            return Group(running, self._bar.get_renderable())
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column("cell")
        for name in ("trials", "step time", "95% interval"):
            table.add_column(name, justify="right")
        for name, one in _named(self._standing):
            step_s = one.step_time_s
            times = fmt.duration_estimate(step_s, one.low, one.high) if step_s else (fmt.NOTHING,)
            table.add_row(name, str(one.trials), *times)
        running.append(precision_so_far(self._standing))
        return Group(table, running, self._bar.get_renderable())


def time_left(seconds: float) -> str:
    """What is left by the forecast, or by how much that was too short."""
    if seconds >= 0:
        return f"about {spell_duration(seconds)} left"
    return f"{spell_duration(-seconds)} longer than expected"


class Lines:
    """What a person reads of each trial of a campaign."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._failures = FailureLines()
        self._sources: list[str] = []

    def of(
        self,
        saved: Saved,
        left: str = "",
        disturbed: str | None = None,
        matrix: Sequence[Cell] = (),
    ) -> Iterator[str]:
        """One line if all is well, ending with the time ``left``.

        ``matrix`` are the cells among which the trial's own is to be told apart.
        """
        record = saved.record
        name = f"{told_apart(record.cell, matrix)}, seed {record.seed}"
        below: list[str] = []
        if record.failure is None:
            said = figures(record, self._metric)
        else:
            said, below = self._failures.of(record.status, record.failure, name)
        yield fmt.plain(f"{name}: {said} ({spell_duration(record.duration_s)}{left})")
        yield from below
        if disturbed is not None:
            yield f"    disturbed: {disturbed}"
        if saved.trouble is not None:
            yield f"    its record is kept in {saved.path}, because {saved.trouble}"
        if self._is_changed(record):
            yield (
                "    the source of the scenario was changed since the first trial of this run: the "
                "trials before and after may not train the same"
            )

    def _is_changed(self, record: Record) -> bool:
        """Whether the trial is the first to run a source that those before it did not."""
        source = record.scenario_sha256
        if source is None or source in self._sources:
            return False
        self._sources.append(source)
        return len(self._sources) > 1


def _named(standing: Standing) -> Iterator[tuple[str, CellStanding]]:
    """Each cell with a name that no other has."""
    for one in standing.cells:
        yield told_apart(one.cell, _matrix(standing)), one


def _matrix(standing: Standing) -> list[Cell]:
    return [one.cell for one in standing.cells]


def figures(record: Record, metric: Metric) -> str:
    """``1.73 ms per step, test RMSE 0.25930``."""
    value = None if record.quality is None else record.quality.value
    label = (metric_of([record]) or metric).label
    return f"{fmt.duration(step_time_s(record))} per step, {label} {fmt.quality(value)}"


def so_far(one: CellStanding) -> str:
    """``1.73 ms (1.65–1.85)``: a cell's step time with its interval, once there is one."""
    if one.step_time_s is None:
        return "not measured"
    return fmt.inline(*fmt.duration_estimate(one.step_time_s, one.low, one.high))


def precision_so_far(standing: Standing) -> str:
    """``; ratios known to ±4.1%``, once every pair has an interval."""
    if standing.half_width is None:
        return ""
    what = "ratios" if standing.verdicts else "step times"
    return f"; {what} known to ±{standing.half_width:.1%}"
