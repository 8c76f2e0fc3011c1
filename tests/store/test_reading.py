"""What stands where a record should be may be anything: it is named, and stops nothing."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import msgspec
import pytest

from harness import regular_files
from harness.records import decoding
from harness.store import folder as store
from harness.store import merge, reading
from harness.store.reading import Broken


@pytest.fixture
def folder(tmp_path, make_record):
    """A results folder with one good record, and the place of a second one."""
    root = tmp_path / "results"
    store.save(root, make_record())
    return root, store.record_path(root, make_record().cell, 1, 2)


def _good(make_record):
    return msgspec.json.encode(make_record(repetition=2))


CONTENTS = {
    "invalid UTF-8 in a text": lambda good: good.replace(b"ranking", b"rank\xffng", 1),
    "invalid UTF-8 in a status": lambda good: good.replace(b'"ok"', b'"o\xff"', 1),
    "invalid UTF-8 in a key of a table": lambda good: good.replace(b"batch_size", b"batch\xffsize"),
    "half a surrogate": lambda good: good.replace(b"ranking", b"rank\\ud800ng", 1),
    "nested brackets": lambda _: b"[" * 200_000,
    "nested brackets in an unknown field": lambda good: (
        good[:-1] + b',"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    ),
    "nested objects in an unknown field": lambda good: (
        good[:-1] + b',"x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}"
    ),
    "UTF-16": lambda good: good.decode().encode("utf-16"),
    "zeros": lambda _: bytes(4096),
    "nothing": lambda _: b"",
    "blanks": lambda _: b" \n",
    "the first half": lambda good: good[: len(good) // 2],
    "a number that no computer has": lambda good: good.replace(b'"seed":1', b'"seed":1e999'),
    "an endless whole number": lambda good: good.replace(b'"seed":1', b'"seed":' + b"9" * 5000),
}


@pytest.mark.parametrize("content", CONTENTS)
def test_a_file_that_is_no_record_is_named_and_stops_nothing(folder, make_record, content):
    root, path = folder
    path.write_bytes(CONTENTS[content](_good(make_record)))
    results = store.load(root)
    assert [one.path for one in results.broken] == [str(path)]
    assert len(results.records) == 1


def _pipe(path):
    os.mkfifo(path)


def _endless(path):
    path.symlink_to("/dev/zero")


def _terminal(path):
    path.symlink_to("/dev/tty")


def _socket(path):
    listening = socket.socket(socket.AF_UNIX)
    os.chdir(path.parent)  # the name of a socket has at most 108 bytes
    listening.bind(path.name)
    listening.close()


def _folder(path):
    path.mkdir()
    (path / "inside").touch()


def _loop(path):
    path.symlink_to(path)


def _dangling(path):
    path.symlink_to("nowhere")


def _large(path):
    with path.open("wb") as file:
        file.truncate(200_000_000)  # a hole: it takes no room


NO_FILES = [_pipe, _endless, _terminal, _socket, _loop, _dangling, _large]


@pytest.mark.parametrize("make", NO_FILES)
def test_what_is_no_regular_file_is_named_and_stops_nothing(folder, make):
    root, path = folder
    make(path)
    results = store.load(root)
    assert [one.path for one in results.broken] == [str(path)]
    assert len(results.records) == 1


@pytest.mark.parametrize("make", [*NO_FILES, _folder])
@pytest.mark.parametrize("where", ["benchmarks/x.json", "parity/ranking/seed-1-1/jax-cpu.npz"])
def test_a_merge_copies_regular_files_alone_and_names_the_others(folder, tmp_path, make, where):
    root, _ = folder
    path = root / where
    path.parent.mkdir(parents=True)
    make(path)
    merged = merge.merge([root], tmp_path / "all")
    assert merged.added == 1
    arrays = make is _large and path.suffix == ".npz"  # which are as large as their model
    if make is not _folder and not arrays:
        assert [one.path for one in merged.broken] == [str(path)]
    assert not [there for there in (tmp_path / "all").rglob("*") if there.is_symlink()]


@pytest.mark.parametrize("name", ["jax-cpu.npz", "jax-cpu.json", "notes.txt"])
def test_a_merge_takes_nothing_from_outside_the_folder(folder, tmp_path, name):
    root, _ = folder
    (tmp_path / "private").write_text("a key")
    path = root / "parity" / "ranking" / "seed-1-1" / name
    path.parent.mkdir(parents=True)
    (path.parent / "torch-cpu.npz").write_bytes(b"arrays")
    path.symlink_to(tmp_path / "private")
    merged = merge.merge([root], tmp_path / "all")
    assert [one.path for one in merged.broken] == [str(path)]
    copied = [there for there in (tmp_path / "all" / "parity").rglob("*") if there.is_file()]
    assert [there.name for there in copied] == ["torch-cpu.npz"]


def test_a_file_without_a_size_of_its_own_ends_at_the_limit():
    with pytest.raises(regular_files.NotAFileError, match="too large"):
        regular_files.content(Path("/proc/self/environ"), limit_bytes=3)


def test_the_reason_says_what_is_the_matter(tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(b"[" * 200_000 + b"]" * 200_000)
    found = reading.read(path, list, "list", schema=None)
    assert isinstance(found, Broken)
    assert found.reason == "no JSON that a person wrote: too deeply nested"
    _pipe(tmp_path / "pipe")
    found = reading.read(tmp_path / "pipe", list, "list", schema=None)
    assert isinstance(found, Broken)
    assert found.reason == "cannot be read: no regular file"


def test_the_limit_is_far_beyond_what_the_harness_writes():
    assert decoding.LARGEST_BYTES > 100 * 152_000
