"""The log of ``harness bisect``: what was asked, the versions, and what each step said."""

from __future__ import annotations

from typing import Literal

import msgspec

from harness.records.cell import Struct

SCHEMA = 1
"""Raised whenever a reader of the older ``bisect.json`` would misread the newer one."""

Outcome = Literal["good", "bad", "open", "skipped"]
"""``bad`` fails a rule; ``open`` is measured and without a verdict; ``skipped`` left nothing."""

Estimate = tuple[float, float | None, float | None]
"""A figure of a version over, or minus, that of the good one, and its interval if there is one."""


class Question(Struct, frozen=True, kw_only=True):
    """What a bisection looks for. ``rules`` are those of ``--fail-on``, as they were typed.

    ``asked`` holds what else makes two campaigns the same: settings, arguments, device, threads.
    """

    scenario: str
    backend: str
    package: str
    good: str
    bad: str
    rules: str
    asked: dict[str, str]


class Step(Struct, frozen=True, kw_only=True):
    """One version beside the good one, measured in one campaign.

    ``failing`` names the rules that it fails: ``slower``, ``worse``, ``memory``, ``missing``.
    ``figures`` has ``step time`` and ``peak memory`` as ratios, ``quality`` as a difference in the
    metric's unit. ``folder`` is the campaign's, seen from the log; ``None`` if none was begun.
    """

    version: str
    outcome: Outcome
    reason: str
    failing: list[str] = msgspec.field(default_factory=list)
    figures: dict[str, Estimate] = msgspec.field(default_factory=dict)
    rounds: int = 0
    folder: str | None = None
    ended_at: str


class Bisection(Struct, frozen=True, kw_only=True):
    """The content of ``bisect.json``. ``versions`` run from the good one to the bad one."""

    schema: int = SCHEMA
    question: Question
    versions: list[str]
    steps: list[Step] = msgspec.field(default_factory=list)

    def step(self, version: str) -> Step | None:
        """The latest step of that version."""
        return next((one for one in reversed(self.steps) if one.version == version), None)
