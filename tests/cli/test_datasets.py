"""Which ratings a scenario reads is prepared, and no others are trained on."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from harness.cli import asking
from harness.cli.folder import local_titles
from harness.data import cache, file, prepare, synthetic
from harness.data import table as tables
from harness.errors import HarnessError
from harness.scenario import find, parse_settings
from harness.trial import checks


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Made-up tables of both data sets in the cache; that of 100K passes for the real one."""
    made = synthetic.generate(users=30, movies=30, ratings=400, seed=1)
    monkeypatch.setattr(tables, "RATINGS_SHA256", made.ratings_sha256)
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path))
    larger = synthetic.generate(users=40, movies=40, ratings=900, seed=2)
    file.write(made, tmp_path / "ml-100k.npz")
    file.write(dataclasses.replace(larger, dataset="1m"), tmp_path / "ml-1m.npz")
    return tmp_path


def settings(*datasets):
    return [parse_settings(find("sas_rec"), {"dataset": name}) for name in datasets]


@pytest.mark.parametrize("name", ["100k", "1m"])
def test_the_data_set_that_is_read_is_prepared(monkeypatch, name):
    asked = []

    def prepared(source, *, dataset, report):  # noqa: ARG001 - named as the real one
        asked.append((source, dataset))
        return SimpleNamespace(path="there", source="archive")

    monkeypatch.setattr(prepare, "prepare", prepared)
    request = SimpleNamespace(source="auto")
    assert asking.table(request, find("sas_rec"), settings(name, name), print) == "there"
    assert asked == [("auto", name)]


def test_points_that_read_different_ones_are_refused():
    with pytest.raises(HarnessError, match=r"several data sets \(100k, 1m\)") as refused:
        asking.table(SimpleNamespace(), find("sas_rec"), settings("1m", "100k"), print)
    assert refused.value.exit_code == 2


def test_a_trial_trains_on_no_other_than_it_was_asked(small):
    chosen, (usual, larger) = find("sas_rec"), settings("100k", "1m")
    assert checks.table_of(chosen, larger, str(small / "ml-1m.npz")).dataset == "1m"
    with pytest.raises(HarnessError, match=r"sas_rec reads data set 100k, but .* is 1m"):
        checks.table_of(chosen, usual, str(small / "ml-1m.npz"))


def test_its_histories_are_those_of_the_table_it_reads(small):
    chosen, (usual, larger) = find("sas_rec"), settings("100k", "1m")
    sizes = [
        chosen.data(one, file.load(small / f"ml-{one.dataset}.npz")).sizes["movies"]
        for one in (usual, larger)
    ]
    assert sizes == [31, 41]


@pytest.mark.usefixtures("small")
def test_titles_are_known_by_the_ratings_that_they_belong_to(small):
    found = local_titles()
    for path in small.glob("*.npz"):
        table = file.load(path)
        assert len(found[table.ratings_sha256]) == len(table.movies)
    (small / "ml-1m.npz").write_bytes(b"broken")
    assert len(local_titles()) == 1
