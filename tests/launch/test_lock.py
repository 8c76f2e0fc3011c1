"""One campaign at a time on a machine. The other campaigns here are real processes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import pytest

from harness.errors import ExitCode, UnavailableError
from harness.launch import lock

HOLD = """
import sys
from pathlib import Path
from harness.launch.lock import only_campaign
with only_campaign(wait=True, say=print, folder=Path(sys.argv[1]), poll_s=0.01):
    print("measuring", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "lock"


@contextlib.contextmanager
def another(folder):
    """A campaign in another process; it ends when a line is written to it."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_second_campaign_that_shall_not_wait_is_told_who_measures(folder):
    with another(folder) as process:
        assert process.stdout.readline() == "measuring\n"
        with (
            pytest.raises(UnavailableError, match=f"pid {process.pid}, since .*: -c ") as refused,
            lock.only_campaign(wait=False, say=print, folder=folder),
        ):
            pass
    assert refused.value.exit_code == ExitCode.UNAVAILABLE


def test_a_second_campaign_waits_until_the_first_has_ended(folder):
    said = []

    def end_the_other(line):
        said.append(line)
        process.communicate("done\n")

    with another(folder) as process:
        process.stdout.readline()
        with lock.only_campaign(wait=True, say=end_the_other, folder=folder, poll_s=0.01):
            assert lock.holder(folder).pid == os.getpid()
    assert said[0].startswith(f"waiting for another campaign on this machine (pid {process.pid}")
    assert len(said) == 1


def test_a_campaign_that_was_killed_holds_nothing(folder):
    with another(folder) as process:
        process.stdout.readline()
        process.kill()
        process.wait()
        assert lock.holder(folder) is None
        with lock.only_campaign(wait=False, say=print, folder=folder):
            pass


def test_who_holds_the_machine_is_told_and_forgotten(folder):
    assert lock.holder(folder) is None
    with another(folder) as process:
        process.stdout.readline()
        assert lock.holder(folder).pid == process.pid
        process.communicate("done\n")
    assert lock.holder(folder) is None


def test_the_lock_is_released_after_a_failure(folder):
    with (
        contextlib.suppress(ZeroDivisionError),
        lock.only_campaign(wait=False, say=print, folder=folder),
    ):
        _ = 1 / 0
    with lock.only_campaign(wait=False, say=print, folder=folder):
        pass


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_every_user_of_the_machine_may_use_the_folder(folder):
    with lock.only_campaign(wait=False, say=print, folder=folder):
        assert folder.stat().st_mode & 0o777 == 0o777
        assert (folder / "campaign.lock").stat().st_mode & 0o666 == 0o666


def test_a_folder_that_cannot_be_used_is_named_with_the_way_out(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(UnavailableError, match="HARNESS_LOCK_FOLDER"),
        lock.only_campaign(wait=False, say=print, folder=tmp_path / "file" / "lock"),
    ):
        pass


def test_the_folder_is_the_same_for_all_unless_it_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv(lock.FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert not lock.lock_folder().is_relative_to(tmp_path)
    monkeypatch.setenv(lock.FOLDER_VARIABLE, str(tmp_path))
    assert lock.lock_folder() == tmp_path


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """The place of the folder that all users of a machine have in common."""
    path = tmp_path / "shared"
    monkeypatch.setattr(lock, "_shared", lambda: path)
    return path


def private(path):
    path.mkdir(mode=0o700)
    (path / "mine").write_text("a key")
    return path


POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")


@POSIX_ONLY
def test_a_link_in_the_place_of_the_folder_is_refused_and_changes_nothing(shared, tmp_path):
    elsewhere = private(tmp_path / "private")
    shared.symlink_to(elsewhere)
    with pytest.raises(UnavailableError), lock.only_campaign(wait=False, say=print, folder=shared):
        pass
    assert elsewhere.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in elsewhere.iterdir()] == ["mine"]


@POSIX_ONLY
def test_a_folder_that_was_there_keeps_its_rights(folder):
    private(folder)
    with lock.only_campaign(wait=False, say=print, folder=folder):
        pass
    assert folder.stat().st_mode & 0o777 == 0o700


@POSIX_ONLY
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_folder_that_is_made_is_open_to_all(folder, umask):
    before = os.umask(umask)
    try:
        with lock.only_campaign(wait=False, say=print, folder=folder):
            pass
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o777


@POSIX_ONLY
def test_a_link_in_the_place_of_the_lock_is_refused_and_empties_nothing(folder, tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("a key")
    folder.mkdir()
    (folder / "campaign.lock").symlink_to(kept)
    with pytest.raises(UnavailableError), lock.only_campaign(wait=False, say=print, folder=folder):
        pass
    assert kept.read_text() == "a key"


@POSIX_ONLY
@pytest.mark.parametrize("what", ["file", "pipe", "dangling"])
def test_what_is_no_folder_is_refused(shared, what):
    make = {"file": shared.touch, "pipe": lambda: os.mkfifo(shared)}
    make.get(what, lambda: shared.symlink_to("nowhere"))()
    with pytest.raises(UnavailableError), lock.only_campaign(wait=False, say=print, folder=shared):
        pass
