"""Merging folders: everything arrives once, and nothing is overwritten."""

from __future__ import annotations

import msgspec
import pytest

from harness.store import folder as store
from harness.store.merge import merge


@pytest.fixture
def target(tmp_path):
    return tmp_path / "merged"


def test_records_of_several_folders_come_together(tmp_path, target, make_record):
    backends = ["jax", "tensorflow", "torch"]
    for backend in backends:
        store.save(tmp_path / backend, make_record(backend=backend))
    merged = merge([tmp_path / backend for backend in backends], target)
    assert (merged.added, merged.already_there, merged.broken) == (3, 0, [])
    assert [r.cell.backend for r in store.load(target).records] == backends


def test_merging_again_adds_nothing(tmp_path, target, make_record):
    store.save(tmp_path / "a", make_record())
    merge([tmp_path / "a"], target)
    merged = merge([tmp_path / "a", target], target)
    assert (merged.added, merged.already_there) == (0, 2)
    assert len(store.load(target).records) == 1


def test_two_machines_that_claim_the_same_repetition_both_stay(tmp_path, target, make_record):
    for name, value in (("a", 0.25), ("b", 0.26)):
        store.save(tmp_path / name, make_record(value=value))
    for _ in range(2):
        merge([tmp_path / "a", tmp_path / "b"], target)
    records = store.load(target).records
    assert [(r.repetition, r.quality.value) for r in records] == [(1, 0.25), (2, 0.26)]


def test_a_broken_file_is_left_out_and_named(tmp_path, target, make_record):
    saved = store.save(tmp_path / "a", make_record())
    saved.path.write_text("{")
    merged = merge([tmp_path / "a"], target)
    assert merged.added == 0
    assert [broken.path for broken in merged.broken] == [str(saved.path)]
    assert store.load(target).broken == []


def test_benchmarks_come_along_and_keep_their_names_unless_they_differ(tmp_path, target):
    for name, content in (("a", "monday"), ("b", "friday"), ("c", "monday")):
        path = tmp_path / name / "benchmarks" / "jax-cpu.json"
        path.parent.mkdir(parents=True)
        path.write_bytes(msgspec.json.encode({"benchmarks": [], "datetime": content}))
    merge([tmp_path / name for name in "abc"], target)
    names = [path.name for path in store.load(target).benchmarks]
    assert names == ["jax-cpu-2.json", "jax-cpu.json"]


def test_runs_of_parity_and_anatomy_come_whole_and_once(tmp_path, target):
    for name, verdict in (("a", "same"), ("b", "other"), ("c", "same")):
        run = tmp_path / name / "campaign/parity/ranking/seed-42-1"
        (run / "arrays").mkdir(parents=True)
        (run / "verdict.json").write_text(verdict)
        (run / "arrays/jax.npz").write_bytes(b"arrays")
    (tmp_path / "a/anatomy/ranking/run-1").mkdir(parents=True)
    (tmp_path / "a/anatomy/ranking/run-1/jax-cpu-1.json").write_text("{}")
    assert merge([tmp_path / name for name in "abc"], target).runs == 3
    assert merge([tmp_path / name for name in "abc"], target).runs == 0
    parity = target / "parity/ranking"
    found = {run.name: (run / "verdict.json").read_text() for run in parity.iterdir()}
    assert found == {"seed-42-1": "same", "seed-42-2": "other"}
    assert (parity / "seed-42-2/arrays/jax.npz").read_bytes() == b"arrays"
    assert (target / "anatomy/ranking/run-1/jax-cpu-1.json").exists()


def test_a_target_that_cannot_be_written_is_an_error(tmp_path, make_record):
    store.save(tmp_path / "a", make_record())
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        merge([tmp_path / "a"], tmp_path / "file" / "merged")
