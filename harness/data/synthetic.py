"""Ratings of any size from a seed, with a structure to learn and a known limit to learning it.

A rating follows the ordered logit model of recommender research (Koren and Sill, *OrdRec*,
RecSys 2011): user and movie have latent factors and a bias, their sum is a score, and the stars
are how many of four thresholds the score passes once logistic noise is added. Mean and variance
of the stars given the score are exact, and so is the error that no model can go below.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.data.table import Movies, Ratings, Table, Users

Ids = NDArray[np.int32]

THRESHOLDS = (-2.5, -1.5, -0.3, 1.0)
"""Scores at which the second to the fifth star begin; three and four are the most common."""

_CHUNK = 1 << 20  # ratings drawn at once: bounds the temporary arrays to some 100 MB


@dataclasses.dataclass(frozen=True, kw_only=True)
class Synthetic:
    """The recipe of a synthetic table; equal recipes make equal tables.

    Args:
        users: how many users; their ids are 1 to ``users``.
        movies: how many movies; their ids are 1 to ``movies``.
        ratings: how many ratings. A user may rate a movie twice, which popular pairs do.
        seed: of everything that is drawn.
        rank: how many latent factors a user and a movie have.
        noise: the scale of the logistic noise, in units of the score (whose standard deviation
            is about 1). Towards 0 the stars follow from user and movie alone.
        exponent: of Zipf's law: the k-th most popular is drawn in proportion to ``k**-exponent``.

    Raises:
        ValueError: if a count is below 1, or ``noise`` is not positive.
    """

    users: int
    movies: int
    ratings: int
    seed: int
    rank: int = 8
    noise: float = 0.5
    exponent: float = 0.9

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        for name in ("users", "movies", "ratings", "rank"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if not self.noise > 0:
            raise ValueError(f"noise must be above 0, not {self.noise}")

    def table(self) -> Table:
        """Draw the table; its ``source`` is ``synthetic``."""
        return Table(
            ratings=self.draw(), movies=self._movies(), users=self._users(), source="synthetic"
        )

    def draw(self) -> Ratings:
        """Draw the ratings alone: names and zip codes of ten million users take half a gigabyte."""
        user_id = self._popular("user_id", self.users)
        movie_id = self._popular("movie_id", self.movies)
        uniform = self._generator("stars")
        rating = np.empty(self.ratings, np.int32)
        for part, passed in self._passed(user_id, movie_id):
            # One uniform number decides all thresholds: their probabilities fall, so it passes
            # the first few and then none.
            drawn = uniform.random(len(passed[0]), dtype=np.float32)
            rating[part] = 1 + sum((drawn < p).astype(np.int32) for p in passed)
        start = 1_000_000_000
        timestamp = self._generator("timestamp").integers(start, start + 31_536_000, self.ratings)
        return Ratings(user_id, movie_id, rating, timestamp)

    def expected_rating(self, user_id: Ids, movie_id: Ids) -> NDArray[np.float32]:
        """The mean stars of each pair, of shape ``[pairs]``: the best prediction there is."""
        parts = self._passed(user_id, movie_id)
        return np.concatenate([1 + np.sum(passed, axis=0) for _, passed in parts])

    def noise_floor(self, user_id: Ids, movie_id: Ids) -> float:
        """The RMSE of the best prediction over these pairs, in stars.

        A quarter of it is the floor of a model that learns ``(rating - 1) / 4``.
        """
        total = 0.0
        for _, passed in self._passed(user_id, movie_id):
            # The stars above one are a sum of nested events: E[n^2] = sum (2 j - 1) P(j-th).
            second = sum((2 * j - 1) * p for j, p in enumerate(passed, 1))
            total += float(np.sum(second - np.sum(passed, axis=0) ** 2, dtype=np.float64))
        return float(np.sqrt(total / len(user_id)))

    def _passed(
        self, user_id: Ids, movie_id: Ids
    ) -> Iterator[tuple[slice, list[NDArray[np.float32]]]]:
        """Chunk by chunk, the probability of passing each threshold, of shape ``[chunk]``."""
        users, movies = self._factors
        for start in range(0, len(user_id), _CHUNK):
            part = slice(start, start + _CHUNK)
            score = np.einsum("ij,ij->i", users[user_id[part] - 1], movies[movie_id[part] - 1])
            yield (
                part,
                [_logistic((score - t) / np.float32(self.noise)) for t in THRESHOLDS],
            )

    @functools.cached_property
    def _factors(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Factors of users and movies, of shape ``[count, rank + 2]``.

        The last two columns hold a bias against a constant 1, each way.
        """
        draw = self._generator("factors")
        scale = np.float32((0.5 / self.rank) ** 0.25)  # the inner product has variance 0.5
        sides = []
        for count, constant in ((self.users, -1), (self.movies, -2)):
            factors = draw.standard_normal((count, self.rank + 2), dtype=np.float32)
            factors[:, :-2] *= scale
            factors[:, -2:] *= np.float32(0.5)  # each bias has variance 0.25
            factors[:, constant] = 1
            sides.append(factors)
        return sides[0], sides[1]

    def _popular(self, name: str, count: int) -> Ids:
        """Ids of shape ``[ratings]`` by Zipf's law; which id is popular is drawn too."""
        draw = self._generator(name)
        weights = np.arange(1, count + 1, dtype=np.float64) ** -self.exponent
        # How often each comes up first, then the order: far quicker than drawing one by one.
        times = draw.multinomial(self.ratings, weights / weights.sum())
        ids = np.repeat(draw.permutation(np.arange(1, count + 1, dtype=np.int32)), times)
        draw.shuffle(ids)
        return ids

    def _generator(self, purpose: str) -> np.random.Generator:
        """A generator per purpose, so that no draw depends on how many others were made."""
        return np.random.default_rng([self.seed, *purpose.encode()])

    def _movies(self) -> Movies:
        movie_id = np.arange(1, self.movies + 1, dtype=np.int32)
        year = 1950 + movie_id % 50
        title = np.char.add(np.char.add("Synthetic movie ", movie_id.astype(np.str_)), " (")
        return Movies(
            movie_id=movie_id,
            title=np.char.add(np.char.add(title, year.astype(np.str_)), ")"),
            year=year,
            genres=np.full(self.movies, "unknown"),
        )

    def _users(self) -> Users:
        draw = self._generator("users")
        return Users(
            user_id=np.arange(1, self.users + 1, dtype=np.int32),
            age=draw.integers(18, 80, self.users, dtype=np.int32),
            gender=np.array(["F", "M"])[draw.integers(0, 2, self.users)],
            occupation=np.full(self.users, "other"),
            zip_code=np.full(self.users, "00000"),
        )


def _logistic(x: NDArray[np.float32]) -> NDArray[np.float32]:
    # By tanh, since exp overflows where there is hardly any noise.
    passed: NDArray[np.float32] = np.tanh(x / 2)
    passed += 1
    passed /= 2
    return passed


def generate(*, users: int, movies: int, ratings: int, seed: int, **more: Any) -> Table:
    """The table of the recipe :class:`Synthetic`, which also tells its noise floor."""
    return Synthetic(users=users, movies=movies, ratings=ratings, seed=seed, **more).table()
