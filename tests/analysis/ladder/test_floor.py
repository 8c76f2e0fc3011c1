"""The floor of a step, and how many times it a cell takes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.ladder.floor import Floor, common_floor, floor_of, times_floor
from harness.analysis.rows import grouped
from harness.analysis.speed.interval import ratio
from harness.analysis.speed.pairs import reasons_by_id
from harness.records.machine import Disturbance, Noise, Rates
from harness.records.trial import StepWork

WORK = StepWork(flops=2e8, bytes=1e7)
RATES = Rates(matmul_flops_per_s=2e11, copy_bytes_per_s=2e10, threads=2)


@pytest.fixture
def measured(make_record):
    return lambda **changes: make_record(**({"work": WORK, "rates": RATES} | changes))


def times(records):
    (group,) = grouped(records)
    return times_floor(group, reasons_by_id(records))


class TestOfARecord:
    def test_is_the_longer_of_its_arithmetic_and_its_memory(self, measured):
        floor = floor_of(measured())
        assert (floor.arithmetic_s, floor.memory_s) == pytest.approx((1e-3, 0.5e-3))
        assert (floor.step_s, floor.binds) == (floor.arithmetic_s, "arithmetic")
        slow = msgspec.structs.replace(RATES, copy_bytes_per_s=5e9)
        floor = floor_of(measured(rates=slow))
        assert (floor.step_s, floor.binds) == (pytest.approx(2e-3), "memory")

    @pytest.mark.parametrize("lacking", ["work", "rates"])
    def test_is_none_if_the_record_does_not_tell(self, measured, lacking):
        assert floor_of(measured(**{lacking: None})) is None

    def test_of_a_gpu_is_none_since_numpy_never_ran_there(self, measured):
        assert floor_of(measured(device="gpu")) is None

    def test_of_another_precision_is_none_since_float32_was_multiplied(self, measured):
        settings = {"batch_size": 1000, "precision": "mixed_bfloat16"}
        assert floor_of(measured(settings=settings)) is None
        assert floor_of(measured(settings=settings | {"precision": "float32"})) is not None

    def test_needs_the_rates_of_the_same_threads(self, measured):
        assert floor_of(measured(threads=2)) is not None
        assert floor_of(measured(threads=1)) is None
        unknown = msgspec.structs.replace(RATES, threads=None)
        assert floor_of(measured(threads=2, rates=unknown)) is None
        assert floor_of(measured(rates=unknown)) is not None

    def test_takes_a_smaller_last_batch_in_proportion(self, measured):
        # 80 steps of 80,000 examples: 1,000 in the mean, of batches of 1,250.
        floor = floor_of(measured(settings={"batch_size": 1250}))
        assert floor.arithmetic_s == pytest.approx(0.8e-3)


@given(arithmetic_s=st.floats(1e-9, 1e3), memory_s=st.floats(1e-9, 1e3))
def test_no_bound_is_above_the_floor(arithmetic_s, memory_s):
    floor = Floor(arithmetic_s=arithmetic_s, memory_s=memory_s)
    assert floor.step_s >= max(arithmetic_s, memory_s)
    assert floor.step_s == {"arithmetic": arithmetic_s, "memory": memory_s}[floor.binds]


class TestTimesTheFloor:
    def test_is_paired_with_the_rates_of_the_same_round(self, measured):
        """A machine that slows down by half, with all that runs on it, changes nothing."""
        records = [
            measured(
                round=number,
                seed=number,
                run_id="run",
                step_time_s=0.002 * pace,
                rates=Rates(matmul_flops_per_s=2e11 / pace, copy_bytes_per_s=2e10 / pace),
            )
            for number, pace in enumerate([1.0, 1.5, 1.0, 2.0, 1.2], start=1)
        ]
        found = times(records)
        assert found.value == pytest.approx(2.0)
        assert (found.low, found.high) == pytest.approx((2.0, 2.0))
        assert found.rounds == 5

    def test_has_no_interval_below_four_rounds(self, measured):
        found = times([measured(round=n, seed=n, run_id="run") for n in (1, 2, 3)])
        assert (found.value, found.low, found.rounds) == (pytest.approx(2.0), None, 3)

    def test_leaves_disturbed_trials_out(self, measured):
        busy = Noise(
            training=Disturbance(
                elapsed_s=10.0,
                involuntary_switches=0,
                steal_share=0.5,
                busy_share=1.0,
                load_average=9.0,
                frequency_mhz=None,
            )
        )
        quiet = [measured(round=n, seed=n, run_id="run") for n in (1, 2)]
        slow = measured(round=3, seed=3, run_id="run", step_time_s=0.1, noise=busy)
        assert times([*quiet, slow]).rounds == 2

    def test_is_none_without_a_floor(self, measured):
        assert times([measured(work=None)]) is None


class TestOfSeveralCells:
    def test_counts_each_round_once_however_many_trials_it_has(self, measured):
        faster = msgspec.structs.replace(RATES, matmul_flops_per_s=4e11)
        records = [
            measured(backend=backend, round=n, seed=n, run_id="run", rates=rates)
            for n, rates in ((1, RATES), (2, RATES), (3, faster))
            for backend in ("jax", "torch")
        ]
        found = common_floor(grouped(records), reasons_by_id(records))
        assert (found.step_s.n, found.step_s.value) == (3, pytest.approx(1e-3))
        assert found.step_s.low == pytest.approx(0.5e-3)
        assert (found.work, found.threads, found.binds) == (WORK, 2, "arithmetic")
        assert found.matmul_flops_per_s.high == 4e11

    def test_is_none_where_no_trial_tells(self, measured):
        records = [measured(rates=None)]
        assert common_floor(grouped(records), reasons_by_id(records)) is None


@given(st.lists(st.floats(-3, 3), min_size=4, max_size=12))
def test_a_ratio_lies_within_its_interval(logs):
    found = ratio(logs)
    assert found.low <= found.value * (1 + 1e-12)
    assert found.value <= found.high * (1 + 1e-12)


def test_there_is_no_ratio_of_no_rounds():
    assert ratio([]) is None
