"""The data of the KerasRS tutorials: which examples are where, and what they are made from."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from harness import data as rating_data
from harness.backends import BACKENDS
from harness.data.table import Movies, Ratings, Table, Users
from harness.launch.preflight import without_native_code
from harness.records.cell import Cell
from harness.scenario import InvalidSettingError, find, names, parse_settings
from harness.scenario_files import ScenarioFileError
from tests.launch.conftest import SCENARIO

FAMILY = ("dcn", "listwise", "multi_task", "retrieval", "sas_rec", "two_stage")
USERS, MOVIES = 943, 1_682


@pytest.fixture(scope="module")
def table():
    """A made-up table of the size of MovieLens-100K, which the frozen split fits.

    As there, nobody rated a movie twice, and some rated few.
    """
    draws = np.random.default_rng(1)
    eager = np.repeat(draws.pareto(1.2, size=USERS) + 0.05, MOVIES)
    pairs = draws.choice(USERS * MOVIES, 100_000, replace=False, p=eager / eager.sum())
    ratings = Ratings(
        user_id=pairs // MOVIES + 1,
        movie_id=pairs % MOVIES + 1,
        rating=draws.integers(1, 6, size=len(pairs)),
        timestamp=draws.integers(10**9, 10**9 + 10**6, size=len(pairs)),
    )
    users = Users(
        user_id=np.arange(1, USERS + 1),
        age=np.arange(USERS) % 70 + 7,
        gender=np.array(["F", "M"])[np.arange(USERS) % 2],
        occupation=np.array(["artist", "doctor", "none"])[np.arange(USERS) % 3],
        zip_code=np.array([f"{n % 200:05}" for n in range(USERS)]),
    )
    movies = Movies(
        movie_id=np.arange(1, MOVIES + 1),
        title=np.array([f"Made Up {n} (1970)" for n in range(MOVIES)]),
        year=np.full(MOVIES, 1970),
        genres=np.array(["Drama"] * MOVIES),
    )
    return Table(ratings=ratings, movies=movies, users=users, source="synthetic")


def cut(name, table, **settings):
    chosen = find(name)
    texts = {key: str(value) for key, value in settings.items()}
    return chosen.data(parse_settings(chosen, texts), table)


def test_all_of_them_are_there():
    assert set(FAMILY) <= set(names())


@pytest.mark.parametrize("name", FAMILY)
def test_equal_settings_give_equal_data(name, table):
    one, other = cut(name, table), cut(name, table)
    assert one.split_sha256 == other.split_sha256
    for path, values in one.train.arrays().items():
        assert np.array_equal(values, other.train.arrays()[path])


@pytest.mark.parametrize("name", ["multi_task", "retrieval"])
def test_they_train_on_what_the_ranking_tutorial_trains_on(name, table):
    assert cut(name, table).split_sha256 == rating_data.TUTORIAL_SPLIT_SHA256


class TestListwise:
    def test_a_list_is_of_one_user_and_names_no_movie_twice(self, table):
        data = cut("listwise", table)
        movies = data.train.inputs["movie_id"]
        assert movies.shape[1] == 5
        assert all(len(set(row)) == 5 for row in movies[:2_000].tolist())
        rated = set(
            zip(table.ratings.user_id.tolist(), table.ratings.movie_id.tolist(), strict=True)
        )
        users = data.train.inputs["user_id"].tolist()
        for user, row in list(zip(users, movies.tolist(), strict=True))[:500]:
            assert all((user, movie) in rated for movie in row)

    def test_every_user_with_five_ratings_has_fifty_lists_and_one_for_the_test(self, table):
        data = cut("listwise", table)
        rows = np.concatenate(rating_data.tutorial_split())
        for split, part, each in ((data.train, rows[:70_000], 50), (data.test, rows[85_000:], 1)):
            users, counts = np.unique(table.ratings.user_id[part], return_counts=True)
            expected = {int(u): each for u, c in zip(users, counts, strict=True) if c >= 5}
            found, times = np.unique(split.inputs["user_id"], return_counts=True)
            assert dict(zip(found.tolist(), times.tolist(), strict=True)) == expected

    def test_labels_are_the_ratings_of_the_listed_movies(self, table):
        data = cut("listwise", table, list_length=3, lists_per_user=2)
        ratings = table.ratings
        rows = zip(
            ratings.user_id.tolist(),
            ratings.movie_id.tolist(),
            ratings.rating.tolist(),
            strict=True,
        )
        by_pair = {(user, movie): (stars - 1) / 4 for user, movie, stars in rows}
        inputs = data.train.inputs
        for user, movies, labels in zip(
            inputs["user_id"].tolist(),
            inputs["movie_id"].tolist(),
            data.train.labels.tolist(),
            strict=True,
        ):
            assert [by_pair[user, movie] for movie in movies] == labels

    def test_another_seed_draws_other_lists(self, table):
        assert (
            cut("listwise", table).split_sha256 != cut("listwise", table, data_seed=1).split_sha256
        )


class TestDcn:
    def test_features_are_numbers_from_one_to_the_size_of_their_table(self, table):
        data = cut("dcn", table)
        assert list(data.train.inputs) == list(data.sizes)
        for name, column in data.train.inputs.items():
            assert column.dtype == np.int32
            assert column.min() >= 1
            assert column.max() < data.sizes[name]

    def test_ages_are_in_the_groups_of_tensorflow_datasets(self, table):
        """1 (under 18), 18, 25, 35, 45, 50, 56 and over."""
        data = cut("dcn", table)
        train, _ = rating_data.tutorial_split()
        ages = table.users.age[table.ratings.user_id[train] - 1]
        bounds = [0, 18, 25, 35, 45, 50, 56, 1_000]
        for group in range(7):
            inside = (ages >= bounds[group]) & (ages < bounds[group + 1])
            assert set(data.train.inputs["bucketized_user_age"][inside].tolist()) == {group + 1}

    def test_the_split_of_the_tutorial_tests_on_what_it_trained_on(self, table):
        def pairs(split):
            inputs = split.inputs
            return set(zip(inputs["user_id"].tolist(), inputs["movie_id"].tolist(), strict=True))

        honest, tutorial = cut("dcn", table), cut("dcn", table, split="tutorial")
        assert (honest.train.examples, honest.test.examples) == (80_000, 20_000)
        assert (tutorial.train.examples, tutorial.test.examples) == (80_000, 20_000)
        shared = [
            len(pairs(d.train) & pairs(d.test)) / len(pairs(d.test)) for d in (honest, tutorial)
        ]
        assert shared[0] == 0
        assert 0.75 < shared[1] < 0.85

    def test_a_published_value_is_that_of_exactly_these_settings(self):
        chosen = find("dcn")

        def published(**settings):
            return chosen.published(parse_settings(chosen, settings))

        assert published() is None
        assert published(split="tutorial") == 0.9136
        assert published(split="tutorial", structure="deep") == 0.9174
        assert published(split="tutorial", structure="low_rank", data_seed="7") == 0.9156
        assert published(split="tutorial", epochs="1") is None
        assert published(split="tutorial", embedding_dimension="32") is None


class TestSasRec:
    @staticmethod
    def histories(table):
        """The movies of each user that has a history, by time."""
        found = {}
        for user in range(1, USERS + 1):
            mine = (table.ratings.user_id == user) & (table.ratings.rating >= 2)
            order = np.argsort(table.ratings.timestamp[mine], kind="stable")
            if mine.any():
                found[user] = table.ratings.movie_id[mine][order].tolist()
        return found

    def test_a_history_runs_by_time_and_each_place_asks_for_the_next(self, table):
        data = cut("sas_rec", table, context=200, keep="first")
        inputs, labels = data.train.inputs, data.train.labels
        histories = self.histories(table)
        assert inputs["item_ids"].shape == (len(histories), 200)
        for row, history in enumerate(histories.values()):
            shown = history[:-1][:201]
            asked = max(len(shown) - 1, 0)
            assert inputs["item_ids"][row, :asked].tolist() == shown[:-1]
            assert labels["positive_sequence"][row, :asked].tolist() == shown[1:]

    def test_nothing_counts_behind_the_end(self, table):
        data = cut("sas_rec", table)
        padded = data.train.labels["positive_sequence"] == 0
        assert padded.any()
        assert not data.train.sample_weights[padded].any()
        assert data.train.sample_weights[~padded].all()
        assert np.array_equal(data.train.inputs["padding_mask"], data.train.inputs["item_ids"] != 0)

    def test_the_test_asks_for_the_last_movie_alone(self, table):
        data = cut("sas_rec", table)
        weights, ids = data.test.sample_weights, data.test.labels["positive_sequence"]
        for row, history in enumerate(self.histories(table).values()):
            asked = ids[row][weights[row] > 0].tolist()
            assert asked == (history[-1:] if len(history) > 1 else [])

    def test_the_tutorial_cuts_long_histories_behind_their_beginning(self, table):
        first = cut("sas_rec", table, context=20, keep="first").test.sample_weights.sum(axis=1)
        last = cut("sas_rec", table, context=20).test.sample_weights.sum(axis=1)
        lengths = np.array([len(history) for history in self.histories(table).values()])
        assert np.array_equal(first, (lengths > 1) & (lengths <= 21))
        assert np.array_equal(last, lengths > 1)

    def test_a_negative_is_a_movie_that_the_user_did_not_rate(self, table):
        data = cut("sas_rec", table)
        for row, history in enumerate(self.histories(table).values()):
            counted = data.train.sample_weights[row] == 1
            drawn = data.train.labels["negative_sequence"][row][counted].tolist()
            assert not set(history) & set(drawn)
            assert all(1 <= movie <= MOVIES for movie in drawn)


class TestTwoStage:
    def test_what_a_user_rated_in_the_training_set_is_not_listed(self, table):
        data = cut("two_stage", table)
        seen = data.test.inputs["seen"]
        train, test = rating_data.tutorial_split()
        rows = {int(user): row for row, user in enumerate(data.test.inputs["user_id"])}
        ratings = table.ratings
        for row in train[:1_000]:
            if int(ratings.user_id[row]) in rows:
                assert seen[rows[int(ratings.user_id[row])], ratings.movie_id[row]]
        assert seen[:, 0].all()
        assert set(rows) == set(ratings.user_id[test].tolist())

    def test_labels_are_the_stars_of_the_test_set(self, table):
        data = cut("two_stage", table)
        _, test = rating_data.tutorial_split()
        assert np.count_nonzero(data.test.labels) == len(test)
        users = data.test.inputs["user_id"].tolist()
        for row in test[:200].tolist():
            place = users.index(int(table.ratings.user_id[row]))
            assert data.test.labels[place, table.ratings.movie_id[row]] == table.ratings.rating[row]


@pytest.mark.parametrize(
    ("name", "settings", "value"),
    [
        ("listwise", {}, 0.9348),
        ("listwise", {"loss": "mse"}, 0.9109),
        ("listwise", {"loss": "listmle"}, None),
        ("multi_task", {}, 0.25),
        ("multi_task", {"retrieval_weight": "0"}, 0.26),
        ("multi_task", {"ranking_weight": "0"}, 0.78),
        ("multi_task", {"ranking_weight": "0.5"}, None),
        ("retrieval", {}, 0.020),
        ("retrieval", {"loss": "mse"}, None),
        ("ranking", {}, 0.25617),
        ("ranking", {"batch_size": "256"}, None),
        ("sas_rec", {}, None),
        ("sas_rec", {"dataset": "1m", "context": "200", "keep": "first"}, 0.3778),
        ("sas_rec", {"dataset": "1m"}, None),
        ("sas_rec", {"context": "200", "keep": "first"}, None),
        ("two_stage", {}, None),
    ],
)
def test_what_was_published_for_which_settings(name, settings, value):
    chosen = find(name)
    assert chosen.published(parse_settings(chosen, settings)) == value


@pytest.mark.parametrize("name", FAMILY)
def test_a_scenario_is_short_and_knows_nothing_of_the_harness_but_the_contract(name):
    from pathlib import Path

    files = (Path(__file__).parents[2] / "scenarios" / name).glob("*.py")
    texts = [file.read_text(encoding="utf-8") for file in files if "native" not in file.name]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    assert len(lines) < 250
    imported = {line for line in lines if line.startswith(("from harness", "import harness"))}
    assert all(
        line.startswith(("from harness.scenario import", "from harness import data"))
        for line in imported
    )


@pytest.mark.parametrize("name", [*FAMILY, "ranking"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_mode_native_is_refused_before_anything_starts_only_where_there_is_no_such_code(
    name, backend
):
    chosen = find(name)
    cells = [
        Cell(scenario=name, backend=backend, device="cpu", mode=mode) for mode in ("fit", "native")
    ]
    refused = [one.cell.mode for one in without_native_code(cells, chosen)]
    assert refused == ([] if name in {"ranking", "dcn", "two_stage"} else ["native"])
    assert not {"jax", "tensorflow", "torch"} & sys.modules.keys()


def test_a_module_of_native_code_without_any_is_named(tmp_path, monkeypatch):
    package = tmp_path / "throwaway"
    package.mkdir()
    (package / "__init__.py").write_text(SCENARIO, encoding="utf-8")
    (package / "native_jax.py").write_text("x = 1\n", encoding="utf-8")
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(tmp_path))
    chosen = find("throwaway")
    assert chosen.has_native("jax")
    assert chosen.native("torch") is None
    with pytest.raises(ScenarioFileError, match=r"native_jax defines no subclass of .*Native"):
        chosen.native("jax")


def test_heads_that_do_not_share_the_width_are_refused():
    with pytest.raises(InvalidSettingError, match="width=50 is no multiple of heads=3"):
        parse_settings(find("sas_rec"), {"heads": "3"})
