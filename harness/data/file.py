"""The prepared table on disk: one ``.npz`` file that proves its own content when it is read.

Reading needs only NumPy and takes a few milliseconds, since a trial does it beside the clock.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import regular_files, temporary
from harness.data import datasets
from harness.data import table as tables
from harness.data.table import Movies, Ratings, Table, Users
from harness.errors import UnavailableError

FORMAT = 1
"""Raised when a file written before would be misread; an older file is then made again."""

LARGEST_BYTES = 64 * 1024 * 1024
"""Of all members that are read of one zip; the table takes 3 MB."""

MOST_MEMBERS = 100

_PARTS: dict[str, type[Ratings | Movies | Users]] = {
    "ratings": Ratings,
    "movies": Movies,
    "users": Users,
}


class MissingTableError(UnavailableError):
    """There is no prepared table at the path that was asked for."""


class CorruptTableError(UnavailableError):
    """The file is there, and is not what it should be."""


def load(path: str | os.PathLike[str]) -> Table:
    """Read a prepared table and check all of its content.

    Args:
        path: the ``.npz`` file that ``harness data prepare`` made.

    Raises:
        MissingTableError: if there is no such file.
        CorruptTableError: if the file is truncated or altered, if its ratings are not those of
            its data set (:func:`harness.data.table.pinned`), if its name is that of another data
            set, or if another version of the harness wrote it; the message names the file.
    """
    path = Path(path)
    named = _dataset_of(path)
    again = f"`{datasets.remake(named or datasets.DEFAULT)}` makes it"
    try:
        table = _parse(_arrays(path))
    except FileNotFoundError:
        raise MissingTableError(f"no prepared table at {path}; {again}") from None
    except PermissionError as error:
        raise CorruptTableError(f"{path} cannot be read: {error.strerror}; {again} again") from None
    except Exception as error:  # noqa: BLE001
        # zipfile, zlib and NumPy raise nearly anything on a damaged file (BadZipFile, EOFError,
        # KeyError, NotImplementedError, struct.error ...); all of it means the same to the user.
        raise CorruptTableError(
            f"{path} is truncated or altered ({error}); {again} again"
        ) from None
    if named not in {None, table.dataset}:
        title = datasets.DATASETS[table.dataset].title
        raise CorruptTableError(f"{path} holds {title}; {again} again")
    if (other := tables.other_ratings(table)) is not None:
        raise CorruptTableError(f"{path} does not hold the ratings of {other}; {again} again")
    if (strange := tables.made_up(table)) is not None:
        raise CorruptTableError(f"{path} has {strange}; {again} again")
    return table


def _dataset_of(path: Path) -> str | None:
    """The data set that belongs at ``path``, if the name of the file says so."""
    return next((one.name for one in datasets.DATASETS.values() if one.stem == path.stem), None)


def write(table: Table, path: Path) -> None:
    """Store ``table``, so that a reader finds either the old file or the whole new one.

    Args:
        table: what is stored; its ratings are not checked here, but when they are read.
        path: the file to make or replace. Its folder must be there.
    """
    arrays = {
        f"{part}.{name}": column
        for part in _PARTS
        for name, column in getattr(table, part).columns().items()
    }
    arrays["source"] = np.array(table.source)
    arrays["dataset"] = np.array(table.dataset)
    arrays["format"] = np.array(FORMAT)
    arrays["sha256"] = np.array(_content_sha256(arrays))
    partial = temporary.beside(path)
    try:
        with partial.open("wb") as stream:
            # Not compressed: reading is then four times as fast, for 3 MB instead of 1 MB.
            np.savez(stream, allow_pickle=False, **arrays)
            stream.flush()
            os.fsync(stream.fileno())
        partial.chmod(0o644)  # whatever the umask says: a cache may be shared
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of the file. Each is read whole, its CRC checked, before NumPy looks at it."""
    arrays = {}
    # Twice: a zip has headers, and its content need not be compressed.
    with (
        regular_files.regular(path, 2 * LARGEST_BYTES) as content,
        zipfile.ZipFile(content) as archive,
    ):
        check_size(archive.infolist())
        for member in archive.namelist():
            arrays[member.removesuffix(".npy")] = _array(archive.read(member))
    return arrays


def _array(content: bytes) -> NDArray[Any]:
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0
    if version != (1, 0):
        read_header = np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(stream)
    # NumPy makes room for what a header claims before it looks for the content.
    if math.prod(shape) * max(1, dtype.itemsize) > len(content):
        raise ValueError(f"it claims an array of shape {shape} in {len(content):,} bytes")
    stream.seek(0)
    # allow_pickle=False: a file from a shared cache must not be able to run code.
    return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))


def check_size(members: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse members of a zip that grow beyond what the data set takes, before they are unpacked.

    What a member claims is the most that is read of it.

    Raises:
        ValueError: if it does, or is too long a list of members.
    """
    unpacked_bytes = sum(member.file_size for member in members)
    if unpacked_bytes > LARGEST_BYTES or len(members) > MOST_MEMBERS:
        raise ValueError(
            f"it would unpack to {unpacked_bytes / 1e6:,.0f} MB in {len(members):,} files, of at "
            f"most {LARGEST_BYTES / 1e6:,.0f} MB in {MOST_MEMBERS:,}"
        )


def _parse(arrays: dict[str, NDArray[Any]]) -> Table:
    if int(arrays["format"]) != FORMAT:
        raise ValueError(f"it has format {arrays['format']}, this harness reads {FORMAT}")
    if str(arrays.pop("sha256")) != _content_sha256(arrays):
        raise ValueError("its content does not match the digest stored in it")
    # Files of before there was a second data set do not tell.
    dataset = datasets.dataset(str(arrays.get("dataset", datasets.DEFAULT))).name
    parts: dict[str, Any] = {
        part: columns(
            **{n.partition(".")[2]: a for n, a in arrays.items() if n.startswith(f"{part}.")}
        )
        for part, columns in _PARTS.items()
    }
    return Table(**parts, source=str(arrays["source"]), dataset=dataset)


def _content_sha256(arrays: Mapping[str, NDArray[Any]]) -> str:
    """A digest over all arrays, without ratings that have a pinned hash of their own."""
    digest = hashlib.sha256()
    proven = tables.pinned(str(arrays.get("dataset", datasets.DEFAULT))) is not None
    for name in sorted(arrays):
        if not (proven and name.startswith("ratings.")):
            array = np.ascontiguousarray(arrays[name])
            digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            digest.update(array.tobytes())
    return digest.hexdigest()
