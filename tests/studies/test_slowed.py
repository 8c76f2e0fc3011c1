"""The hook that slows a step on purpose burns the share it was asked for, and no more."""

from __future__ import annotations

import pytest

from harness.analysis.speed.pairs import verdicts_within
from studies.twins import slowed as command
from studies.twins.scenarios import slowed


@pytest.fixture
def scenario(monkeypatch):
    monkeypatch.setattr(slowed, "_wait_for", lambda _: None)
    return slowed


class FakeClock:
    """Goes on by a microsecond with every look, and by `work_s` when something works."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        self.now_s += 1e-6
        return self.now_s


@pytest.mark.parametrize("slowdown", [0.0, 0.05, 1.0])
def test_steps_take_longer_by_the_share(scenario, slowdown):
    clock = FakeClock()

    def step(x):
        clock.now_s += 0.002
        return x + 1

    burner = scenario.Burner(step, slowdown, clock)
    begun_s = clock.now_s
    for i in range(2 * scenario.STEPS_PER_BURN):
        clock.now_s += 0.0005  # the loop between two steps is slowed as well
        assert burner(i) == i + 1
    step_s = (clock.now_s - begun_s) / (2 * scenario.STEPS_PER_BURN)
    assert step_s == pytest.approx(0.0025 * (1 + slowdown), rel=0.01)


def test_what_comes_between_two_epochs_is_not_slowed(scenario):
    clock = FakeClock()
    burner = scenario.Burner(lambda: None, 1.0, clock)
    burner()
    clock.now_s += 10.0
    burner.restart()
    begun_s = clock.now_s
    for _ in range(scenario.STEPS_PER_BURN):
        burner()
    assert clock.now_s - begun_s < 0.001


def test_it_is_the_tutorials_scenario_with_two_settings_more(scenario):
    from harness.scenario import parse_settings
    from scenarios.ranking import SCENARIO as RANKING

    slowed = parse_settings(scenario.SCENARIO, {"slowdown": "0.05", "twin": "b"})
    assert (slowed.slowdown, slowed.twin) == (0.05, "b")
    assert slowed.learning_rate == parse_settings(RANKING).learning_rate


class TestExpectation:
    @pytest.fixture
    def judge(self, make_record):
        """Makes eight rounds of a backend as it is and slowed; is the verdict on them right?"""

        def ask(ratio, slowdown):
            records = [
                make_record(
                    settings={"slowdown": share, "twin": twin},
                    step_time_s=step_s,
                    round=number,
                    run_id="run",
                )
                for number in range(1, 9)
                for share, twin, step_s in (
                    (0.0, "a", 0.002),
                    (slowdown, "b", 0.002 * ratio * (1 + 0.001 * (-1) ** number)),
                )
            ]
            (found,) = verdicts_within(records)
            return command.is_right(found, slowdown)

        return ask

    def test_a_slowed_step_must_be_called_so_and_its_size_be_in_the_interval(self, judge):
        assert judge(1.05, 0.05)
        assert not judge(1.0, 0.05)
        assert not judge(1.10, 0.05)

    def test_twins_must_not_differ(self, judge):
        assert judge(1.0, 0.0)
        assert not judge(1.10, 0.0)
