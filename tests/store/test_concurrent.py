"""Several writers of one folder lose nothing, on whatever file system."""

from __future__ import annotations

import errno
import itertools
import multiprocessing
import os
import threading
from pathlib import Path

import msgspec
import pytest

from harness.store import atomic
from harness.store import folder as store
from tests.launch.fakes import make_plan

WRITERS, EACH = 6, 20


def _add(root, cell, writer, start):
    start.wait()
    for number in range(EACH):
        store.add_plan(root, make_plan([cell], run_id=f"{writer}-{number}"))


def _save(root, records, start):
    start.wait()
    for record in records:
        store.save_below(root, record)


def _together(kind, target, calls):
    """Run ``target`` as often as there are ``calls``, in processes or threads at once."""
    context = multiprocessing.get_context("fork") if kind == "processes" else threading
    start = context.Barrier(len(calls))
    make = context.Process if kind == "processes" else threading.Thread
    workers = [make(target=target, args=(*call, start)) for call in calls]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def no_folder_locks(monkeypatch):
    monkeypatch.setattr(atomic, "fcntl", None)


def no_links(monkeypatch):
    def link(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
@pytest.mark.parametrize("kind", ["processes", "threads"])
@pytest.mark.parametrize("system", [lambda _: None, no_folder_locks])
def test_every_plan_of_six_writers_is_kept(tmp_path, make_cell, monkeypatch, kind, system):
    system(monkeypatch)
    calls = [(tmp_path / "results", make_cell(), writer) for writer in range(WRITERS)]
    _together(kind, _add, calls)
    plans = store.load(tmp_path / "results").plans
    assert {plan.run_id for plan in plans} == {
        f"{w}-{n}" for w in range(WRITERS) for n in range(EACH)
    }


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
@pytest.mark.parametrize("kind", ["processes", "threads"])
@pytest.mark.parametrize("system", [lambda _: None, no_links])
def test_every_record_of_six_writers_of_one_repetition_is_kept(
    tmp_path, make_record, monkeypatch, kind, system
):
    system(monkeypatch)
    values = [[0.1 + writer + n / 100 for n in range(EACH)] for writer in range(WRITERS)]
    calls = [(tmp_path / "r", [make_record(value=value) for value in mine]) for mine in values]
    _together(kind, _save, calls)
    results = store.load(tmp_path / "r")
    assert results.broken == []
    assert sorted(record.quality.value for record in results.records) == sorted(
        itertools.chain(*values)
    )
    assert [path for path in (tmp_path / "r").rglob(".*") if path.suffix == ".partial"] == []


CANNOT_SYNC = ["EINVAL", "ENOTSUP", "EBADF"]
LOSES = ["EIO", "ENOSPC", "EDQUOT", "EROFS"]


@pytest.fixture
def fsync_fails(monkeypatch):
    """Makes every sync, or that of folders alone, fail in one way."""

    def make(name, *, files=False):
        sync = os.fsync

        def fsync(descriptor):
            if files or Path(f"/proc/self/fd/{descriptor}").is_dir():
                raise OSError(getattr(errno, name), os.strerror(getattr(errno, name)))
            sync(descriptor)

        monkeypatch.setattr(os, "fsync", fsync)

    return make


@pytest.mark.parametrize("files", [False, True])
@pytest.mark.parametrize("name", CANNOT_SYNC)
def test_a_file_system_that_cannot_sync_keeps_records_all_the_same(
    tmp_path, make_record, fsync_fails, name, files
):
    fsync_fails(name, files=files)
    saved = store.save(tmp_path, make_record())
    assert saved.trouble is None
    store.add_plan(tmp_path, make_plan([saved.record.cell]))
    assert len(store.load(tmp_path).records) == len(store.load(tmp_path).plans) == 1


@pytest.mark.parametrize("files", [False, True])
@pytest.mark.parametrize("name", LOSES)
def test_a_disk_that_loses_what_is_written_is_told(tmp_path, make_record, fsync_fails, name, files):
    fsync_fails(name, files=files)
    with pytest.raises(OSError, match=os.strerror(getattr(errno, name))):
        store.save_below(tmp_path, make_record())


def test_a_folder_that_may_be_written_and_not_read_keeps_records(
    tmp_path, make_record, monkeypatch
):
    open_ = os.open

    def refuse(path, flags, *more, **how):
        if Path(path).is_dir():
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return open_(path, flags, *more, **how)

    monkeypatch.setattr(os, "open", refuse)
    saved = store.save(tmp_path, make_record())
    assert saved.trouble is None
    assert msgspec.json.decode(saved.path.read_bytes())["status"] == "ok"
