"""Shows how a campaign goes on several machines: a line for each slot."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.cli.closing import paragraph
from harness.cli.progress import (
    FORCED,
    REDRAWS_PER_S,
    Lines,
    precision_so_far,
    so_far,
    time_left,
)
from harness.launch.campaign.forecast import spell_duration, told_apart
from harness.records.plan import PlannedTrial
from harness.report import format as fmt
from harness.store.folder import Saved
from harness.words import joined

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from harness.launch.campaign.contracts import Observer
    from harness.launch.campaign.steering import Standing
    from harness.scenario import Metric

MOST_LINES = 30
"""Slots with a line of their own on a terminal; the others are counted."""


@contextlib.contextmanager
def shown(console: Console, names: Sequence[str], metric: Metric) -> Iterator[Machines]:
    """What shows the slots of these names on ``console``, in the way that suits it."""
    machines = Machines(console, names, metric)
    if FORCED & set(os.environ) or not console.is_terminal:
        yield machines
        return
    from rich.live import Live

    machines.live = True
    with Live(
        get_renderable=machines.render,
        console=console,
        transient=True,
        refresh_per_second=REDRAWS_PER_S,
    ):
        yield machines


class Machines:
    """Knows what each slot does; its observers are called from as many threads.

    In a log there is a line for each round, with every step time of the slot so far, and one for
    each trial that failed; on a terminal a table with a line for each slot takes the place of the
    rounds.
    """

    def __init__(self, console: Console, names: Sequence[str], metric: Metric) -> None:
        self._console = console
        self._metric = metric
        self._lock = threading.Lock()
        self._slots = {name: _Slot(self, name) for name in names}
        self.live = False

    def of(self, name: str, *, adaptive: bool) -> Observer:
        """The observer of the slot's campaign."""
        slot = self._slots[name]
        slot.about = "about " if adaptive else ""
        return slot

    def say(self, name: str, line: str) -> None:
        """Print a line about a slot."""
        with self._lock:
            paragraph(fmt.plain(f"{name}: {line}", limit=4_000), self._console)

    def ended(self, name: str, why: str | None) -> None:
        """The slot does nothing more; ``why`` says what it was lost by, if it was."""
        self._slots[name].doing = why or "done"
        self._slots[name].ends_at_s = None
        if why is not None:
            self.say(name, why)

    def lines(self) -> Lines:
        """What a person reads of each trial of a slot."""
        return Lines(self._metric)

    def render(self) -> RenderableType:
        """The table of the slots."""
        from rich.table import Table

        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for header in ("slot", "does", "trials", "known to", "left"):
            table.add_column(header)
        for slot in list(self._slots.values())[:MOST_LINES]:
            table.add_row(*slot.cells())
        if len(self._slots) > MOST_LINES:
            table.add_row(f"and {len(self._slots) - MOST_LINES} more", "", "", "", "")
        return table


class _Slot:
    """The observer of one slot's campaign."""

    def __init__(self, machines: Machines, name: str) -> None:
        self._machines = machines
        self._name = name
        self._lines = machines.lines()
        self._standing: Standing | None = None
        self._trials = ""
        self.about = ""
        self.doing = "waits"
        self.ends_at_s: float | None = None

    def starting(
        self, trials: Sequence[PlannedTrial], *, number: int, total: int, left_s: float
    ) -> None:
        """Note what runs."""
        labels = joined(dict.fromkeys(trial.cell.label for trial in trials))
        self.doing = f"round {trials[0].round}: {labels}"
        self._trials = f"{number} of {self.about}{total}"
        self.ends_at_s = time.monotonic() + left_s

    def remark(self, line: str) -> None:
        """Print it."""
        self._machines.say(self._name, line)

    def finished(
        self, saved: Saved, *, number: int, total: int, left_s: float, standing: Standing
    ) -> None:
        """Print what went wrong with a trial, and of a round how far all is known."""
        self._standing = standing
        self.ends_at_s = time.monotonic() + left_s
        matrix = [one.cell for one in standing.cells]
        first, *others = self._lines.of(saved, "", standing.disturbed[-1], matrix)
        if saved.record.failure is not None or others:
            for line in (first, *others):
                self._machines.say(self._name, line)
        if self._machines.live or len({one.trials for one in standing.cells}) > 1:
            return
        left = "" if number >= total else f", about {spell_duration(left_s)} left"
        known = ", ".join(f"{told_apart(one.cell, matrix)} {so_far(one)}" for one in standing.cells)
        text = f"round {saved.record.round}: {known}{precision_so_far(standing)}{left}"
        self._machines.say(self._name, text)

    def cells(self) -> list[str]:
        """The line of the table."""
        known = "" if self._standing is None else precision_so_far(self._standing)
        left = "" if self.ends_at_s is None else time_left(self.ends_at_s - time.monotonic())
        return [
            self._name,
            fmt.plain(self.doing, limit=60),
            self._trials,
            known.rpartition(" ")[2],
            left,
        ]
