"""What nobody can have measured is refused with its reason; what was measured stays readable."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.store import benchmarks, layout, runs
from harness.store import folder as store
from harness.store.merge import merge
from harness.store.reading import Broken
from tests.launch.fakes import environment, make_plan, noise

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture
def full(make_record):
    """A record in which every figure is there."""
    record = make_record(environment=environment(), noise=noise(switches=3))
    return msgspec.to_builtins(record) | {
        "work": {"flops": 1e9, "bytes": 1e8},
        "rates": {"matmul_flops_per_s": 1e11, "copy_bytes_per_s": 1e10, "threads": 2},
    }


def read(tmp_path, content, name="seed-1-rep-1.json"):
    path = tmp_path / name
    path.write_bytes(json.dumps(content).encode())
    return store.read_record(path)


def places(content, above=()):
    """The place of each number in a JSON document."""
    items = content.items() if isinstance(content, dict) else enumerate(content)
    for name, value in items:
        if isinstance(value, dict | list):
            yield from places(value, (*above, name))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield (*above, name)


def put(content, place, value):
    for name in place[:-1]:
        content = content[name]
    content[place[-1]] = value


SIGNED = {"value", "metric", "train_loss", "reference", "target", "output", "shown"}
"""Figures that may be below zero."""

FREE = {"settings", "inputs", "failure", "engine"}
"""Tables whose values are the scenario's, or the framework's, own."""


def numbers(full):
    return [place for place in places(full) if not FREE.intersection(place)]


@pytest.mark.parametrize("value", [-1, -400, -1e-9, -(2**63), 1e308, 2**63, 10**40])
def test_no_figure_may_be_negative_or_endless(tmp_path, full, value):
    taken = []
    for place in numbers(full):
        changed = json.loads(json.dumps(full))
        put(changed, place, value)
        if not isinstance(read(tmp_path, changed), Broken):
            taken.append(place)
    allowed = SIGNED if abs(value) < 1e100 else set()
    if value == 2**63:  # no time and no size, but so many operations are imaginable
        allowed = allowed | {"flops", "bytes", "matmul_flops_per_s", "copy_bytes_per_s"}
    assert {place[-1] for place in taken} <= allowed


WRONG = {
    "no epoch": lambda r: r | {"epochs": []},
    "a failure": lambda r: r | {"failure": {"reason": "it fell"}},
    "failed without a failure": lambda r: r | {"status": "failed"},
    "no steps": lambda r: r | {"epochs": [r["epochs"][0] | {"steps": 0}, *r["epochs"][1:]]},
    "no examples": lambda r: r | {"epochs": [*r["epochs"][:-1], r["epochs"][-1] | {"examples": 0}]},
    "no time": lambda r: r | {"epochs": [*r["epochs"][:-1], r["epochs"][-1] | {"wall_s": 0}]},
    "an edited quality": lambda r: r | {"quality": r["quality"] | {"value": 0.001}},
    "a quality of no epoch": lambda r: r | {"epochs": r["epochs"][5:]},
    "another device": lambda r: r | {"device": r["device"] | {"kind": "gpu"}},
    "another seed than its name": lambda r: r | {"seed": 2},
    "another repetition than its name": lambda r: r | {"repetition": 2},
}


@pytest.mark.parametrize("change", WRONG)
def test_a_record_that_contradicts_itself_is_refused_with_the_reason(tmp_path, full, change):
    assert not isinstance(read(tmp_path, full), Broken)
    found = read(tmp_path, WRONG[change](full))
    assert isinstance(found, Broken)
    assert found.reason.startswith("contradicts itself: ")


def test_a_script_may_evaluate_itself_and_have_batches_that_nobody_can_count(tmp_path, full):
    run = {"arguments": [], "training": "script", "script_s": 1.0, "calls": 0}
    of_script = full | {"program": run | {"quality_source": "evaluate"}}
    for change in ("no examples", "an edited quality", "a quality of no epoch"):
        assert not isinstance(read(tmp_path, WRONG[change](of_script)), Broken)
    for change in ("no steps", "no time", "a failure"):
        assert isinstance(read(tmp_path, WRONG[change](of_script)), Broken)


def test_a_record_in_the_folder_of_another_cell_is_refused(tmp_path, make_record):
    saved = store.save(tmp_path, make_record())
    elsewhere = store.record_path(tmp_path, make_record(backend="torch").cell, 1, 1)
    elsewhere.parent.mkdir()
    saved.path.rename(elsewhere)
    assert "its folder says otherwise" in store.load(tmp_path).broken[0].reason


def test_a_record_under_a_name_of_the_users_own_is_read(tmp_path, make_record):
    saved = store.save(tmp_path, make_record())
    path = tmp_path / "records" / "of-monday" / "first.json"
    path.parent.mkdir()
    saved.path.rename(path)
    assert store.load(tmp_path).broken == []


NAMES = ["../../../etc/x", "/etc", "a/b", "a\\b", "", ".", "a b", "a\n", "1a", "\x1b[2J", "x" * 300]


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_whose_name_is_no_modules_is_left_out_and_the_others_are_merged(
    tmp_path, make_record, name
):
    for repetition in range(1, 16):
        store.save(tmp_path / "a", make_record(repetition=repetition, value=0.25 + repetition / 99))
    path = layout.files(tmp_path / "a")[7]
    content = json.loads(path.read_bytes())
    content["cell"]["scenario"] = name
    path.write_bytes(json.dumps(content).encode())
    merged = merge([tmp_path / "a"], tmp_path / "all")
    assert merged.added == 14
    assert [one.path for one in merged.broken] == [str(path)]


PLANS = [
    {"margin": -5},
    {"margin": 1e308},
    {"precision": -0.1},
    {"rounds": 0},
    {"rounds": -1},
    {"seeds": []},
    {"seeds": [-1]},
    {"cells": []},
    {"time_budget_s": -1},
    {"budget_s": 1e300},
    {"first_round": 0},
]


@pytest.mark.parametrize("change", PLANS)
def test_an_impossible_plan_is_named_and_does_not_judge_the_records(tmp_path, make_cell, change):
    plan = msgspec.to_builtins(make_plan([make_cell()])) | change
    (tmp_path / "campaign.json").write_bytes(msgspec.json.encode({"schema": 1, "runs": [plan]}))
    results = store.load(tmp_path)
    assert results.plans == []
    assert [Path(one.path).name for one in results.broken] == ["campaign.json"]


@pytest.mark.parametrize("stats", [{"median": -1}, {"iqr": -1}, {"rounds": 0}, {"median": 1e300}])
def test_an_impossible_benchmark_is_named(tmp_path, stats):
    info = {"scenario": "ranking", "backend": "jax", "device": "cpu"}
    one = {"name": "test_predict[3]", "extra_info": info}
    one["stats"] = {"median": 1.0, "iqr": 0.1, "rounds": 5} | stats
    path = tmp_path / "x.json"
    path.write_bytes(msgspec.json.encode({"benchmarks": [one]}))
    assert [broken.path for broken in benchmarks.read([path]).broken] == [str(path)]


def test_an_anatomy_that_contradicts_itself_is_named(tmp_path, make_anatomy_record):
    good = msgspec.to_builtins(make_anatomy_record())
    for number, change in enumerate(
        [{"failure": {"reason": "x"}}, {"steps": 0}, {"duration_s": -1}]
    ):
        path = tmp_path / f"{number}.json"
        path.write_bytes(msgspec.json.encode(good | change))
        assert len(runs.read_anatomy([path]).broken) == 1


def test_every_committed_record_is_still_readable():
    results = store.load(RESULTS)
    assert results.broken == []
    committed = [
        path
        for campaign in ("reference*", "family")
        for path in RESULTS.glob(f"{campaign}/**/records/**/*.json")
    ]
    assert len(results.records) >= len(committed) > 0
    assert len(results.plans) > 5
    assert runs.read_parity(results.parity).broken == []
    assert runs.read_anatomy(results.anatomy).broken == []
    assert benchmarks.read(results.benchmarks).broken == []


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_number_is_changed_the_record_is_named_or_still_a_possible_one(
    tmp_path, full, data
):
    changed = json.loads(json.dumps(full))
    place = data.draw(st.sampled_from(numbers(full)))
    value = data.draw(
        st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.none() | st.text()
    )
    put(changed, place, value)
    found = read(tmp_path, changed)
    if isinstance(found, Broken):
        assert str(tmp_path) in found.path
        return
    for where in numbers(msgspec.to_builtins(found)):
        figure = changed
        for name in where:
            figure = figure[name]
        if figure is not None and where[-1] not in SIGNED:
            rate = where[-1].endswith("_per_s") or where[-1] in {"flops", "bytes"}
            assert 0 <= figure <= (1e24 if rate else 2**60)
