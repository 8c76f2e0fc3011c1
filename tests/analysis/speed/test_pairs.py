"""Verdicts within a campaign: who is paired with whom, by which trials, and who never is."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.analysis.speed.pairs import judging, paired, to_compare, verdicts_within
from harness.backends import BACKENDS
from harness.records.cell import MODES
from tests.launch.fakes import environment, make_plan, noise


@pytest.fixture
def campaign(make_record):
    """Makes `rounds` rounds of backends, each with its step time; one minute for each trial."""

    def make(step_times_s, rounds=8, *, first=1, run_id="run", **changes):
        fields = {"environment": environment(), "noise": noise()} | changes
        return [
            make_record(
                backend=backend,
                round=number,
                seed=number,
                run_id=run_id,
                step_time_s=step_s,
                started_at=f"2026-01-01T{number:02}:{minute:02}:00+00:00",
                **fields,
            )
            for number in range(first, first + rounds)
            for minute, (backend, step_s) in enumerate(step_times_s.items())
        ]

    return make


def test_two_backends_get_one_verdict_first_over_second(campaign):
    (found,) = verdicts_within(campaign({"jax": 0.002, "torch": 0.003}))
    assert (found.pair.first.backend, found.pair.second.backend) == ("jax", "torch")
    assert found.verdict.kind == "faster"
    assert found.verdict.ratio == pytest.approx(2 / 3)
    assert (found.verdict.rounds, found.pair.machine_id) == (8, "machine-a")


def test_three_backends_make_three_pairs_of_one_family(campaign):
    found = verdicts_within(campaign(dict.fromkeys(BACKENDS, 0.002)))
    assert [(v.pair.first.backend, v.pair.second.backend) for v in found] == [
        ("jax", "tensorflow"),
        ("jax", "torch"),
        ("tensorflow", "torch"),
    ]
    assert {v.verdict.confidence for v in found} == {1 - 0.05 / 3}
    assert {v.verdict.kind for v in found} == {"equivalent"}


def test_the_margin_is_the_one_that_was_asked_for(campaign):
    records = campaign({"jax": 0.0020, "torch": 0.0021})
    assert verdicts_within(records, margin=0.02)[0].verdict.kind == "faster"
    assert verdicts_within(records, margin=0.10)[0].verdict.kind == "equivalent"


def test_cells_with_other_settings_are_no_pair(campaign):
    records = campaign({"jax": 0.002}) + campaign({"torch": 0.002}, settings={"batch_size": 7})
    assert verdicts_within(records) == []


def test_variants_of_a_single_backend_are_compared_with_each_other(campaign):
    slow, quick = {"optimizer": "adam"}, {"optimizer": "sgd"}
    records = campaign({"jax": 0.003}, settings=slow) + campaign({"jax": 0.002}, settings=quick)
    (found,) = verdicts_within(records)
    assert (found.pair.first.settings, found.pair.second.settings) == (slow, quick)
    assert found.verdict.kind == "slower"


def test_beside_two_backends_variants_are_not_compared(campaign):
    both = {"jax": 0.003, "torch": 0.002}
    records = campaign(both, settings={"n": 1}) + campaign(both, settings={"n": 2})
    pairs = [
        (v.pair.first.settings["n"], v.pair.second.settings["n"]) for v in verdicts_within(records)
    ]
    assert pairs == [(1, 1), (2, 2)]


def test_machines_are_never_compared(campaign):
    elsewhere = msgspec.structs.replace(environment(), machine_id="machine-b")
    records = campaign({"jax": 0.002}) + campaign({"torch": 0.002}, environment=elsewhere)
    assert verdicts_within(records) == []


def test_runs_one_after_the_other_are_not_interleaved(campaign):
    blocks = campaign({"jax": 0.002}, run_id="first") + campaign({"torch": 0.002}, run_id="second")
    assert verdicts_within(blocks) == []


def test_rounds_of_several_runs_count_together(campaign):
    both = {"jax": 0.002, "torch": 0.003}
    (found,) = paired(campaign(both, 4, run_id="first") + campaign(both, 5, run_id="second"))
    assert len(found.log_ratios) == 9


def test_trials_that_one_backend_has_alone_are_left_out(campaign):
    records = campaign({"jax": 0.002, "torch": 0.003}, 4)
    records += campaign({"jax": 0.009}, 8, run_id="alone")
    (found,) = paired(records)
    assert found.log_ratios == pytest.approx([math.log(2 / 3)] * 4)
    assert found.incomplete == 8


def test_a_failed_trial_leaves_its_round_out(campaign):
    records = campaign({"jax": 0.002, "torch": 0.003}, 5)
    records[-1] = msgspec.structs.replace(records[-1], status="crashed")
    (found,) = paired(records)
    assert (len(found.log_ratios), found.incomplete) == (4, 1)


def test_old_records_without_an_id_are_paired_if_they_stand_beside_each_other(campaign):
    both = campaign({"jax": 0.002, "torch": 0.003}, 4, run_id=None)
    assert len(paired(both)[0].log_ratios) == 4
    blocks = campaign({"jax": 0.002}, 4, run_id=None)
    blocks += [
        msgspec.structs.replace(record, started_at=f"2026-01-02T0{record.round}:00:00+00:00")
        for record in campaign({"torch": 0.003}, 4, run_id=None)
    ]
    assert paired(blocks) == []


class TestDisturbed:
    BUSY = noise(foreign_cores=1.0)

    def test_a_round_with_a_disturbed_trial_is_left_out_and_counted(self, campaign):
        records = campaign({"jax": 0.002, "torch": 0.003}, 5)
        records[0] = msgspec.structs.replace(records[0], noise=self.BUSY)
        (found,) = paired(records)
        assert (len(found.log_ratios), found.disturbed) == (4, 1)

    def test_its_repeat_takes_its_place(self, campaign, make_record):
        records = campaign({"jax": 0.002, "torch": 0.003}, 5)
        repeat = msgspec.structs.replace(
            records[0], repetition=2, started_at="2026-01-01T01:30:00+00:00"
        )
        records[0] = msgspec.structs.replace(
            make_record(step_time_s=0.05, round=1, seed=1, run_id="run", environment=environment()),
            noise=self.BUSY,
        )
        (found,) = paired([*records, repeat])
        assert found.log_ratios == pytest.approx([math.log(2 / 3)] * 5)

    def test_a_verdict_that_lacks_rounds_says_that_they_were_disturbed(self, campaign):
        records = campaign({"jax": 0.002, "torch": 0.003}, 5, noise=self.BUSY)
        (found,) = verdicts_within(records)
        assert found.verdict.kind == "inconclusive"
        assert found.verdict.reason == (
            "needs at least 4 complete rounds, here are 0; "
            "5 rounds are left out, since a trial was disturbed"
        )


def test_the_pairs_of_a_plan_are_known_before_it_runs(make_cell):
    cells = [make_cell(backend=b, settings={"n": n}) for n in (1, 2) for b in ("jax", "torch")]
    assert [(a.settings["n"], b.settings["n"]) for a, b in to_compare(cells)] == [
        (1, 1),
        (2, 2),
    ]
    assert to_compare(cells[::2]) == [(cells[0], cells[2])]
    assert to_compare(cells[:1]) == []


class TestModes:
    @pytest.fixture
    def climbed(self, campaign):
        """Every backend in every mode, each mode with a step time of its own."""

        def make(modes, backends=BACKENDS, **changes):
            return [
                record
                for mode, step_s in modes.items()
                for record in campaign(dict.fromkeys(backends, step_s), mode=mode, **changes)
            ]

        return make

    def test_backends_in_one_mode_and_modes_on_one_backend_are_one_family(self, climbed):
        found = verdicts_within(climbed({"fit": 0.002, "native": 0.001}))
        names = [
            (v.pair.first.backend, v.pair.first.mode, v.pair.second.backend, v.pair.second.mode)
            for v in found
        ]
        assert names == [
            ("jax", "fit", "tensorflow", "fit"),
            ("jax", "fit", "torch", "fit"),
            ("tensorflow", "fit", "torch", "fit"),
            ("jax", "native", "tensorflow", "native"),
            ("jax", "native", "torch", "native"),
            ("tensorflow", "native", "torch", "native"),
            ("jax", "fit", "jax", "native"),
            ("tensorflow", "fit", "tensorflow", "native"),
            ("torch", "fit", "torch", "native"),
        ]
        assert [v.verdict.confidence for v in found] == [pytest.approx(1 - 0.05 / 9)] * 9
        assert [v.verdict.kind for v in found[-3:]] == ["slower"] * 3

    def test_of_a_single_backend_are_pairs_without_any_other(self, climbed):
        (found,) = verdicts_within(climbed({"native": 0.001, "fit": 0.002}, ["torch"]))
        assert (found.pair.first.mode, found.pair.second.mode) == ("fit", "native")

    def test_cells_that_differ_in_more_than_one_thing_are_no_pair(self, climbed):
        records = climbed({"fit": 0.002}, ["jax"]) + climbed({"native": 0.001}, ["torch"])
        assert verdicts_within(records) == []

    def test_beside_several_modes_variants_are_not_compared(self, climbed):
        both = {"fit": 0.002, "native": 0.001}
        records = [record for n in (1, 2) for record in climbed(both, ["jax"], settings={"n": n})]
        pairs = [
            (v.pair.first.settings["n"], v.pair.second.settings["n"])
            for v in verdicts_within(records)
        ]
        assert pairs == [(1, 1), (2, 2)]

    @given(
        cells=st.lists(
            st.tuples(
                st.sampled_from(BACKENDS), st.sampled_from(MODES), st.sampled_from([256, 1000])
            ),
            min_size=1,
            max_size=10,
            unique=True,
        )
    )
    @settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_the_pairs_of_a_plan_are_those_of_its_records(self, campaign, make_cell, cells):
        made = [
            make_cell(backend=backend, mode=mode, settings={"batch_size": size})
            for backend, mode, size in cells
        ]
        records = [
            record
            for cell in made
            for record in campaign({cell.backend: 0.002}, 1, mode=cell.mode, settings=cell.settings)
        ]
        found = [(one.first, one.second) for one in paired(records)]
        planned = to_compare(made)
        assert {frozenset((a.digest, b.digest)) for a, b in found} == {
            frozenset((a.digest, b.digest)) for a, b in planned
        }
        assert len(found) == len(planned)


class TestJudging:
    def test_without_a_plan_the_defaults_hold(self):
        rule = judging([])
        assert (rule.margin, rule.sequential) == (0.02, False)

    def test_records_are_judged_as_was_said_before_they_were_measured(self, make_cell):
        plan = make_plan([make_cell()], margin=0.05, rounds=None, precision=0.01)
        rule = judging([plan])
        assert (rule.margin, rule.sequential) == (0.05, True)

    def test_one_run_that_might_have_stopped_early_is_enough(self, make_cell):
        early = make_plan([make_cell()], rounds=None, precision=0.01)
        late = make_plan([make_cell()], margin=0.03, started_at="2026-02-01T00:00:00+00:00")
        rule = judging([late, early])
        assert (rule.margin, rule.sequential) == (0.03, True)


def with_cpu(records, cpu_steps_s):
    """The records, each epoch with the CPU time of a step on its backend."""
    return [
        msgspec.structs.replace(
            record,
            epochs=[
                msgspec.structs.replace(epoch, cpu_s=epoch.steps * cpu_steps_s[record.cell.backend])
                for epoch in record.epochs
            ],
        )
        if record.cell.backend in cpu_steps_s
        else record
        for record in records
    ]


class TestCpuTime:
    def test_a_second_verdict_beside_the_first(self, campaign):
        records = campaign({"jax": 0.002, "torch": 0.003})
        (found,) = verdicts_within(with_cpu(records, {"jax": 0.008, "torch": 0.004}))
        assert (found.verdict.kind, found.cpu.kind) == ("faster", "slower")
        assert found.cpu.ratio == pytest.approx(2.0)

    def test_it_can_be_known_where_wall_time_is_not(self, campaign):
        records = [
            record
            for number in range(1, 9)
            for record in campaign(
                {"jax": 0.002 * (1 + number % 2), "torch": 0.003}, rounds=1, first=number
            )
        ]
        (found,) = verdicts_within(with_cpu(records, {"jax": 0.002, "torch": 0.003}))
        assert (found.verdict.kind, found.cpu.kind) == ("inconclusive", "faster")

    @pytest.mark.parametrize("told", [{}, {"jax": 0.002}, {"jax": 0.0, "torch": 0.0}])
    def test_none_where_the_records_of_a_side_do_not_tell(self, campaign, told):
        (found,) = verdicts_within(with_cpu(campaign({"jax": 0.002, "torch": 0.003}), told))
        assert found.cpu is None

    def test_pairs_that_tell_it_are_a_family_of_their_own(self, campaign):
        records = campaign(dict.fromkeys(BACKENDS, 0.002))
        told = with_cpu(records, {"jax": 0.002, "torch": 0.003})
        cpu = [found.cpu for found in verdicts_within(told) if found.cpu is not None]
        alone = with_cpu(
            campaign(dict.fromkeys(("jax", "torch"), 0.002)), {"jax": 0.002, "torch": 0.003}
        )
        (one,) = verdicts_within(alone)
        assert cpu == [one.cpu]
