"""Both stages of a recommender: two towers that retrieve, and dense layers that rank."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

NEVER = -1e9
"""The score of a movie that the user knows already."""


class TwoStageModel(keras.Model):
    """Finds candidates for a user by two towers, and puts them into order by predicted ratings.

    Args:
        num_users: rows of both user embedding tables, the unused id 0 included.
        num_candidates: rows of both movie embedding tables, likewise.
        embedding_dimension: columns of all tables.
        hidden_units: widths of the dense layers of the second stage.
        candidates: how many movies the first stage finds.
        listed: how many of them the second stage lists.

    To train, inputs are ``user_id`` and ``movie_id``, integers of shape ``[batch_size]``. To list
    movies, they are ``user_id`` and ``seen`` of shape ``[batch_size, num_candidates]``, true for
    movies that are not to be listed; outputs are then ``movie_id`` and ``rating`` of shape
    ``[batch_size, listed]``, the best first.
    """

    def __init__(
        self,
        *,
        num_users: int,
        num_candidates: int,
        embedding_dimension: int = 32,
        hidden_units: tuple[int, int] = (256, 64),
        candidates: int = 200,
        listed: int = 10,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.user_tower = keras.layers.Embedding(num_users, embedding_dimension)
        self.movie_tower = keras.layers.Embedding(num_candidates, embedding_dimension)
        self.user_embedding = keras.layers.Embedding(num_users, embedding_dimension)
        self.movie_embedding = keras.layers.Embedding(num_candidates, embedding_dimension)
        self.ratings = keras.Sequential(
            [
                keras.layers.Dense(hidden_units[0], activation="relu"),
                keras.layers.Dense(hidden_units[1], activation="relu"),
                keras.layers.Dense(1),
            ]
        )
        self.ndcg = keras.metrics.Mean(name="ndcg")
        self.embedding_dimension = embedding_dimension
        self.candidates = candidates
        self.listed = listed

    def build(self, input_shape: Any) -> None:
        """Make the tables and the dense layers."""
        ids = (None,)
        for table in (self.user_tower, self.movie_tower, self.user_embedding, self.movie_embedding):
            table.build(ids)
        self.ratings.build((None, 2 * self.embedding_dimension))
        super().build(input_shape)

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Embed and rate a batch of pairs, or list movies for a batch of users."""
        if "movie_id" in inputs:
            return self.rated(inputs["user_id"], inputs["movie_id"])
        return self.short_list(inputs["user_id"], inputs["seen"])

    def rated(self, users: Any, movies: Any) -> dict[str, Any]:
        """What the losses of both stages need."""
        both = [self.user_embedding(users), self.movie_embedding(movies)]
        return {
            "users": self.user_tower(users),
            "movies": self.movie_tower(movies),
            "rating": self.ratings(ops.concatenate(both, axis=-1)),
        }

    def retrieve(self, users: Any, seen: Any) -> Any:
        """Ids of the candidates, of shape ``[batch_size, candidates]``: the first stage."""
        tower = self.movie_tower.embeddings
        scores = ops.matmul(self.user_tower(users), ops.transpose(ops.convert_to_tensor(tower)))
        scores = ops.where(seen, ops.cast(NEVER, scores.dtype), scores)
        return ops.top_k(scores, k=self.candidates)[1]

    def rank(self, users: Any, movies: Any) -> tuple[Any, Any]:
        """Ids and ratings of the best of ``movies``: the second stage."""
        embedded = self.movie_embedding(movies)
        user = ops.expand_dims(self.user_embedding(users), axis=1)
        user = ops.broadcast_to(user, ops.shape(embedded))
        pairs = ops.concatenate([user, embedded], axis=-1)
        rating = self.ratings(ops.reshape(pairs, (-1, 2 * self.embedding_dimension)))
        rating = ops.reshape(rating, (-1, movies.shape[1]))
        best, places = ops.top_k(rating, k=self.listed)
        return ops.take_along_axis(movies, places, axis=1), best

    def short_list(self, users: Any, seen: Any) -> dict[str, Any]:
        """Both stages, one behind the other."""
        movies, rating = self.rank(users, self.retrieve(users, seen))
        return {"movie_id": movies, "rating": rating}

    def compute_loss(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The sum of both losses; no variable is in both of them. There is none of a short list."""
        if "users" not in y_pred:
            return ops.zeros(())
        scores = ops.matmul(y_pred["users"], ops.transpose(y_pred["movies"]))
        positives = ops.arange(ops.shape(scores)[0], dtype="int32")
        retrieval = keras.losses.sparse_categorical_crossentropy(
            positives, scores, from_logits=True
        )
        apart = ops.subtract(ops.squeeze(y_pred["rating"], axis=-1), y)
        return ops.add(ops.sum(retrieval), ops.mean(ops.square(apart)))

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """NDCG of the short lists; gains are ``2 ** stars - 1`` (Burges et al., 2005)."""
        if "movie_id" in y_pred:
            movies = ops.cast(y_pred["movie_id"], "int32")
            found = gain(ops.take_along_axis(y, movies, axis=1), self.listed)
            best = gain(ops.top_k(y, k=self.listed)[0], self.listed)
            self.ndcg.update_state(ops.divide_no_nan(found, best))
            return self.get_metrics_result()
        results = self.get_metrics_result()
        results.pop(self.ndcg.name)
        return results


def gain(stars: Any, listed: int) -> Any:
    """The discounted cumulative gain of lists of shape ``[batch_size, listed]``."""
    discounts = [1.0 / math.log2(place + 1) for place in range(1, listed + 1)]
    return ops.sum((ops.power(2.0, stars) - 1.0) * ops.convert_to_tensor(discounts), axis=1)
