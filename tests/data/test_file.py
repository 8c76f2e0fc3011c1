"""The prepared table on disk: what is written is read again, and anything else is refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data import CorruptTableError, MissingTableError, Table, file, load
from harness.data import table as tables
from harness.errors import ExitCode


@pytest.fixture(scope="module")
def stored(tiny: Table, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The tiny table in a file, where it passes for the real one."""
    path = tmp_path_factory.mktemp("stored") / "table.npz"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "RATINGS_SHA256", tiny.ratings_sha256)
        file.write(tiny, path)
        yield path


def same(one: Table, other: Table) -> bool:
    return one.source == other.source and all(
        np.array_equal(mine, getattr(getattr(other, part), name))
        for part in ("ratings", "movies", "users")
        for name, mine in getattr(one, part).columns().items()
    )


def test_what_was_written_is_read(stored: Path, tiny: Table) -> None:
    assert same(load(stored), tiny)


def test_writing_twice_gives_the_same_bytes(stored: Path, tiny: Table, tmp_path: Path) -> None:
    file.write(tiny, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == stored.read_bytes()


def test_a_missing_table_tells_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(MissingTableError, match="`harness data prepare` makes it") as caught:
        load(tmp_path / "none.npz")
    assert caught.value.exit_code == ExitCode.UNAVAILABLE


@given(data=st.data())
@settings(max_examples=150)
def test_an_altered_byte_is_refused_or_harmless(data: st.DataObject, stored: Path) -> None:
    whole = stored.read_bytes()
    position = data.draw(st.integers(0, len(whole) - 1))
    changed = data.draw(st.integers(0, 255))
    altered = stored.with_name("altered.npz")
    altered.write_bytes(whole[:position] + bytes([changed]) + whole[position + 1 :])
    try:
        found = load(altered)
    except CorruptTableError:
        return
    # Harmless is, say, another date of a member in the zip's directory.
    assert same(found, load(stored))


@given(data=st.data())
@settings(max_examples=50)
def test_a_truncated_table_is_refused(data: st.DataObject, stored: Path) -> None:
    whole = stored.read_bytes()
    cut = stored.with_name("cut.npz")
    cut.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(CorruptTableError, match=f"{cut} is truncated or altered"):
        load(cut)


def test_other_ratings_are_refused_even_if_the_file_is_sound(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "RATINGS_SHA256", "0" * 64)
    with pytest.raises(CorruptTableError, match="does not hold the ratings of MovieLens-100K"):
        load(stored)


def test_a_table_of_another_format_is_refused(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "FORMAT", 2)
    with pytest.raises(CorruptTableError, match="it has format 1, this harness reads 2"):
        load(stored)


def test_columns_cannot_be_written_to(tiny: Table) -> None:
    with pytest.raises(ValueError, match="read-only"):
        tiny.ratings.rating[0] = 1


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        tables.Ratings(np.arange(3), np.arange(3), np.arange(3), np.arange(2))


def test_a_number_too_large_for_its_column_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Ratings.user_id cannot hold int64"):
        tables.Ratings(np.array([1 << 40]), np.arange(1), np.arange(1), np.arange(1))


def test_what_a_trial_imports_needs_only_numpy() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "import harness.data\n"
        "harness.data.tutorial_split()\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(new - sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["harness", "numpy"]
