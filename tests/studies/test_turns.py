"""What the studies of turns read from campaigns; the campaigns themselves are made up here."""

from __future__ import annotations

import itertools
import json
import math
import sys

import msgspec
import numpy as np
import pytest
from scipy import stats

from harness.analysis.speed.pairs import verdicts_within
from harness.backends import BACKENDS
from harness.records.trial import Turns
from studies.turns import against_pyperf, campaigns, spread
from studies.turns.simulated import NOISY, by_turn, measured, round_s, simulate


@pytest.fixture
def rounds(make_record):
    """Rounds of three backends whose epochs take these times, in turns or not."""

    def make(logs, *, turns):
        found = []
        for number, each in enumerate(logs):
            seat = Turns(group=f"{number:08x}", place=0, waited_s=1.0, waiting_cpu_s=0.0)
            records = []
            for backend, mine in zip(BACKENDS, each, strict=True):
                record = make_record(backend=backend, round=number, seed=number, run_id="run")
                epochs = [
                    msgspec.structs.replace(
                        record.epochs[1],
                        index=turn,
                        wall_s=0.24 * math.exp(log),
                        turn=turn if turns else None,
                    )
                    for turn, log in enumerate(mine)
                ]
                records.append(
                    msgspec.structs.replace(record, epochs=epochs, turns=seat if turns else None)
                )
            found.append(records)
        return found

    return make


def test_the_spread_in_turns_is_that_of_the_measured_rounds(rounds):
    found = spread.spreads(rounds(measured()["turns"], turns=True))
    plain = [np.std(each, ddof=1) for each in by_turn(measured()["turns"][None])]
    for (of_turns, _), expected in zip(found.values(), plain, strict=True):
        # But for the turns that the rule for warm-up leaves out.
        assert of_turns == pytest.approx(expected, abs=0.02)


def test_without_turns_both_spreads_are_one(rounds):
    found = spread.spreads(rounds(measured()["blocks"], turns=False))
    for of_ratios, of_step_times in found.values():
        assert of_ratios == pytest.approx(of_step_times)


def test_a_half_width_is_that_of_the_verdict_and_infinite_without_one(rounds):
    records = [r for each in rounds(measured()["turns"], turns=True) for r in each]
    for found in verdicts_within(records):
        width = math.log1p(campaigns.half_width(found))
        ratio = math.log(found.verdict.high / found.verdict.low)
        assert 2 * width == pytest.approx(ratio)
    few = [record for record in records if record.round < 3]
    assert {campaigns.half_width(found) for found in verdicts_within(few)} == {math.inf}
    assert campaigns.share(math.inf) == "–"


def test_welch_is_scipys():
    rng = np.random.default_rng(1)
    first, second = np.exp(rng.normal(0, 0.1, 7)), np.exp(rng.normal(0, 0.3, 5))
    test = stats.ttest_ind(np.log(first), np.log(second), equal_var=False)
    low, high = test.confidence_interval(0.98)
    assert math.log1p(against_pyperf.welch(first, second, 0.98)) == pytest.approx((high - low) / 2)


def test_a_single_process_has_no_interval():
    assert against_pyperf.welch([0.002], [0.003, 0.004], 0.95) == math.inf


@pytest.mark.parametrize(
    "name", ["spread", "half_width", "step_times", "slower", "ladder", "against_pyperf"]
)
def test_each_study_says_how_it_is_run(name, monkeypatch, capsys):
    module = __import__(f"studies.turns.{name}", fromlist=["main"])
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as stopped:
        module.main()
    assert stopped.value.code == 0
    assert f"studies/turns/{name}.py FOLDER" in capsys.readouterr().out


def test_rounds_both_ways_alternate_and_what_is_there_is_not_run_again(monkeypatch, tmp_path):
    started = []

    def run(command, **_):
        results = tmp_path / command[command.index("--results") + 1]
        started.append((results.name, command[command.index("--turns") + 1]))
        results.mkdir(parents=True)
        (results / "campaign.json").write_text(json.dumps({}))
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(campaigns.subprocess, "run", run)
    monkeypatch.setattr(campaigns.store, "load", lambda _: type("Loaded", (), {"records": []}))
    campaigns.both_ways(tmp_path, 2, [])
    campaigns.both_ways(tmp_path, 2, [])
    assert started == [
        ("round-00-on", "on"),
        ("round-00-off", "off"),
        ("round-01-off", "off"),
        ("round-01-on", "on"),
    ]


def test_a_round_that_was_to_be_in_turns_and_was_not_is_left_out(
    monkeypatch, tmp_path, make_record
):
    monkeypatch.setattr(campaigns, "campaign", lambda *_: [make_record()])
    found = campaigns.both_ways(tmp_path, 1, [])
    assert (len(found["on"][0]), len(found["off"][0])) == (0, 1)


def test_a_simulated_round_is_the_same_whatever_else_is_drawn():
    first, again = (simulate(NOISY, 4, 8, campaigns=3, seed=5) for _ in range(2))
    assert np.array_equal(first, again)
    assert first.shape == (3, 4, 3, 8)


def test_a_round_grows_by_its_turns_alone():
    for turns, other in itertools.pairwise((4, 8, 12)):
        added_s = round_s(NOISY, other) - round_s(NOISY, turns)
        assert added_s == pytest.approx(4 * sum(NOISY.epochs_s))
