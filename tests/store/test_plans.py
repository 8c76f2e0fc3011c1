"""`campaign.json`: the plans of the runs that left a folder's records."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.store import folder as store
from harness.store import layout
from harness.store.merge import merge
from tests.launch.fakes import make_plan


@pytest.fixture
def plan(make_cell):
    return make_plan([make_cell()], rounds=None, precision=0.02, margin=0.03)


def test_a_plan_is_read_as_it_was_kept(tmp_path, plan):
    store.add_plan(tmp_path, plan)
    assert store.load(tmp_path).plans == [plan]


def test_a_later_run_stands_beside_the_earlier_ones(tmp_path, make_cell, plan):
    later = make_plan([make_cell()], run_id="later")
    for one in (plan, later, later):
        store.add_plan(tmp_path, one)
    assert store.load(tmp_path).plans == [plan, later]


def test_plans_are_found_at_any_depth_with_the_folder_of_their_campaign(tmp_path, plan):
    store.add_plan(tmp_path / "artifact" / "results", plan)
    found = store.load(tmp_path)
    assert found.plans == [plan]
    assert found.homes == {plan.run_id: tmp_path / "artifact" / "results"}


@pytest.mark.parametrize("content", ["", "{", '{"schema": 99, "runs": []}', '{"schema": 1}'])
def test_a_file_that_cannot_be_read_is_named_and_stops_nothing(
    tmp_path, plan, make_record, content
):
    store.save(tmp_path, make_record())
    (tmp_path / layout.CAMPAIGN).write_text(content, encoding="utf-8")
    found = store.load(tmp_path)
    assert (len(found.records), found.plans) == (1, [])
    assert [Path(broken.path).name for broken in found.broken] == ["campaign.json"]
    store.add_plan(tmp_path, plan)
    assert store.load(tmp_path).plans == [plan]
    assert (tmp_path / "campaign.json.broken-1").read_text(encoding="utf-8") == content


def test_a_folder_that_cannot_be_written_keeps_the_plans_it_has(tmp_path, plan, monkeypatch):
    store.add_plan(tmp_path, plan)

    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("harness.store.atomic.write_synced", fail)
    with pytest.raises(OSError, match="No space"):
        store.add_plan(tmp_path, make_plan(plan.cells, run_id="later"))
    assert store.load(tmp_path).plans == [plan]
    assert [path.name for path in tmp_path.iterdir()] == ["campaign.json"]


def test_a_merge_brings_the_plans_along(tmp_path, make_cell, plan):
    store.add_plan(tmp_path / "a", plan)
    store.add_plan(tmp_path / "b", make_plan([make_cell()], run_id="later"))
    for _ in range(2):
        merge([tmp_path / "a", tmp_path / "b"], tmp_path / "merged")
    assert [one.run_id for one in store.load(tmp_path / "merged").plans] == ["run-1", "later"]
