"""A results folder: whole records or none, none overwritten, none lost, broken ones named."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backends import BACKENDS
from harness.records.cell import Cell
from harness.records.trial import Record
from harness.store import atomic
from harness.store import folder as store

cells = st.builds(
    Cell,
    scenario=st.from_regex(r"[a-z_][a-z0-9_]{0,10}", fullmatch=True),
    backend=st.sampled_from(BACKENDS),
    device=st.sampled_from(["cpu", "gpu"]),
    init=st.sampled_from(["common", "keras"]),
    threads=st.none() | st.integers(1, 64),
    settings=st.dictionaries(
        st.sampled_from(["batch_size", "optimizer"]), st.integers() | st.text(max_size=5)
    ),
)
numbers = st.integers(0, 2**32 - 1)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "results" / "laptop"


@given(cells, numbers, numbers)
def test_a_path_tells_the_cell_the_seed_and_the_repetition(cell, seed, repetition):
    path = store.record_path(Path("local"), cell, seed, repetition)
    records, scenario, folder, name = path.relative_to("local").parts
    assert (records, scenario) == ("records", cell.scenario)
    assert folder == f"{cell.backend}-{cell.device}-{cell.mode}-{cell.digest}"
    assert name == f"seed-{seed}-rep-{repetition}.json"


@given(cells, cells, numbers, numbers)
def test_different_trials_have_different_paths(one, other, seed, other_seed):
    paths = {
        store.record_path(Path(), one, seed, 1),
        store.record_path(Path(), other, other_seed, 1),
    }
    assert len(paths) == (1 if (one, seed) == (other, other_seed) else 2)


@pytest.mark.parametrize("scenario", ["../outside", "a/b", "", "/etc"])
def test_a_scenario_name_cannot_lead_out_of_the_folder(make_cell, scenario):
    with pytest.raises(ValueError, match="is no name of a scenario"):
        store.record_path(Path("local"), make_cell(scenario=scenario), 1, 1)


def test_a_record_comes_back_as_it_was_written(root, make_record):
    record = make_record()
    saved = store.save(root, record)
    assert saved.path == store.record_path(root, record.cell, 1, 1)
    assert saved.trouble is None
    assert store.read_record(saved.path) == record
    assert store.load(root).records == [record]


def test_a_record_is_never_overwritten(root, make_record):
    first, second = make_record(value=0.25), make_record(value=0.26)
    store.save(root, first)
    saved = store.save(root, second)
    assert saved.record.repetition == 2
    assert saved.path.name == "seed-1-rep-2.json"
    assert [r.quality.value for r in store.load(root).records] == [0.25, 0.26]


def test_the_next_repetition_is_the_first_that_is_free(root, make_record):
    cell = make_record().cell
    assert store.next_repetition(root, cell, seed=1) == 1
    store.save(root, make_record())
    assert store.next_repetition(root, cell, seed=1) == 2
    assert store.next_repetition(root, cell, seed=2) == 1


@pytest.mark.parametrize("at", ["fsync", "link"])
def test_an_interrupted_write_leaves_no_half_file(root, make_record, monkeypatch, at):
    def interrupt(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic.os, at, interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.save(root, make_record())
    assert not [path for path in root.rglob("*") if path.is_file()]


def test_a_process_killed_while_writing_leaves_nothing_that_is_read(root, make_record):
    record = msgspec.json.encode(make_record()).decode()
    script = (
        "import os, signal, sys, msgspec\n"
        "from pathlib import Path\n"
        "from harness.store import atomic, folder as store\n"
        "from harness.records.trial import Record\n"
        "atomic.os.fsync = lambda number: os.kill(os.getpid(), signal.SIGKILL)\n"
        "store.save(Path(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=Record))\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(root), record], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert store.load(root) == store.Results(records=[], broken=[])
    assert store.save(root, make_record()).record.repetition == 1


def test_a_file_system_without_links_gets_records_too(root, make_record, monkeypatch):
    def no_links(*_paths):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(atomic.os, "link", no_links)
    repetitions = [store.save(root, make_record()).record.repetition for _ in range(2)]
    assert repetitions == [1, 2]


def test_a_folder_that_is_not_there_holds_nothing(root):
    assert store.load(root) == store.Results(records=[], broken=[])


def test_downloaded_artifacts_read_like_a_folder_written_here(tmp_path, make_record):
    # An artifact is stripped of the folders that all of its files share.
    store.save(tmp_path / "artifact-jax", make_record(backend="jax"))
    store.save(tmp_path / "deeper" / "artifact-tf" / "ci", make_record(backend="tensorflow"))
    saved = store.save(tmp_path / "other", make_record(backend="torch"))
    (tmp_path / "artifact-torch").mkdir()
    saved.path.rename(tmp_path / "artifact-torch" / saved.path.name)
    found = {record.cell.backend for record in store.load(tmp_path).records}
    assert found == {"jax", "tensorflow", "torch"}


def test_copies_of_a_record_count_once(tmp_path, make_record):
    for name in ("a", "b"):
        store.save(tmp_path / name, make_record())
    assert len(store.load(tmp_path).records) == 1


def test_benchmarks_are_told_apart_from_records_and_other_json_is_left_alone(root, make_record):
    store.save(root, make_record())
    benchmark = root / "benchmarks" / "jax-cpu.json"
    benchmark.parent.mkdir()
    benchmark.write_text("{}")
    (root / "report.json").write_text("{}")
    results = store.load(root)
    assert len(results.records) == 1
    assert results.benchmarks == [benchmark]
    assert results.broken == []


def change(content, **fields):
    return msgspec.json.encode(msgspec.json.decode(content) | fields)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda content: content[: len(content) // 2], "cut off in the middle"),
        (lambda _: b"", "empty"),
        (lambda _: b"<html>", "no JSON"),
        (lambda _: b"\xff\xfe", "no JSON"),
        (lambda _: b"[]", "no record"),
        (lambda _: b"{}", "no record: Object missing required field `schema`"),
        (lambda content: change(content, schema=2), "written in schema 2; this harness reads 1"),
        (lambda content: change(content, status="fine"), "no record: Invalid enum value 'fine'"),
    ],
)
def test_a_broken_file_is_named_with_its_reason_and_hides_no_other(
    root, make_record, spoil, reason
):
    good = store.save(root, make_record(seed=1))
    bad = store.save(root, make_record(seed=2))
    bad.path.write_bytes(spoil(bad.path.read_bytes()))
    results = store.load(root)
    assert results.records == [good.record]
    (broken,) = results.broken
    assert broken.path == str(bad.path)
    assert broken.reason.startswith(reason)


def test_fields_that_a_newer_harness_added_do_no_harm(root, make_record):
    saved = store.save(root, make_record())
    saved.path.write_bytes(change(saved.path.read_bytes(), weather="sunny"))
    assert store.load(root).records == [saved.record]


def test_a_quarantined_file_stays_in_its_folder_and_is_read_no_more(root, make_record):
    saved = store.save(root, make_record())
    asides = []
    for text in ("{", "["):
        saved.path.write_text(text)
        asides.append(store.quarantine(saved.path))
    assert [aside.read_text() for aside in asides] == ["{", "["]
    assert {aside.parent for aside in asides} == {saved.path.parent}
    assert store.load(root) == store.Results(records=[], broken=[])


def test_a_record_is_small(root, make_record):
    saved = store.save(root, make_record(timed_epochs=40))
    assert saved.path.stat().st_size < store.RECORD_BYTES


def test_a_record_reads_line_by_line(root, make_record):
    text = store.save(root, make_record()).path.read_text(encoding="utf-8")
    assert '\n "status": "ok",\n' in text
    assert text.endswith("}\n")
    assert msgspec.json.decode(text, type=Record) == make_record()


@pytest.mark.skipif(os.name != "posix", reason="only POSIX syncs folders")
def test_the_folder_is_synced_after_the_file(root, make_record, monkeypatch):
    synced = []
    real_fsync = os.fsync

    def spy(number):
        synced.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "file")
        real_fsync(number)

    monkeypatch.setattr(atomic.os, "fsync", spy)
    store.save(root, make_record())
    assert synced == ["file", "folder"]
