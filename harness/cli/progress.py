"""Shows how a campaign goes: a bar with the time left on a terminal, else a line for each trial."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.analysis.rows import step_time_s
from harness.plan import PlannedTrial, spell_duration
from harness.record import Record
from harness.report import format as fmt
from harness.scenario import Metric
from harness.store import Saved

if TYPE_CHECKING:
    from rich.console import Console

    from harness.launch.campaign import Observer

LINES_OF_A_FAILURE = 5
"""How many of the last lines of a failed trial are shown; its record holds more."""


@contextlib.contextmanager
def progress(console: Console, metric: Metric) -> Iterator[Observer]:
    """An observer that prints to ``console``, in the way that suits it."""
    if console.is_terminal:
        with _bar(console) as bar:
            yield LiveProgress(bar, metric)
    else:
        yield PlainProgress(console, metric)


class PlainProgress:
    """One line for each trial when it has ended, and the last lines of one that failed."""

    def __init__(self, console: Console, metric: Metric) -> None:
        self._console = console
        self._metric = metric

    def starting(self, trial: PlannedTrial, *, number: int, total: int, left_s: float) -> None:
        """Say nothing: a line for each trial is enough in a log."""

    def finished(self, saved: Saved, *, number: int, total: int, left_s: float) -> None:
        """Say what was measured, or what failed."""
        left = "" if number == total else f", about {spell_duration(left_s)} left"
        for line in lines(saved, self._metric, left):
            self._console.print(line, markup=False, soft_wrap=True)


class LiveProgress:
    """The same lines, above a bar with the running trial and the time left."""

    def __init__(self, bar: Any, metric: Metric) -> None:
        self._bar = bar
        self._metric = metric
        self._task = bar.add_task("", total=None, ends_at=0.0, visible=False)

    def starting(self, trial: PlannedTrial, *, number: int, total: int, left_s: float) -> None:
        """Show which trial runs, and when all will be done."""
        self._bar.update(
            self._task,
            description=f"{trial.cell.label}, seed {trial.seed}",
            completed=number - 1,
            visible=True,
            total=total,
            ends_at=time.monotonic() + left_s,
        )

    def finished(self, saved: Saved, *, number: int, total: int, left_s: float) -> None:
        """Print the lines of the trial above the bar."""
        self._bar.update(self._task, completed=number)
        for line in lines(saved, self._metric):
            self._bar.console.print(line, markup=False, soft_wrap=True)


def lines(saved: Saved, metric: Metric, left: str = "") -> Iterator[str]:
    """What a person is told of a trial: one line if all is well, ending with the time ``left``."""
    record = saved.record
    name = f"{record.cell.label}, seed {record.seed}"
    yield f"{name}: {figures(record, metric)} ({spell_duration(record.duration_s)}{left})"
    if record.failure is not None:
        for line in record.failure.output_tail.splitlines()[-LINES_OF_A_FAILURE:]:
            yield f"    | {fmt.plain(line)}"
    if saved.trouble is not None:
        yield f"    its record is kept in {saved.path}, because {saved.trouble}"


def figures(record: Record, metric: Metric) -> str:
    """``1.73 ms per step, test RMSE 0.25930``, or the status and the reason of a failure."""
    if record.failure is not None:
        return f"{record.status}: {fmt.plain(record.failure.reason)}"
    value = None if record.quality is None else record.quality.value
    return f"{fmt.duration(step_time_s(record))} per step, {metric.label} {fmt.quality(value)}"


def _bar(console: Console) -> Any:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn
    from rich.progress import Task as RichTask
    from rich.text import Text

    class TimeLeft(ProgressColumn):
        def render(self, task: RichTask) -> Text:
            left_s = task.fields["ends_at"] - time.monotonic()
            return Text("any moment" if left_s < 1 else f"about {spell_duration(left_s)} left")

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeLeft(),
        console=console,
        transient=True,
        # A redraw takes the processor from the trial that is being measured.
        refresh_per_second=1,
    )
