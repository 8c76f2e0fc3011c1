"""What `harness data` prints, and what it leaves for a script to read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli.data import app
from harness.data import prepare as preparing
from harness.data import verify as verifying
from harness.data.prepare import Attempt, Prepared
from harness.data.sources import SOURCES
from harness.data.verify import Comparison, Verified

PREPARED = Prepared(
    path=Path("cache/ml-100k.npz"),
    source="mirror",
    ratings_sha256="f87f",
    pinned=True,
    attempts=(Attempt("archive", "no network"),),
    made=True,
)
VERIFIED = Verified(
    path=Path("cache/ml-100k.npz"),
    source="mirror",
    ratings_sha256="f87f",
    pinned=True,
    ratings=100_000,
    movies=1_682,
    users=943,
    titles_sha256="3e48",
    titles_differ=(1128, 1201, 1635),
)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """Nothing is prepared or verified; what was asked for is noted."""
    noted: list[tuple[Any, Any]] = []

    def fake(outcome: Any) -> Any:
        def call(source: str | None, *, dataset: str, cache_dir: Path | None, report: Any) -> Any:
            noted.append((source, dataset, cache_dir))
            report("mirror: fetching")
            return outcome

        return call

    monkeypatch.setattr(preparing, "prepare", fake(PREPARED))
    monkeypatch.setattr(verifying, "verify", fake(VERIFIED))
    return noted


def run(*arguments: str) -> Any:
    result = CliRunner().invoke(app, arguments)
    assert result.exception is None, result.exception
    return result


def test_prepare_tells_the_table_and_its_source(calls: list[Any]) -> None:
    result = run("prepare")
    assert result.stdout.splitlines() == [
        f"table    {PREPARED.path}",
        "source   mirror",
        "ratings  sha256 f87f, as pinned",
    ]
    assert calls == [("auto", "100k", None)]


@pytest.mark.usefixtures("calls")
def test_progress_goes_to_standard_error() -> None:
    assert run("prepare").stderr == "mirror: fetching\n"


def test_prepare_takes_a_source_and_a_folder(calls: list[Any]) -> None:
    run("prepare", "--source", "mirror", "--cache-dir", "there")
    assert calls == [("mirror", "100k", Path("there"))]


@pytest.mark.usefixtures("calls")
def test_prepare_prints_json_for_a_script() -> None:
    assert json.loads(run("prepare", "--json").stdout) == {
        "path": str(PREPARED.path),
        "source": "mirror",
        "ratings_sha256": "f87f",
        "pinned": True,
        "made": True,
        "attempts": [{"source": "archive", "problem": "no network"}],
    }


@pytest.mark.usefixtures("calls")
def test_verify_counts_and_names_the_titles_that_differ() -> None:
    assert run("verify").stdout.splitlines() == [
        f"table    {VERIFIED.path}",
        "source   mirror",
        "content  100,000 ratings of 1,682 movies by 943 users",
        "ratings  sha256 f87f, as pinned",
        "titles   3 of 1,682 (movies 1128, 1201, 1635) lack GroupLens' space at their end",
    ]


def test_verify_compares_with_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        verifying,
        "verify",
        lambda *_, **__: Verified(
            **(vars(VERIFIED) | {"comparison": Comparison("tfds", "f87f", (1128,), True, False)})
        ),
    )
    assert run("verify", "--source", "tfds").stdout.splitlines()[-1] == (
        "tfds     the same ratings, 1 of 1,682 (movies 1128) titles differ, "
        "the same genres, other users"
    )


@pytest.mark.usefixtures("calls")
def test_verify_prints_json_for_a_script() -> None:
    printed = json.loads(run("verify", "--json").stdout)
    assert printed["titles_differ"] == [1128, 1201, 1635]
    assert printed["comparison"] is None


def test_sources_lists_all_four_and_where_the_zip_belongs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, problem in (("tfds", "not installed"), ("archive", "no network"), ("mirror", None)):
        monkeypatch.setattr(type(SOURCES[name]), "online", lambda *_, problem=problem: problem)
    out = run("sources", "--cache-dir", str(tmp_path)).stdout
    for name in ("tfds", "archive", "mirror", "synthetic"):
        assert f"\n{name} " in f"\n{out}"
    assert "not usable now: not installed" in out
    assert out.endswith(f"belongs at {tmp_path / 'ml-100k.zip'}\n")
    printed = json.loads(run("sources", "--json").stdout)
    assert [row["problem"] for row in printed["sources"]] == [
        "not installed",
        "no network",
        None,
        None,
    ]


def test_the_command_line_starts_without_numpy_and_pooch() -> None:
    code = "import sys, harness.cli.data; print({'numpy', 'pooch', 'filelock'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
