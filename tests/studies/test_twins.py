"""A/A campaigns gave no false verdict; every figure of their page comes from the tables."""

from __future__ import annotations

import pytest

pytest.importorskip("polars", reason="polars comes with the extra report")

from studies.twins import twins


def test_the_page_is_what_the_tables_say():
    published = (twins.HERE / "README.md").read_text(encoding="utf-8")
    assert published.splitlines() == list(twins.page())


def test_a_packed_folder_comes_back_unchanged(tmp_path):
    twins.unpack(twins.HERE / "quiet.parquet", tmp_path / "first")
    twins.pack(tmp_path / "first", tmp_path / "table.parquet")
    twins.unpack(tmp_path / "table.parquet", tmp_path / "again")
    first, again = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (tmp_path / "first", tmp_path / "again")
    )
    assert len(first) == 264
    assert first == again
