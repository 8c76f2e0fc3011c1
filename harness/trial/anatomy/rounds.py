"""Interleaved rounds: each visits every variant once, in shuffled order; drift hits all alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import numpy as np

from harness.records.anatomy import AS_IT_IS, Variant, VariantName, Visit


class Timed(Protocol):
    """What can be timed: :class:`harness.trial.anatomy.variants.Subject`, or a test's stand-in."""

    def time_s(self, epochs: int) -> list[float]:
        """Wall seconds of so many epochs of one ``fit``."""
        ...


def prepared(
    names: Iterable[VariantName], make: Callable[[VariantName], Timed]
) -> tuple[dict[VariantName, Timed], list[Variant]]:
    """The variants that this scenario can be run as, each run once, and those that it cannot.

    The first run compiles. What cannot be taken out of a scenario (a train step of its own may
    need its metrics) is told, and the other variants are measured all the same.

    Raises:
        Exception: whatever the scenario as it is raises, since nothing can be measured then.
    """
    subjects: dict[VariantName, Timed] = {}
    absent: list[Variant] = []
    for name in names:
        try:
            subject = make(name)
            subject.time_s(1)
        except Exception as error:
            if name == AS_IT_IS:
                raise
            absent.append(Variant(name=name, why=f"{type(error).__name__}: {error}"[:500]))
        else:
            subjects[name] = subject
    return subjects, absent


def measured(
    subjects: Mapping[VariantName, Timed],
    *,
    rounds: int,
    epochs: int,
    rng: np.random.Generator,
) -> list[Variant]:
    """Visit every variant once in each round.

    Args:
        subjects: the variants, each run before.
        rounds: how many.
        epochs: timed ones of a visit; one of warm-up goes before them.
        rng: shuffles the rounds.
    """
    names = list(subjects)
    visits: dict[VariantName, list[Visit]] = {name: [] for name in names}
    for number in range(1, rounds + 1):
        for place, which in enumerate(rng.permutation(len(names))):
            name = names[which]
            warm_up_s, *epochs_s = subjects[name].time_s(1 + epochs)
            visits[name].append(
                Visit(round=number, place=place, warm_up_s=warm_up_s, epochs_s=epochs_s)
            )
    return [Variant(name=name, visits=found) for name, found in visits.items()]
