"""Is it the same model? The verdict on two backends, and what stands behind it.

What counts as round-off is measured, not guessed: see :mod:`harness.analysis.parity.envelope`. What
is compared, and in which order: :mod:`harness.analysis.parity.stages`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from itertools import combinations
from typing import Literal

import msgspec

from harness.analysis.parity.stages import Comparison, Subject, compare, first_layer
from harness.records.cell import Struct
from harness.records.parity import KNOWN_BEHAVIOURS, KnownBehaviour, Stage

Verdict = Literal["same", "same-except", "deviates", "untold"]

TOLD_WITHOUT_DRAWS: tuple[Stage, ...] = ("start", "draws", "optimizer")
"""Stages in which no random number of a layer has a part."""


class Known(Struct, frozen=True, kw_only=True):
    """A behaviour of Keras on one backend that may explain a deviation, and the proof.

    ``seen_as`` is the first deviation of the backends as they are. ``without`` compares the other
    backend with this one freed of the behaviour, ``predicted`` this one as it is with its rule put
    in by hand; only if neither has a deviation does the behaviour explain everything.
    """

    behaviour: str
    backend: str
    says: str
    seen_as: Comparison
    without: list[Comparison]
    predicted: list[Comparison]

    @property
    def explains_all(self) -> bool:
        """Whether nothing deviates that the behaviour does not explain."""
        return first_deviation(self.without) is None and first_deviation(self.predicted) is None


class Pair(Struct, frozen=True, kw_only=True):
    """Two backends.

    ``deviation`` is the first quantity outside its envelope that nothing explains;
    ``comparisons`` are those of the backends as they are. ``not_served`` are the random numbers
    that each backend drew for itself: where there are any, training says nothing about the model.
    ``layer`` is where a deviation of the first batch begins in the forward pass.
    """

    first: str
    second: str
    verdict: Verdict
    comparisons: list[Comparison]
    deviation: Comparison | None = None
    known: Known | None = None
    not_served: list[str] = msgspec.field(default_factory=list)
    layer: Comparison | None = None


def judge_all(subjects: Sequence[Subject], allowed: Collection[str] = ()) -> list[Pair]:
    """The verdict on every pair that differs in the backend alone or in the mode alone."""
    return [
        judge(first, second, subjects, allowed)
        for first, second in combinations(subjects, 2)
        if (first.record.cell.place == second.record.cell.place)
        != (first.record.cell.mode == second.record.cell.mode)
    ]


def judge(
    first: Subject,
    second: Subject,
    scale: Sequence[Subject] = (),
    allowed: Collection[str] = (),
) -> Pair:
    """Whether two backends train the same model, as Keras ships them.

    A deviation passes as known only if the backend freed of the behaviour agrees with the other one
    in every stage, and the behaviour's rule put in by hand gives in every stage what the backend
    gives as it is. Even then the two are not the same where the test metric leaves its envelope,
    unless that behaviour is ``allowed``: what is known may still be another result.

    Args:
        first: a backend as it is.
        second: another one.
        scale: whose moved trainings measure the envelopes; the two by default.
        allowed: names of known behaviours that may change the test metric.
    """
    scale = scale or (first, second)
    comparisons = compare(first, second, scale)
    not_served = [
        f"{reason} on {subject.label}"
        for subject in (first, second)
        for reason in subject.record.not_served
    ]
    if not_served:
        deviation = first_deviation([c for c in comparisons if c.stage in TOLD_WITHOUT_DRAWS])
        return Pair(
            first=first.label,
            second=second.label,
            verdict="deviates" if deviation else "untold",
            comparisons=comparisons,
            deviation=deviation,
            not_served=not_served,
        )
    deviation = first_deviation(comparisons)
    known = None
    verdict: Verdict = "same" if deviation is None else "deviates"
    for behaviour in KNOWN_BEHAVIOURS if deviation else ():
        having = [subject for subject in (first, second) if _has(subject, behaviour)]
        # If both have it, it cannot be what sets them apart.
        if deviation and len(having) == 1:
            one, other = having[0], second if having[0] is first else first
            known = _explain(behaviour, one, other, deviation, scale)
            deviation = first_deviation(known.without) or first_deviation(known.predicted)
            if deviation is None and behaviour.name not in allowed:
                deviation = first_deviation([c for c in comparisons if c.stage == "metrics"])
            verdict = "deviates" if deviation else "same-except"
    layer = None
    if deviation and deviation.stage in {"draws", "first-batch"}:
        layer = first_layer(first, second, scale)
    return Pair(
        first=first.label,
        second=second.label,
        verdict=verdict,
        layer=layer,
        comparisons=comparisons,
        deviation=deviation,
        known=known,
    )


def first_deviation(comparisons: Sequence[Comparison]) -> Comparison | None:
    """The first quantity outside its envelope, in the order of the stages and of the model."""
    return next((each for each in comparisons if each.deviates), None)


def largest(comparisons: Sequence[Comparison], stage: Stage) -> Comparison | None:
    """The largest difference of a stage, in envelopes."""
    return max((c for c in comparisons if c.stage == stage), key=lambda c: c.size, default=None)


def apart(pairs: Sequence[Pair]) -> str | None:
    """The one backend that stands apart: every deviating pair has it, and every other agrees."""
    deviating = [{pair.first, pair.second} for pair in pairs if pair.verdict == "deviates"]
    if not deviating or len(deviating) == len(pairs):
        return None
    common = set.intersection(*deviating)
    return common.pop() if len(common) == 1 else None


def _has(subject: Subject, behaviour: KnownBehaviour) -> bool:
    names = {training.name for training in subject.record.trainings}
    return subject.record.cell.backend == behaviour.backend and behaviour.without in names


def _explain(
    behaviour: KnownBehaviour,
    one: Subject,
    other: Subject,
    seen_as: Comparison,
    scale: Sequence[Subject],
) -> Known:
    without = dataclasses.replace(
        one, name=behaviour.without, label=f"{one.label}, {behaviour.without}"
    )
    predicted = dataclasses.replace(
        one, name=behaviour.predicted, label=f"{one.label}, {behaviour.predicted}"
    )
    return Known(
        behaviour=behaviour.name,
        backend=one.label,
        says=behaviour.says,
        seen_as=seen_as,
        without=compare(other, without, scale),
        predicted=compare(one, predicted, scale),
    )
