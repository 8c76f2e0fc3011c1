"""Where a step's time goes, from made-up records."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.anatomy import anatomies, located, parts_of, step_times_s
from harness.records.anatomy import AGAIN, AS_IT_IS, PARTS, REMOVED, Variant, Visit
from harness.records.machine import Disturbance
from harness.records.trial import Failure

TIMES = st.floats(min_value=1e-7, max_value=10.0)


def values(anatomy):
    return {tuple(part.names): part.time.estimate_s for part in anatomy.parts}


def failed(record, **changes):
    lost = {"status": "crashed", "failure": Failure(reason="gone"), "variants": []}
    return msgspec.structs.replace(record, environment=None, **(lost | changes))


@given(st.lists(TIMES, min_size=6, max_size=6), st.sets(st.sampled_from(list(REMOVED))))
def test_parts_add_up_to_the_step_whatever_could_be_ablated(times, missing):
    measured = dict(zip((AS_IT_IS, *REMOVED), times, strict=True))
    parts = parts_of({name: time for name, time in measured.items() if name not in missing})
    assert sum(parts.values()) == pytest.approx(measured[AS_IT_IS], rel=1e-9, abs=1e-12)
    assert sorted(name for names in parts for name in names) == sorted(PARTS)


def test_a_part_is_what_a_step_saves_without_it(make_anatomy_record):
    (anatomy,) = anatomies([make_anatomy_record()])
    assert values(anatomy) == pytest.approx(
        {
            ("input pipeline",): 0.25e-3,
            ("Python and dispatch",): 0.10e-3,
            ("device compute",): 1.40e-3,
            ("optimizer",): 0.10e-3,
            ("metrics",): 0.05e-3,
            ("callbacks",): 0.10e-3,
        }
    )


def test_a_part_that_saves_nothing_is_negative_and_stays_so():
    parts = parts_of({AS_IT_IS: 1.0, "no callbacks": 1.2, "one example": 0.1})
    assert parts["callbacks",] == pytest.approx(-0.2)


def test_an_ablation_that_is_missing_leaves_its_part_with_the_next(make_anatomy_record):
    record = make_anatomy_record()
    variants = [
        Variant(name=v.name, why="TypeError: no") if v.name == "no metrics" else v
        for v in record.variants
    ]
    (anatomy,) = anatomies([msgspec.structs.replace(record, variants=variants)])
    assert values(anatomy)["metrics", "input pipeline"] == pytest.approx(0.30e-3)
    assert [(one.name, one.why) for one in anatomy.absent] == [("no metrics", "TypeError: no")]
    assert anatomy.sum_s == pytest.approx(2.00e-3)


def test_the_sum_is_held_against_a_fit_of_which_no_part_was_made(make_anatomy_record):
    (anatomy,) = anatomies([make_anatomy_record()])
    assert anatomy.measured.estimate_s == pytest.approx(2.02e-3)
    assert anatomy.misses == pytest.approx(2.00 / 2.02 - 1)
    assert anatomy.adds_up
    slow = {name: 2.3e-3 if name == AGAIN else 2e-3 for name in (AS_IT_IS, AGAIN, *REMOVED)}
    (off,) = anatomies([make_anatomy_record(slow)])
    assert not off.adds_up


def test_the_step_time_of_a_variant_is_the_median_over_its_rounds_without_warm_up():
    visits = [
        Visit(round=number, place=0, warm_up_s=99.0, epochs_s=[epoch_s])
        for number, epoch_s in enumerate((0.8, 0.9, 50.0), start=1)
    ]

    class Record:
        steps = 10
        variants = (Variant(name="fit", visits=visits), Variant(name="no metrics", why="no"))

    assert step_times_s(Record()) == {"fit": pytest.approx(0.09)}


def test_processes_are_the_unit_and_give_an_interval_from_four_on(make_anatomy_record):
    records = [
        make_anatomy_record({name: t * (1 + 0.01 * i) for name, t in times.items()}, process=i)
        for i, times in enumerate([step_times_s(make_anatomy_record())] * 4, start=1)
    ]
    (four,) = anatomies(records)
    assert four.processes == 4
    compute = next(part for part in four.parts if part.names == ["device compute"]).time
    assert compute.interval
    assert compute.low_s < compute.estimate_s < compute.high_s
    (three,) = anatomies(records[:3])
    assert not three.measured.interval
    assert (three.measured.low_s, three.measured.high_s) == pytest.approx((2.0402e-3, 2.0806e-3))


def test_a_range_is_the_lowest_and_the_highest_about_the_median():
    found = located([3.0, 1.0, 2.0])
    assert (found.low_s, found.estimate_s, found.high_s, found.interval) == (1.0, 2.0, 3.0, False)


def test_a_process_that_failed_is_counted_and_belongs_to_its_run(make_anatomy_record):
    good = make_anatomy_record()
    (anatomy,) = anatomies([good, failed(good, process=2)])
    assert (anatomy.processes, anatomy.failed) == (1, 1)


def test_a_cell_without_a_good_process_has_no_anatomy(make_anatomy_record):
    assert anatomies([failed(make_anatomy_record())]) == []
    assert anatomies([]) == []


def test_the_latest_run_of_a_cell_on_a_machine_stands(make_anatomy_record, make_environment):
    earlier = make_anatomy_record(run_id="first", started_at="2026-01-01T00:00:00+00:00")
    later = make_anatomy_record(run_id="second", started_at="2026-02-01T00:00:00+00:00")
    broken = failed(later, run_id="third", started_at="2026-03-01T00:00:00+00:00")
    (anatomy,) = anatomies([later, earlier, broken])
    assert anatomy.run_id == "second"
    elsewhere = make_anatomy_record(run_id="fourth", environment=make_environment("machine-b"))
    assert len(anatomies([later, elsewhere])) == 2


def test_backends_come_in_their_usual_order(make_anatomy_record):
    found = anatomies([make_anatomy_record(backend=name) for name in ("torch", "jax")])
    assert [one.cell.backend for one in found] == ["jax", "torch"]


def test_processes_that_others_disturbed_are_counted(make_anatomy_record):
    busy = Disturbance(
        elapsed_s=10.0,
        involuntary_switches=0,
        steal_share=0.0,
        busy_share=1.0,
        load_average=4.0,
        frequency_mhz=None,
        own_cpu_s=10.0,
    )
    (anatomy,) = anatomies([make_anatomy_record(disturbance=busy)])
    assert anatomy.disturbed == 1
    (quiet,) = anatomies(
        [make_anatomy_record(disturbance=msgspec.structs.replace(busy, busy_share=0.5))]
    )
    assert quiet.disturbed == 0
