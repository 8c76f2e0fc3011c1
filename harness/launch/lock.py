"""One campaign at a time on a machine: two at once would measure each other."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import filelock
import msgspec

from harness import regular_files, temporary
from harness.errors import UnavailableError
from harness.launch import orphans
from harness.records.cell import Struct
from harness.records.decoding import UndecodableError, decode
from harness.words import plain

FOLDER_VARIABLE = "HARNESS_LOCK_FOLDER"
"""Names the lock's folder, where containers or users share processors but not ``/tmp``."""

POLL_S = 2.0
"""How often a waiting campaign looks: the one that measures uses the same cores."""

_COMMAND_CHARACTERS = 200


class Holder(Struct, frozen=True, kw_only=True):
    """Who measures on this machine: its process, its command line, and since when."""

    pid: int
    command: str
    since: str

    def __str__(self) -> str:
        return plain(f"pid {self.pid}, since {self.since}: {self.command}")


@contextlib.contextmanager
def only_campaign(
    *,
    wait: bool,
    say: Callable[[str], None],
    folder: Path | None = None,
    poll_s: float = POLL_S,
) -> Iterator[None]:
    """Inside, no other campaign measures on this machine, whichever user started it.

    Args:
        wait: whether to wait for another one to end.
        say: is told once, before waiting, who holds the machine.
        folder: the lock's folder; see :func:`lock_folder`.
        poll_s: seconds between two looks.

    Raises:
        UnavailableError: if another one measures and ``wait`` is false, or the lock cannot be used.
    """
    folder = folder or lock_folder()
    lock = _lock(folder)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        other = _read_holder(folder)
        named = f"({other})" if other else "(it did not leave its name)"
        if not wait:
            raise UnavailableError(
                f"another campaign measures on this machine {named}. Two at once would measure "
                "each other: wait for its end, or leave out --no-wait to have that done for you"
            ) from None
        say(f"waiting for another campaign on this machine {named}; --no-wait ends instead")
        lock.acquire(poll_interval=poll_s)
    except OSError as error:
        raise _unusable(folder, error) from None
    try:
        # Whoever released it has tidied up: only one that was killed leaves its name.
        untidy = folder not in _tidied or os.path.lexists(_holder_path(folder))
        if untidy:
            temporary.sweep(folder)
        _write_holder(folder)
        if untidy:
            orphans.sweep()
            _tidied.add(folder)
        yield
    finally:
        _holder_path(folder).unlink(missing_ok=True)
        lock.release()


_tidied: set[Path] = set()
"""Folders of locks that this process has held before."""


def holder(folder: Path | None = None) -> Holder | None:
    """Who measures on this machine now, ``None`` if nobody does or that cannot be told."""
    folder = folder or lock_folder()
    if not folder.is_dir():
        return None
    try:
        lock = _lock(folder)
        lock.acquire(blocking=False)
    except filelock.Timeout:
        unnamed = Holder(pid=0, command="a campaign that did not leave its name", since="unknown")
        return _read_holder(folder) or unnamed
    except (OSError, UnavailableError):
        return None
    lock.release()
    return None


def lock_folder() -> Path:
    """Where the lock is: the same folder for every user, shell and tox environment."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    return _shared()


def _shared() -> Path:
    # Not the temporary folder of this process: tox, macOS and batch systems give each user or job
    # one of its own.
    shared = Path("/tmp")  # noqa: S108 - a lock is no secret, and nothing is read from there blindly
    base = shared if os.name == "posix" and shared.is_dir() else Path(tempfile.gettempdir())
    return base / "keras-backend-harness"


def _lock(folder: Path) -> filelock.BaseFileLock:
    path = folder / "campaign.lock"
    try:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            # What is there already may be anybody's, or lead anywhere: it is left as it is.
            if not (folder.is_dir() and (folder != _shared() or not folder.is_symlink())):
                raise
        else:
            # A folder of its own, without the sticky bit: in /tmp itself Linux refuses to open
            # another user's file for writing (sysctl fs.protected_regular).
            _open_for_all(folder)
        _refuse_link(path)
    except OSError as error:
        raise _unusable(folder, error) from None
    return filelock.FileLock(path, mode=0o666, thread_local=False)


def _refuse_link(path: Path) -> None:
    if path.is_symlink():  # whoever tries a lock empties its file
        raise OSError(errno.ELOOP, f"{path.name} in it is a link")


def _open_for_all(folder: Path) -> None:
    """Let every user of the machine use a folder that was just made, and nothing in its place."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            os.fchmod(descriptor, 0o777)
    finally:
        os.close(descriptor)


def _unusable(folder: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        f"the lock that keeps campaigns apart cannot be used in {folder}: "
        f"{error.strerror or error}. Make the folder writable for all, or name another one in "
        f"{FOLDER_VARIABLE}"
    )


def _holder_path(folder: Path) -> Path:
    return folder / "holder.json"


def _write_holder(folder: Path) -> None:
    """Beside the lock and not in it: whoever tries the lock empties its file."""
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:_COMMAND_CHARACTERS]
    since = datetime.now(UTC).isoformat(timespec="seconds")
    content = msgspec.json.encode(Holder(pid=os.getpid(), command=command, since=since))
    with contextlib.suppress(OSError):  # without a name the lock holds all the same
        partial = temporary.beside(_holder_path(folder))
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
            file.write(content)
        partial.chmod(0o644)
        partial.replace(_holder_path(folder))


def _read_holder(folder: Path) -> Holder | None:
    try:
        return decode(regular_files.content(_holder_path(folder), 64 * 1024), Holder, "holder")
    except (OSError, UndecodableError):
        return None
