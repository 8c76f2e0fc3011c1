"""The synthetic table: seeded, popular as Zipf says, with a limit to learning that is known."""

from __future__ import annotations

import numpy as np
import pytest

from harness.data import Ratings, synthetic
from harness.data.synthetic import Synthetic, generate

RECIPE = Synthetic(users=2_000, movies=500, ratings=200_000, seed=7)


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    return RECIPE.table().ratings


def test_equal_recipes_make_equal_tables(ratings: Ratings) -> None:
    again = generate(users=2_000, movies=500, ratings=200_000, seed=7)
    for name, column in ratings.columns().items():
        assert np.array_equal(column, getattr(again.ratings, name)), name


def test_another_seed_makes_another_table(ratings: Ratings) -> None:
    other = generate(users=2_000, movies=500, ratings=200_000, seed=8).ratings
    assert not np.array_equal(ratings.user_id, other.user_id)
    assert not np.array_equal(ratings.rating, other.rating)


def test_drawing_in_pieces_changes_nothing(
    ratings: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synthetic, "_CHUNK", 777)
    assert np.array_equal(RECIPE.table().ratings.rating, ratings.rating)


def test_the_table_says_that_it_is_synthetic() -> None:
    assert generate(users=3, movies=2, ratings=5, seed=1).source == "synthetic"


def test_ids_and_stars_stay_in_range(ratings: Ratings) -> None:
    assert (ratings.user_id.min(), ratings.user_id.max()) == (1, 2_000)
    assert (ratings.movie_id.min(), ratings.movie_id.max()) == (1, 500)
    assert np.unique(ratings.rating).tolist() == [1, 2, 3, 4, 5]


def test_movies_and_users_have_every_id_once() -> None:
    table = generate(users=30, movies=20, ratings=50, seed=1)
    assert table.movies.movie_id.tolist() == list(range(1, 21))
    assert table.movies.title[6] == "Synthetic movie 7 (1957)"
    assert table.users.user_id.tolist() == list(range(1, 31))


def test_the_best_prediction_reaches_the_noise_floor(ratings: Ratings) -> None:
    expected = RECIPE.expected_rating(ratings.user_id, ratings.movie_id)
    reached = np.sqrt(np.mean((ratings.rating - expected) ** 2))
    floor = RECIPE.noise_floor(ratings.user_id, ratings.movie_id)
    assert reached == pytest.approx(floor, rel=0.01)  # 200,000 ratings: 0.3% is one sigma


def test_there_is_much_to_learn_above_the_noise_floor(ratings: Ratings) -> None:
    floor = RECIPE.noise_floor(ratings.user_id, ratings.movie_id)
    assert floor < 0.8 * ratings.rating.std()


def test_without_noise_the_stars_follow_from_user_and_movie() -> None:
    recipe = Synthetic(users=50, movies=40, ratings=1_000, seed=3, noise=0.02)
    drawn = recipe.table().ratings
    assert recipe.noise_floor(drawn.user_id, drawn.movie_id) < 0.2


def test_the_structure_has_low_rank() -> None:
    users, movies = RECIPE._factors
    scores = users[:100] @ movies[:100].T
    assert np.linalg.matrix_rank(scores.astype(np.float64), tol=1e-3) == RECIPE.rank + 2
    assert scores.std() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(("name", "count"), [("user_id", 2_000), ("movie_id", 500)])
def test_popularity_follows_zipf(ratings: Ratings, name: str, count: int) -> None:
    times = np.sort(np.bincount(getattr(ratings, name), minlength=count + 1)[1:])[::-1]
    rank = np.arange(1, 101)
    slope, _ = np.polyfit(np.log(rank), np.log(times[:100]), 1)
    assert slope == pytest.approx(-RECIPE.exponent, abs=0.05)


def test_popularity_does_not_follow_the_id(ratings: Ratings) -> None:
    times = np.bincount(ratings.movie_id, minlength=501)[1:]
    assert abs(np.corrcoef(np.arange(500), times)[0, 1]) < 0.2


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"users": 0}, "users must be at least 1"), ({"noise": 0.0}, "noise must be above 0")],
)
def test_what_cannot_be_drawn_is_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Synthetic(**({"users": 1, "movies": 1, "ratings": 1, "seed": 1} | changes))
