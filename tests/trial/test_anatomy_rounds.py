"""Interleaved rounds, with stand-ins for what is timed. No framework is needed here."""

from __future__ import annotations

import numpy as np
import pytest

from harness.records.anatomy import AS_IT_IS
from harness.trial.anatomy.rounds import measured, prepared


class Stub:
    """Answers with its own number, and notes that it was asked."""

    def __init__(self, name, log):
        self._name, self._log = name, log

    def time_s(self, epochs):
        self._log.append((self._name, epochs))
        return [float(len(self._log))] * epochs


@pytest.fixture
def log():
    return []


def test_every_round_visits_every_variant_once_in_an_order_of_its_own(log):
    names = ["fit", "no callbacks", "no metrics", "one example"]
    variants = measured(
        {name: Stub(name, log) for name in names}, rounds=8, epochs=2, rng=np.random.default_rng(1)
    )
    rounds = [[name for name, _ in log[i : i + 4]] for i in range(0, 32, 4)]
    assert all(sorted(order) == sorted(names) for order in rounds)
    assert len(set(map(tuple, rounds))) > 1
    assert [variant.name for variant in variants] == names
    for variant in variants:
        assert [visit.round for visit in variant.visits] == list(range(1, 9))
        for visit in variant.visits:
            assert rounds[visit.round - 1][visit.place] == variant.name


def test_the_first_epoch_of_a_visit_is_kept_as_warm_up(log):
    (variant,) = measured(
        {"fit": Stub("fit", log)}, rounds=1, epochs=2, rng=np.random.default_rng(1)
    )
    assert log == [("fit", 3)]
    assert len(variant.visits[0].epochs_s) == 2


def test_what_cannot_be_taken_out_is_told_and_the_rest_is_measured(log):
    def make(name):
        if name == "no metrics":
            raise TypeError("the train step needs its metric")
        return Stub(name, log)

    subjects, absent = prepared(["fit", "no metrics", "one example"], make)
    assert list(subjects) == ["fit", "one example"]
    assert [(one.name, one.why) for one in absent] == [
        ("no metrics", "TypeError: the train step needs its metric")
    ]


def test_a_scenario_that_cannot_be_run_as_it_is_cannot_be_measured():
    def make(name):
        raise ValueError(name)

    with pytest.raises(ValueError, match=AS_IT_IS):
        prepared([AS_IT_IS, "no metrics"], make)
