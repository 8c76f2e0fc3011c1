"""A folder that cannot be written: told before the first trial, or the record kept elsewhere."""

from __future__ import annotations

import resource

import pytest

from harness.errors import ExitCode, UnavailableError
from harness.store import folder as store


@pytest.fixture
def root(tmp_path):
    return tmp_path / "results" / "laptop"


def test_a_writable_folder_is_made_and_left_empty(root):
    store.ensure_writable(root, 1000)
    assert list(root.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_refused_before_anything_starts(tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UnavailableError, match="Choose another with --results") as caught:
        store.ensure_writable(file / "results", 1000)
    assert caught.value.exit_code == ExitCode.UNAVAILABLE


def test_a_disk_without_room_is_refused_before_anything_starts(root):
    with pytest.raises(UnavailableError, match=r"has room for .* MB and the records may take"):
        store.ensure_writable(root, 2**62)


def test_a_disk_that_only_claims_to_have_room_is_refused(root):
    # RLIMIT_FSIZE stands for a quota: the free space looks fine, and writing fails.
    with file_size_limit(100), pytest.raises(UnavailableError, match="File too large"):
        store.ensure_writable(root, 1000)
    assert list(root.iterdir()) == []


class file_size_limit:  # noqa: N801 - used as a statement
    """Inside, no file may grow beyond so many bytes."""

    def __init__(self, size_bytes):
        self._size_bytes = size_bytes

    def __enter__(self):
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._size_bytes, self._before[1]))

    def __exit__(self, *exception):
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


@pytest.fixture
def refuges(tmp_path, monkeypatch):
    """Where records go that cannot be stored: a user's folder, and one for temporary files."""
    monkeypatch.setattr(store.platformdirs, "user_state_dir", lambda _: str(tmp_path / "state"))
    monkeypatch.setattr(store.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    return tmp_path / "state", tmp_path / "tmp"


@pytest.fixture
def unwritable(tmp_path):
    file = tmp_path / "file"
    file.touch()
    return file / "laptop"


def test_a_record_that_cannot_be_stored_is_kept_elsewhere_and_named(
    unwritable, refuges, make_record
):
    record = make_record(campaign="laptop")
    saved = store.save(unwritable, record)
    assert saved.path.is_relative_to(refuges[0] / "not-stored" / "laptop")
    assert saved.trouble == f"{unwritable} cannot be written: Not a directory"
    assert store.read_record(saved.path) == record


def test_the_temporary_folder_is_the_last_refuge(unwritable, refuges, make_record):
    refuges[0].touch()  # a file where the folder should be
    assert store.save(unwritable, make_record()).path.is_relative_to(refuges[1])


def test_a_record_that_can_be_kept_nowhere_is_an_error(unwritable, refuges, make_record):
    for refuge in refuges:
        refuge.touch()
    with pytest.raises(OSError, match="cannot be written"):
        store.save(unwritable, make_record())


@pytest.mark.usefixtures("refuges")
def test_a_full_disk_leaves_no_half_record(root, make_record):
    with file_size_limit(100), pytest.raises(OSError, match="File too large"):
        store.save(root, make_record())
    assert not [path for path in root.rglob("*") if path.is_file()]


@pytest.fixture
def nobody(monkeypatch):
    """A user of a container: a number without a name, and without a home."""
    import pwd

    def unknown(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("nobody")
def test_a_user_without_a_home_loses_no_record(tmp_path, monkeypatch, unwritable, make_record):
    monkeypatch.setattr(store, "_temporary", lambda: tmp_path / "tmp")
    saved = store.save(unwritable, make_record())
    assert saved.path.is_relative_to(tmp_path / "tmp")
    assert saved.trouble is not None


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize("find", ["cache", "environment", "search path"])
def test_a_user_without_a_home_is_told_what_to_name(monkeypatch, find):
    from harness.cli.parse import parse_environments
    from harness.data import cache
    from harness.scenario_files import entries

    finds = {
        "cache": cache.find,
        "environment": lambda: parse_environments(["jax=~/env"]),
        "search path": lambda: entries({"HARNESS_SCENARIO_PATH": "~/scenarios"}),
    }
    monkeypatch.delenv(cache.CACHE_VARIABLE, raising=False)
    with pytest.raises(UnavailableError, match=r"home folder"):
        finds[find]()


def test_a_campaign_of_any_name_stays_in_the_refuge(unwritable, refuges, make_record):
    saved = store.save(unwritable, make_record(campaign="../../../x\x1b"))
    assert saved.path.is_relative_to(refuges[0] / "not-stored")


def test_a_record_that_was_removed_meanwhile_is_written_once_more(root, make_record):
    saved = store.save(root, make_record())
    assert store.still_there(root, saved) == saved
    saved.path.unlink()
    again = store.still_there(root, saved)
    assert store.read_record(again.path) == saved.record
    assert "was removed meanwhile" in again.trouble
