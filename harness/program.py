"""A user's own Keras script in the place of a scenario: its name, its settings and its metric.

What the rest of the house asks of a scenario before and after a trial, a program answers too. It
is run by :mod:`harness.trial.program`. The rules are in ``docs/programs.md``.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Any, ClassVar, NoReturn

import msgspec

from harness.errors import HarnessError
from harness.records.trial import Record
from harness.scenario import Metric, Scenario
from harness.scenario_files import ScenarioFile

LAST, AUTO = "last", "auto"

RULE = (
    "the last fit counts (--fit NUMBER or MODEL); quality is the metric of its model's last "
    "evaluate, else its last validation, else its training loss (--metric NAME)"
)
"""Which training counts and which metric is the quality, as the plan says it."""

TOLERANCE = 0.02
"""Part of a loss within which two trainings learned the same, where nobody said otherwise."""

TOLERANCE_OF_SHARES = 0.01
"""The same for a metric of which higher is better and 1 the most, such as accuracy."""


class NoScenarioError(HarnessError):
    """What only a scenario can give was asked of a program."""


class ProgramSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user may change of a program: its own arguments, and what counts."""

    arguments: str = ""
    fit: str = LAST
    metric: str = AUTO


class Program(Scenario):
    """A script, by its file. It trains what it likes; nobody knows before it has run."""

    summary = "a script of your own"
    version = 1
    metric = Metric(
        name="quality",
        label="quality",
        direction="lower",
        reference=None,
        source="",
        target=None,
        tolerance=0.0,
    )
    # Batch size, epochs and precision are the script's own affair.
    settings_type: ClassVar[Any] = ProgramSettings

    def __init__(self, file: ScenarioFile) -> None:
        self.file = file
        self.name = file.name  # type: ignore[misc]  # of a scenario it is the class's

    @property
    def source(self) -> str:
        """The path of the script."""
        return str(self.file.path)

    def needs_table(self, settings: Any) -> bool:
        """No program reads the table of ratings."""
        return False

    def data(self, settings: Any, table: Any) -> NoReturn:
        """Nobody but the script knows its data."""
        raise NoScenarioError(
            f"{self.name} is a program: its data and its model are known to the script alone, so "
            "it can be run and compared in the mode fit; what goes beyond needs a scenario "
            "(docs/scenarios.md)"
        )

    def model(self, settings: Any, data: Any) -> NoReturn:
        """Nobody but the script knows its model."""
        self.data(settings, data)

    def fit(self, model: Any, train: Any, **_: Any) -> NoReturn:
        """The script trains by itself."""
        self.data(None, None)

    def evaluate(self, model: Any, test: Any) -> NoReturn:
        """The script evaluates by itself."""
        self.data(None, None)


def arguments_of(settings: ProgramSettings) -> list[str]:
    """The script's own arguments, as a shell takes them apart."""
    return shlex.split(settings.arguments)


def metric_of(records: Iterable[Record]) -> Metric | None:
    """What the quality of a program's records is; ``None`` if none of them has any."""
    for record in records:
        quality, run = record.quality, record.program
        if quality is None or run is None:
            continue
        shares = quality.direction == "higher" and 0.0 <= quality.value <= 1.0
        return Metric(
            name=quality.metric,
            label=label_of(quality.metric, run.quality_source or "evaluate"),
            direction=quality.direction,
            reference=None,
            source="",
            target=None,
            tolerance=TOLERANCE_OF_SHARES if shares else TOLERANCE * abs(quality.value) or 1e-6,
        )
    return None


def label_of(metric: str, source: str) -> str:
    """A metric as a person is told it: ``test accuracy``, ``training loss``."""
    if source == "training":
        return f"training {metric}"
    if source == "validation":
        return f"validation {metric}"
    return f"test {metric}"
