"""What weakens single trials: disturbed ones, and ones that never settled; and proven rounds."""

from __future__ import annotations

import msgspec
import pytest

from harness.analysis.notes.trials import custom_initialisers, disturbed_trials, unsettled_trials
from harness.analysis.rows import grouped
from harness.analysis.speed.pairs import interleaved, reasons_by_id
from harness.records.trial import Turns
from tests.launch.fakes import noise


def test_a_disturbed_trial_is_named_with_what_disturbed_it(make_record, environment):
    records = [
        make_record(environment=environment(), noise=noise(foreign_cores=cores), repetition=i)
        for i, cores in enumerate((0.0, 0.9))
    ]
    (note,) = disturbed_trials(grouped(records), reasons_by_id(records))
    assert note.text.startswith("1 of 2 trials was disturbed: ")
    assert "seed 1 repetition 1 (other programs used 0.9 of 2 cores beside it)" in note.text
    assert note.command == "harness doctor"


def test_quiet_trials_need_no_note(make_record, environment):
    records = [make_record(environment=environment(), noise=noise())]
    assert list(disturbed_trials(grouped(records), reasons_by_id(records))) == []


def test_a_trial_that_never_settled_is_named_with_the_reason(make_record):
    steady = make_record()
    slowing = [
        msgspec.structs.replace(epoch, wall_s=0.2 * 1.15**i)
        for i, epoch in enumerate(steady.epochs)
    ]
    (note,) = unsettled_trials(grouped([steady, make_record(seed=2, epochs=slowing)]))
    assert note.text.startswith("1 of 2 trials never settled to a step time")
    assert "jax cpu fit seed 2 (the step time moved by " in note.text
    assert note.text.endswith("More timed training may help: --time-budget.")
    turns = Turns(group="0123abcd", place=0, waited_s=1.0, waiting_cpu_s=0.0)
    (note,) = unsettled_trials(grouped([make_record(epochs=slowing, turns=turns)]))
    assert note.text.endswith("Verdicts compare them turn by turn, and do not rest on it.")
    alone = msgspec.structs.replace(turns, processes=1)
    (note,) = unsettled_trials(grouped([make_record(epochs=slowing, turns=alone)]))
    assert note.text.endswith("More timed training may help: --time-budget.")


def test_values_of_custom_initialisers_are_told_with_the_backend_that_computed_them(make_record):
    made = {"dense/kernel": "torch"}
    records = [make_record(backend=name, custom_initial=made) for name in ("jax", "torch")]
    (note,) = custom_initialisers(grouped(records))
    assert note.text == (
        "Custom initialisers (dense/kernel): their code ran on torch, and the other backends were "
        "handed its values."
    )
    assert list(custom_initialisers(grouped([make_record()]))) == []


class TestInterleaved:
    @pytest.fixture
    def groups(self, make_record):
        """Two backends measured in one block each, by their runs and rounds."""

        def make(jax_rounds, torch_rounds, torch_run="run"):
            blocks = (("jax", "run", jax_rounds), ("torch", torch_run, torch_rounds))
            return grouped(
                make_record(
                    backend=backend,
                    round=number,
                    run_id=run_id,
                    started_at=f"2026-01-01T0{block}:{number:02}:00+00:00",
                )
                for block, (backend, run_id, rounds) in enumerate(blocks)
                for number in rounds
            )

        return make

    def test_equal_runs_and_rounds_prove_it_whatever_the_clock_says(self, groups):
        assert interleaved(*groups([1], [1]))
        assert interleaved(*groups(range(1, 5), range(1, 5)))

    def test_equal_rounds_of_two_runs_do_not(self, groups):
        assert not interleaved(*groups(range(1, 5), range(1, 5), torch_run="other"))

    def test_a_lost_trial_is_excused_and_a_block_is_not(self, groups):
        assert interleaved(*groups(range(1, 5), range(1, 4)))
        assert not interleaved(*groups(range(1, 9), range(1, 4)))
