"""The bounds that the method promises hold for rounds in turns, whatever the machine does.

The settings are those of ``studies/turns/simulated.py``: a machine that drifts at all time scales,
spikes, a rare slow process, epochs of unequal length, processes with offsets of their own.
``docs/studies/pairs-in-turns.md`` has the figures.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.analysis.speed.interval import bounds
from harness.analysis.speed.turns import log_ratio
from harness.analysis.speed.verdict import STOP_FROM, judging_confidence
from harness.records.trial import Epoch, Turns
from studies.intervals.sequences import (
    MARGIN,
    bonferroni,
    intervals_by_round,
    stop_at_precision,
)
from studies.intervals.simulated import beyond, within
from studies.turns.simulated import (
    BACKENDS,
    NOISY,
    PAIRS,
    QUIET,
    SETTINGS,
    by_median,
    by_turn,
    measured,
    population,
    simulate,
)

pytestmark = pytest.mark.once

TURNS = 8
CAMPAIGNS = 4000


def pairs(setting, rounds, **how):
    """The log-ratios of the three pairs of equal backends, true value 0."""
    times = simulate(SETTINGS[setting], rounds, TURNS, campaigns=CAMPAIGNS, **how)
    return [
        ratios - truth
        for ratios, truth in zip(by_turn(times), population(setting, TURNS), strict=True)
    ]


@pytest.mark.parametrize("rounds", [4, 6, 8, 12])
@pytest.mark.parametrize("setting", SETTINGS)
def test_intervals_hold_the_truth_in_93_to_98_percent_and_verdicts_are_rarely_false(
    setting, rounds
):
    found = pairs(setting, rounds)
    for ratios in found:
        _, low, high = bounds(ratios)
        assert 0.93 <= within(low, high, 0.0) <= 0.98
    assert bonferroni(found).any(axis=0).mean() <= 0.025


@pytest.mark.parametrize("setting", SETTINGS)
def test_so_it_is_where_a_campaign_stops_at_a_precision(setting):
    level = judging_confidence(0.95, sequential=True)
    for ratios in pairs(setting, 16, seed=3):
        ends = intervals_by_round(ratios[:1000], level)
        low, high, _ = stop_at_precision(*ends, 0.05, STOP_FROM)
        assert 0.93 <= within(low, high, 0.0) <= 0.98
        assert beyond(low, high, MARGIN) <= 0.025


def spread(ratios):
    """The standard deviation over all rounds of all campaigns."""
    return float(np.std(ratios))


@pytest.mark.parametrize("drift", [{"flicker": 0.2}, {"walk": 0.3}, {"flicker": 0.1, "walk": 0.2}])
def test_drift_at_any_time_scale_enters_less_in_turns_than_in_blocks(drift):
    setting = QUIET._replace(**drift)
    in_turns = by_turn(simulate(setting, 6, TURNS))
    in_blocks = by_median(simulate(setting, 6, TURNS, in_turns=False))
    for turns, blocks in zip(in_turns, in_blocks, strict=True):
        assert spread(turns) < 0.8 * spread(blocks)


def test_the_noisy_machine_is_like_the_measured_one():
    seven = simulate(NOISY, 7, 12), simulate(NOISY, 7, 12, in_turns=False)
    simulated = {"turns": by_turn(seven[0]), "blocks": by_median(seven[1])}
    real = {
        "turns": by_turn(measured()["turns"][None]),
        "blocks": by_median(measured()["blocks"][None]),
    }
    for how, found in simulated.items():
        for ratios, seen in zip(found, real[how], strict=True):
            spreads = np.std(ratios, axis=1, ddof=1)
            # Of seven rounds, a standard deviation is known to a factor of two at best.
            assert np.quantile(spreads, 0.01) < np.std(seen, ddof=1) < np.quantile(spreads, 0.99)


@pytest.fixture
def recorded(make_record):
    """Makes records of one round from log step times, shape `[backends, turns]`."""

    def make(logs):
        return [
            make_record(
                backend=backend,
                epochs=[
                    Epoch(
                        index=turn,
                        phase="timing",
                        steps=80,
                        examples=80_000,
                        wall_s=80 * 0.003 * math.exp(log),
                        warm_up=False,
                        train_loss=0.1,
                        turn=turn,
                    )
                    for turn, log in enumerate(mine)
                ],
                turns=Turns(group="0123abcd", place=0, waited_s=1.0, waiting_cpu_s=0.0),
            )
            for backend, mine in zip(BACKENDS, logs, strict=True)
        ]

    return make


class TestHarness:
    """What the harness makes of such records is what was simulated."""

    def test_where_no_turn_is_warm_up_it_finds_the_same_ratio(self, recorded):
        quiet = QUIET._replace(scatter=(0.005, 0.005, 0.005))
        for logs in simulate(quiet, 20, TURNS, campaigns=1)[0]:
            records = recorded(logs)
            for a, b in PAIRS:
                expected = np.median(logs[a] - logs[b])
                assert log_ratio(records[a], records[b]) == pytest.approx(expected)

    def test_its_rule_for_warm_up_costs_less_than_a_tenth_on_the_noisy_machine(self, recorded):
        times = simulate(NOISY, 400, TURNS, campaigns=1)
        of_harness = [
            [log_ratio(records[a], records[b]) for a, b in PAIRS]
            for logs in times[0]
            if (records := recorded(logs))
        ]
        for mine, plain in zip(np.transpose(of_harness), by_turn(times), strict=True):
            assert abs(mine.mean()) < 0.02
            assert spread(mine) < 1.1 * spread(plain)
