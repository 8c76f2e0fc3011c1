"""What stands against a comparison: drift, machines, load, and quality that differs."""

from __future__ import annotations

import pytest

from harness.analysis.study import study_of
from harness.backends import BACKENDS


def at(minute):
    return f"2026-01-01T{minute // 60:02d}:{minute % 60:02d}:00+00:00"


def codes(study):
    return {note.code for note in study.notes}


def note(study, code):
    (found,) = [note for note in study.notes if note.code == code]
    return found


class TestInterleaving:
    COMMAND = "harness run ranking --backend jax,tf,torch --results results/interleaved"

    def test_tox_environments_one_after_the_other_are_blocks(self, in_order):
        # As `tox -e jax,tf,torch` does it: one folder, so one campaign and the same round numbers.
        order = [(backend, number) for backend in BACKENDS for number in (1, 2, 3)]
        found = note(study_of(in_order(order)), "not-interleaved")
        assert "drifted apart" in found.text
        assert "3 separate blocks" in found.text
        assert found.command == self.COMMAND
        assert found.text.endswith(self.COMMAND)

    def test_one_round_interleaves_nothing(self, in_order):
        study = study_of(in_order([(backend, 1) for backend in BACKENDS]))
        assert "not-interleaved" in codes(study)

    def test_a_backend_measured_later_is_a_block_of_its_own(self, in_order):
        order = [("jax", 1), ("tensorflow", 1), ("tensorflow", 2), ("jax", 2)]
        order += [("torch", 1), ("torch", 2)]
        found = note(study_of(in_order(order)), "not-interleaved")
        assert "2 separate blocks" in found.text
        assert "(jax and tensorflow; torch)" in found.text

    def test_a_lost_trial_does_not_unmake_the_rounds(self, interleaved):
        records = list(interleaved)
        del records[4]
        assert "not-interleaved" not in codes(study_of(records))

    def test_a_few_rounds_do_not_excuse_as_many_trials_in_blocks(self, in_order):
        order = [(backend, number) for backend in BACKENDS for number in (1, 2, 3)]
        order += [(backend, number) for number in (1, 2, 3) for backend in BACKENDS]
        assert "not-interleaved" in codes(study_of(in_order(order)))

    def test_a_start_that_cannot_be_read_is_no_crash(self, make_record):
        study = study_of([make_record(started_at="yesterday"), make_record(backend="torch")])
        assert "not-interleaved" in codes(study)


class TestMachines:
    def test_several_cannot_be_ranked_at_all(self, make_record, environment):
        records = [
            make_record(backend=b, environment=environment(f"machine-{b}", **{b: "1.0"}))
            for b in BACKENDS
        ]
        study = study_of(records)
        assert "cannot be ranked at all" in note(study, "several-machines").text
        assert [machine.trials for machine in study.machines] == [1, 1, 1]

    def test_a_busy_machine_is_named(self, make_record, environment):
        record = make_record(environment=environment(load_average=1.4))
        text = note(study_of([record]), "loaded-machine").text
        assert "1 of 1 trial" in text
        assert "1.4 on 2 cores" in text

    def test_the_load_that_the_trial_before_left_is_not_other_work(self, make_record, environment):
        records = [
            make_record(started_at=at(i), seed=i, environment=environment(load_average=load))
            for i, load in enumerate([0.1, 1.9, 1.9])
        ]
        assert "loaded-machine" not in codes(study_of(records))

    def test_load_beyond_what_the_trial_before_can_make_is(self, make_record, environment):
        records = [
            make_record(started_at=at(i), seed=i, environment=environment(load_average=load))
            for i, load in enumerate([0.1, 3.5])
        ]
        assert "loaded-machine" in codes(study_of(records))


class TestQuality:
    def test_backends_that_did_not_learn_the_same_are_named(self, make_record, interleaved, about):
        records = list(interleaved)
        records[2] = make_record(backend="torch", round=1, seed=1, started_at=at(2), value=0.26)
        text = note(study_of(records, about=about), "quality-differs").text
        assert "seed 1, jax ended at 0.25900 and torch at 0.26000" in text
        assert "0.00100 apart where 0.00050 is allowed" in text

    def test_modes_train_one_model_and_must_learn_the_same_too(self, make_record, about):
        records = [
            make_record(mode=mode, round=1, seed=1, value=value)
            for mode, value in (("fit", 0.2590), ("native", 0.2600))
        ]
        text = note(study_of(records, about=about), "quality-differs").text
        assert "seed 1, jax ended at 0.25900 and jax native at 0.26000" in text

    def test_seeds_may_differ(self, make_record, about):
        records = [
            make_record(backend=b, seed=seed, value=0.25 + seed / 100)
            for b in BACKENDS
            for seed in (1, 2)
        ]
        assert "quality-differs" not in codes(study_of(records, about=about))

    @pytest.mark.parametrize(
        "change",
        [
            {"init": "keras"},
            {"settings": {"batch_size": 4096}},
            {"seed": 9},
            {"scenario_version": 2},
        ],
    )
    def test_only_what_was_asked_the_same_is_held_together(self, make_record, change, about):
        records = [make_record(value=0.25, **change), make_record(backend="torch", value=0.26)]
        assert "quality-differs" not in codes(study_of(records, about=about))

    def test_their_own_initialisers_are_no_common_start(self, make_record, about):
        records = [
            make_record(backend=b, init="keras", value=0.2 + i) for i, b in enumerate(BACKENDS)
        ]
        assert "quality-differs" not in codes(study_of(records, about=about))

    def test_an_unknown_scenario_is_not_judged(self, make_record):
        records = [make_record(backend=b, value=0.2 + i) for i, b in enumerate(BACKENDS)]
        assert "quality-differs" not in codes(study_of(records))


class TestProductsOnAGpu:
    @staticmethod
    def study(make_record, device, **tf32):
        return study_of(
            [
                make_record(
                    backend=backend, device=device, engine={} if uses is None else {"tf32": uses}
                )
                for backend, uses in tf32.items()
            ]
        )

    def test_a_backend_in_tf32_beside_one_in_float32_is_said(self, make_record):
        found = note(self.study(make_record, "gpu", jax=True, tensorflow=True, torch=False), "tf32")
        assert "JAX and TensorFlow multiplied in TF32" in found.text
        assert "PyTorch in float32" in found.text

    @pytest.mark.parametrize(("device", "torch"), [("gpu", True), ("cpu", False), ("cpu", None)])
    def test_where_all_round_alike_nothing_is_said(self, make_record, device, torch):
        assert "tf32" not in codes(self.study(make_record, device, jax=True, torch=torch))
