"""How trials become rows: one figure for each trial, then the median trial and the range."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.analysis.rows import grouped
from harness.analysis.step_time import examples_per_s, step_time_s
from harness.records.trial import Epoch, Failure, Hashes, Memory, Prediction, Provenance, Record

with_fixtures = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50
)


def row_of(records):
    (group,) = grouped(records)
    return group.row


def epochs(*samples, warm_up=()):
    return [
        Epoch(
            index=i,
            phase="timing",
            steps=steps,
            examples=examples,
            wall_s=wall_s,
            warm_up=i in warm_up,
            train_loss=0.1,
        )
        for i, (wall_s, steps, examples) in enumerate(samples)
    ]


class TestOneTrial:
    def test_step_time_is_the_median_over_epochs_after_warm_up(self, make_record):
        record = make_record(
            epochs=epochs(
                (9.0, 10, 100), (0.1, 10, 100), (0.2, 10, 100), (0.9, 10, 100), warm_up=[0]
            )
        )
        assert step_time_s(record) == pytest.approx(0.02)

    def test_examples_per_second_and_step_time_never_disagree(self, make_record):
        record = make_record(epochs=epochs((0.1, 10, 950), (0.4, 10, 950)))
        assert examples_per_s(record) == pytest.approx(95 / step_time_s(record))

    @pytest.mark.parametrize(
        "samples",
        [[], epochs((0.1, 10, 100), warm_up=[0]), epochs((0.1, 0, 0)), epochs((0.0, 5, 5))],
    )
    def test_without_a_counted_epoch_there_is_no_step_time(self, make_record, samples):
        record = make_record(epochs=samples)
        assert step_time_s(record) is None
        assert examples_per_s(record) is None
        assert row_of([record]).step_time_s is None


class TestFiguresOfARow:
    def test_the_median_trial_with_the_lowest_and_highest(self, make_record):
        row = row_of(
            [make_record(seed=i, step_time_s=s) for i, s in enumerate([0.003, 0.001, 0.002])]
        )
        figure = row.step_time_s
        assert (figure.value, figure.low, figure.high, figure.n) == pytest.approx(
            (0.002, 0.001, 0.003, 3)
        )

    def test_one_trial_has_no_spread(self, make_record):
        figure = row_of([make_record()]).step_time_s
        assert (figure.low, figure.high, figure.n) == (None, None, 1)

    def test_quality_is_the_mean_over_seeds_and_a_repeated_seed_counts_once(self, make_record):
        row = row_of(
            [
                make_record(seed=1, repetition=1, value=0.26),
                make_record(seed=1, repetition=2, value=0.26),
                make_record(seed=2, value=0.25),
            ]
        )
        assert row.quality.value == pytest.approx(0.255)
        assert row.quality.n == 2
        assert row.seeds == [1, 2]

    def test_predictions_are_means_over_trials(self, make_record):
        inputs = {"user_id": 42, "movie_id": 204}
        row = row_of(
            [
                make_record(
                    seed=i, predictions=[Prediction(inputs=inputs, output=0.5, shown=shown)]
                )
                for i, shown in enumerate([3.0, 4.0])
            ]
        )
        assert row.predictions[0].inputs == inputs
        assert row.predictions[0].shown.value == pytest.approx(3.5)

    def test_peak_memory_and_device_memory(self, make_record):
        row = row_of([make_record(memory=Memory(peak_rss_bytes=5, peak_device_bytes=7))])
        assert (row.peak_rss_bytes.value, row.peak_device_bytes.value) == (5, 7)


class TestWhatIsKeptApart:
    @pytest.mark.parametrize(
        "change",
        [
            {"backend": "torch"},
            {"device": "gpu"},
            {"init": "keras"},
            {"threads": 1},
            {"settings": {"batch_size": 4096}},
            {"scenario_version": 2},
            {"synthetic": True},
            {"hashes": Hashes(table="e" * 64, split="", initial_weights="", final_weights="")},
        ],
    )
    def test_another_cell_scenario_version_or_table_is_another_row(self, make_record, change):
        assert len(grouped([make_record(), make_record(**change)])) == 2

    def test_another_machine_is_another_row(self, make_record, environment):
        records = [make_record(environment=environment(m)) for m in ("a", "b")]
        assert [group.row.machine_id for group in grouped(records)] == ["a", "b"]

    @pytest.mark.parametrize("package", ["keras", "numpy", "jax"])
    def test_another_version_is_another_row(self, make_record, environment, package):
        records = [
            make_record(environment=environment(**{package: version})) for version in ("1.0", "2.0")
        ]
        assert len(grouped(records)) == 2

    def test_other_packages_do_not_matter(self, make_record, environment):
        records = [make_record(environment=environment(rich=v)) for v in ("14", "15")]
        assert len(grouped(records)) == 1

    def test_seed_repetition_campaign_and_harness_commit_do_not_matter(self, make_record):
        records = [
            make_record(),
            make_record(seed=2, repetition=3, campaign="other", round=4),
            make_record(harness=Provenance(version="0.2.0", commit="1" * 40, dirty=True)),
        ]
        assert row_of(records).good == 3

    def test_tensorflow_is_found_under_each_of_its_names(self, make_record, environment):
        for name in ("tensorflow", "tensorflow-cpu", "tensorflow_cpu"):
            record = make_record(backend="tensorflow", environment=environment(**{name: "2.21.0"}))
            assert row_of([record]).versions["tensorflow"] == "2.21.0"


class TestFailedTrials:
    def failed(self, make_record, **changes):
        bare = {
            "status": "timeout",
            "failure": Failure(reason="ran past 600 s"),
            "epochs": [],
            "phases": None,
            "quality": None,
            "memory": None,
            "hashes": None,
            "predictions": [],
        }
        return make_record(**(bare | changes))

    def test_a_trial_that_knows_nothing_counts_in_the_row_of_its_cell(
        self, make_record, environment
    ):
        row = row_of(
            [self.failed(make_record), make_record(environment=environment(), synthetic=True)]
        )
        assert (row.good, row.failed) == (1, 1)
        assert row.machine_id == "machine-a"

    def test_a_launcher_without_the_framework_does_not_tell_its_version(
        self, make_record, environment
    ):
        launcher = environment()
        launcher = msgspec.structs.replace(launcher, packages={"numpy": "1.0"})
        row = row_of(
            [make_record(environment=environment()), self.failed(make_record, environment=launcher)]
        )
        assert (row.good, row.failed) == (1, 1)

    def test_one_on_another_machine_is_not_counted_where_all_went_well(
        self, make_record, environment
    ):
        groups = grouped(
            [
                self.failed(make_record, environment=environment("b")),
                make_record(environment=environment("a")),
            ]
        )
        rows = [(g.row.machine_id, g.row.good, g.row.failed, g.row.apart) for g in groups]
        assert rows == [("a", 1, 0, {}), ("b", 0, 1, {"machine": "b"})]

    def test_one_that_does_not_know_its_machine_is_counted_in_the_row_of_its_cell(
        self, make_record, environment
    ):
        row = row_of(
            [
                self.failed(make_record, environment=None),
                make_record(environment=environment("a")),
            ]
        )
        assert (row.good, row.failed, row.machine_id, row.apart) == (1, 1, "a", {})

    def test_of_several_rows_it_counts_in_that_which_it_speaks_least_against(
        self, make_record, environment
    ):
        groups = grouped(
            [
                make_record(environment=environment("a")),
                make_record(environment=environment("b")),
                self.failed(make_record, environment=environment("b"), scenario_version=7),
            ]
        )
        assert [(g.row.machine_id, g.row.failed) for g in groups] == [("a", 0), ("b", 1)]

    def test_a_cell_that_only_failed_has_a_row_without_figures(self, make_record):
        row = row_of([self.failed(make_record), self.failed(make_record, seed=2)])
        assert (row.good, row.failed, row.step_time_s, row.quality) == (0, 2, None, None)


@with_fixtures
@given(
    cells=st.lists(
        st.tuples(
            st.sampled_from(["jax", "tensorflow", "torch"]),
            st.sampled_from(["cpu", "gpu"]),
            st.integers(1, 3),
            st.sampled_from(["ok", "crashed"]),
        ),
        max_size=12,
    ),
    shuffler=st.randoms(use_true_random=False),
)
def test_every_trial_is_in_exactly_one_row_whatever_the_order(make_record, cells, shuffler):
    records = [
        make_record(
            backend=backend, device=device, settings={"batch_size": size}, status=status, seed=i
        )
        for i, (backend, device, size, status) in enumerate(cells)
    ]
    rows = [group.row for group in grouped(records)]
    assert sum(row.good + row.failed for row in rows) == len(records)
    assert len({msgspec.json.encode(row.cell) for row in rows}) == len(rows)
    shuffler.shuffle(records)
    assert [(r.cell, r.good, r.failed, r.seeds) for r in rows] == [
        (g.row.cell, g.row.good, g.row.failed, g.row.seeds) for g in grouped(records)
    ]


@with_fixtures
@given(st.lists(st.floats(1e-6, 10.0), min_size=2, max_size=9))
def test_a_figure_lies_within_its_range(make_record, step_times):
    records: list[Record] = [
        make_record(seed=i, step_time_s=s, value=s) for i, s in enumerate(step_times)
    ]
    row = row_of(records)
    for figure in (row.step_time_s, row.examples_per_s, row.quality):
        assert figure.low <= figure.value <= figure.high


def test_rows_are_sorted_by_name_and_never_by_speed(make_record):
    speeds = {"torch": 0.001, "jax": 0.009, "tensorflow": 0.005}
    groups = grouped([make_record(backend=b, step_time_s=s) for b, s in speeds.items()])
    assert [group.row.cell.backend for group in groups] == ["jax", "tensorflow", "torch"]
