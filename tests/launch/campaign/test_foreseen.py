"""How many rounds a precision is expected to take, before the first of them."""

from __future__ import annotations

import pytest

from harness.launch.campaign.steering import SPREAD_GUESS, SPREAD_GUESS_IN_TURNS, foreseen
from harness.records.trial import Turns
from tests.launch.fakes import environment, make_plan, noise


@pytest.fixture
def plan(make_cell):
    cells = [make_cell(backend=backend) for backend in ("jax", "torch")]

    def make(**changes):
        return make_plan(changes.pop("cells", cells), rounds=None, precision=0.05, **changes)

    return make


@pytest.fixture
def earlier(make_record):
    """Six rounds whose ratios alternate by this much, in turns or not."""

    def make(spread, *, turns):
        return [
            make_record(
                backend=backend,
                round=number,
                seed=number,
                run_id="run",
                step_time_s=step_s,
                environment=environment(),
                noise=noise(),
                turns=Turns(group=f"{number:08x}", place=0, waited_s=1.0, waiting_cpu_s=0.0)
                if turns
                else None,
            )
            for number in range(6)
            for backend, step_s in (("jax", 0.002), ("torch", 0.003 * (1 + spread * (number % 2))))
        ]

    return make


def test_without_records_turns_and_blocks_have_guesses_of_their_own(plan):
    assert foreseen(plan(), []).spread == SPREAD_GUESS
    found = foreseen(plan(turns=True), [])
    assert (found.spread, found.measured) == (SPREAD_GUESS_IN_TURNS, False)
    assert found.rounds > foreseen(plan(), []).rounds


def test_a_single_cell_takes_no_turns_with_itself(plan, make_cell):
    assert foreseen(plan(cells=[make_cell()], turns=True), []).spread == SPREAD_GUESS


@pytest.mark.parametrize("turns", [False, True])
def test_earlier_rounds_tell_if_they_ran_as_these_will(plan, earlier, turns):
    alike, unlike = earlier(0.01, turns=turns), earlier(0.5, turns=not turns)
    found = foreseen(plan(turns=turns), [*alike, *unlike])
    assert found.measured
    assert found.spread < 0.02
    assert not foreseen(plan(turns=turns), unlike).measured
