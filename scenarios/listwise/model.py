"""The ranking model of the KerasRS tutorial, for a list of movies instead of one."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class RankingModel(keras.Model):
    """Scores the movies of a list for a user.

    Args:
        num_users: rows of the user embedding table, the unused id 0 included.
        num_candidates: rows of the movie embedding table, likewise.
        embedding_dimension: columns of both tables.

    Inputs are ``user_id``, integers of shape ``[batch_size]``, and ``movie_id`` of shape
    ``[batch_size, length]``; the output has the shape of the latter.
    """

    def __init__(
        self,
        *,
        num_users: int,
        num_candidates: int,
        embedding_dimension: int = 32,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.user_embedding = keras.layers.Embedding(num_users, embedding_dimension)
        self.candidate_embedding = keras.layers.Embedding(num_candidates, embedding_dimension)
        self.ratings = keras.Sequential(
            [
                keras.layers.Dense(256, activation="relu"),
                keras.layers.Dense(64, activation="relu"),
                keras.layers.Dense(1),
            ]
        )

    def build(self, input_shape: Any) -> None:
        """Make both tables and the dense layers."""
        self.user_embedding.build(input_shape["user_id"])
        self.candidate_embedding.build(input_shape["movie_id"])
        listed = self.candidate_embedding.compute_output_shape(input_shape["movie_id"])
        self.ratings.build([*listed[:-1], 2 * listed[-1]])
        super().build(input_shape)

    def call(self, inputs: dict[str, Any]) -> Any:
        """The user stands beside every movie of the list."""
        movies = self.candidate_embedding(inputs["movie_id"])
        users = ops.expand_dims(self.user_embedding(inputs["user_id"]), axis=1)
        users = ops.repeat(users, repeats=ops.shape(movies)[1], axis=1)
        scores = self.ratings(ops.concatenate([users, movies], axis=-1))
        return ops.squeeze(scores, axis=-1)
