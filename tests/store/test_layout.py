"""What each name in a results folder means, wherever the folder lies and however it is called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.store import folder as store
from harness.store import layout
from harness.store.merge import merge

LINKS = pytest.mark.skipif(os.name != "posix", reason="not everybody may make links on Windows")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("campaign.json", layout.CAMPAIGN),
        ("benchmarks/campaign.json", layout.CAMPAIGN),
        ("records/ranking/jax-cpu-fit-1a2b3c4d/seed-1-rep-1.json", layout.RECORDS),
        ("records/ranking/jax-cpu-fit-1a2b3c4d/renamed.json", layout.RECORDS),
        ("benchmarks/records/ranking/jax-cpu-fit-1a2b3c4d/renamed.json", layout.RECORDS),
        ("benchmarks/seed-1-rep-1.json", layout.RECORDS),
        ("artifact/seed-1-rep-1.json", layout.RECORDS),
        ("benchmarks/jax-cpu.json", layout.BENCHMARKS),
        ("benchmarks/benchmarks/jax-cpu.json", layout.BENCHMARKS),
        ("parity/benchmarks/jax-cpu.json", layout.BENCHMARKS),
        ("parity/ranking/seed-42-1/verdict.json", layout.PARITY),
        ("parity/records/seed-42-1/jax-cpu.json", layout.PARITY),
        ("benchmarks/anatomy/ranking/run-1/jax-cpu-1.json", layout.ANATOMY),
        ("anatomy/parity/run-1/jax-cpu-1.json", layout.ANATOMY),
        ("report.json", None),
        ("plots/step-time.json", None),
    ],
)
def test_the_kind_of_a_file(path, kind):
    assert layout.kind_of(Path(path)) == kind


@pytest.mark.parametrize("name", ["benchmarks", "parity", "anatomy", "records", "initial"])
def test_a_campaign_may_have_the_name_of_a_folder_of_the_layout(tmp_path, make_record, name):
    store.save(tmp_path / name, make_record())
    assert len(store.load(tmp_path).records) == 1
    assert [len(one.records) for one in store.load_each(tmp_path).values()] == [1]
    merge([tmp_path], tmp_path / "merged")
    assert len(store.load(tmp_path / "merged").records) == 1


@LINKS
def test_a_linked_campaign_is_counted_once(tmp_path, make_record):
    elsewhere, root = tmp_path / "large disk", tmp_path / "results"
    store.save(elsewhere / "campaign", make_record())
    run = elsewhere / "campaign/parity/ranking/seed-42-1"
    run.mkdir(parents=True)
    (run / "verdict.json").write_text("{}")
    root.mkdir()
    for name in ("one", "again"):
        (root / name).symlink_to(elsewhere / "campaign", target_is_directory=True)
    (root / "round").symlink_to(root, target_is_directory=True)
    found = store.load(root)
    assert (len(found.records), len(found.parity)) == (1, 1)
    assert merge([root], tmp_path / "merged").runs == 1


@LINKS
def test_a_linked_folder_keeps_the_name_that_it_has_below_the_root(tmp_path):
    benchmark = tmp_path / "benchmarks" / "jax-cpu.json"
    benchmark.parent.mkdir()
    benchmark.write_text("{}")
    (tmp_path / "a").symlink_to(benchmark.parent, target_is_directory=True)
    assert store.load(tmp_path).benchmarks == [benchmark]


def test_a_nested_campaign_is_counted_and_named(tmp_path, make_record):
    root = tmp_path / "results"
    store.save(root, make_record(seed=1))
    # Of the same name as the folder that it lies in.
    store.save(root / "results", make_record(seed=2))
    assert len(store.load(root).records) == 2
    each = store.load_each(root)
    assert {name: [r.seed for r in one.records] for name, one in each.items()} == {
        "results itself": [1],
        "results": [2],
    }
