"""Records that are older than a setting, beside those that have it."""

from __future__ import annotations

import itertools
from pathlib import Path

import msgspec
import pytest

from harness.analysis.before_after.compare import compare
from harness.analysis.before_after.history import Campaign, timelines
from harness.analysis.before_after.settings import completed
from harness.store import layout
from harness.store.folder import load

ROOT = Path(__file__).parents[3]
BOTH = {"jax": 0.002, "torch": 0.004}

FOLDERS = {
    str(path.parent.relative_to(ROOT / "results")): path.parent
    for path in sorted((ROOT / "results").glob(f"reference*/**/{layout.CAMPAIGN}"))
}
KINDS = {
    "tutorial": ["reference", "reference-again", "reference-ladder"],
    "sweep of batch sizes": ["reference-sweeps/batch-size"],
    "sweep of embedding rows": ["reference-sweeps/embedding-rows"],
    "GPU": ["reference-gpu"],
    "twins": ["reference-twins/01", "reference-twins-busy/01"],
}


def with_settings(records, **settings):
    """The records as a version with other settings would have left them."""
    return [
        msgspec.structs.replace(
            record,
            cell=msgspec.structs.replace(record.cell, settings=record.cell.settings | settings),
        )
        for record in records
    ]


def test_every_published_folder_has_a_kind():
    assert sorted(FOLDERS) == sorted(itertools.chain.from_iterable(KINDS.values()))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(first, second, id=f"{first} and {second}")
        for folders in KINDS.values()
        for first, second in itertools.permutations(folders, 2)
    ],
)
def test_every_published_folder_compares_with_every_other_of_its_kind(first, second):
    before, after = load(FOLDERS[first]).records, load(FOLDERS[second]).records
    made = compare(before, after)
    assert made.cells
    common = {(c.cell.backend, c.cell.mode) for c in made.cells}
    apart = {(one.cell.backend, one.cell.mode) for one in made.apart}
    # Of a backend and mode that both measured, no cell is left as one that the other lacks.
    for lone in (*made.only_before, *made.only_after):
        assert (lone.cell.backend, lone.cell.mode) not in common | apart
    assert timelines([Campaign(name=first, records=before), Campaign(name=second, records=after)])


class TestASettingThatWasAddedLater:
    def test_of_every_scenario_is_known_even_where_the_scenario_is_not(self, make_campaign):
        old = make_campaign(BOTH, 6)
        new = with_settings(make_campaign(BOTH, 6, seed=2), precision="float32")
        for first, second in ((old, new), (new, old)):
            made = compare(first, second)
            assert [one.cell.backend for one in made.cells] == ["jax", "torch"]
            assert not made.only_before
            assert not made.only_after

    def test_at_another_value_is_another_cell(self, make_campaign):
        new = with_settings(make_campaign(BOTH, 6, seed=2), precision="mixed_bfloat16")
        made = compare(make_campaign(BOTH, 6), new)
        assert not made.cells
        assert len(made.only_before) == len(made.only_after) == 2

    def test_of_one_scenario_has_the_value_that_is_told(self, make_campaign):
        old, new = make_campaign(BOTH, 6), with_settings(make_campaign(BOTH, 6), dropout=0.0)
        assert not compare(old, new).cells
        assert len(compare(old, new, settings_before={"ranking": {"dropout": 0.0}}).cells) == 2
        assert not compare(old, new, settings_before={"ranking": {"dropout": 0.5}}).cells
        assert not compare(old, new, settings_before={"another": {"dropout": 0.0}}).cells

    def test_leaves_records_alone_that_have_it(self, make_campaign):
        records = with_settings(make_campaign(BOTH, 1), precision="mixed_bfloat16")
        assert completed(records) == records

    def test_is_not_put_where_no_record_has_it(self, make_campaign):
        records = make_campaign(BOTH, 1)
        assert completed(records, {"ranking": {"dropout": 0.0}}) == records

    def test_does_not_change_what_a_record_is_filed_under(self, make_campaign):
        records = make_campaign(BOTH, 1)
        digests = [record.cell.digest for record in records]
        compare(records, with_settings(records, precision="float32"))
        assert [record.cell.digest for record in records] == digests

    def test_makes_one_timeline(self, make_campaign):
        old = Campaign(name="old", records=make_campaign({"jax": 0.002}, 6))
        new = Campaign(
            name="new",
            records=with_settings(make_campaign({"jax": 0.002}, 6, seed=2), precision="float32"),
        )
        (timeline,) = timelines([old, new])
        assert len(timeline.moments) == 2
        assert timeline.compared == 1
