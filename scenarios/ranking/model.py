"""The ranking model of the KerasRS tutorial: two embeddings and three dense layers."""

from __future__ import annotations

from typing import Any

import keras


class RankingModel(keras.Model):
    """Predicts a rating between 0 and 1 from a user id and a movie id.

    Args:
        num_users: rows of the user embedding table, the unused id 0 included.
        num_candidates: rows of the movie embedding table, likewise.
        embedding_dimension: columns of both tables.
        hidden_units: width of the first and the second dense layer.

    Inputs are ``user_id`` and ``movie_id``, integers of shape ``[batch_size]``; the output has
    shape ``[batch_size, 1]``.
    """

    def __init__(
        self,
        *,
        num_users: int,
        num_candidates: int,
        embedding_dimension: int = 32,
        hidden_units: tuple[int, int] = (256, 64),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.user_embedding = keras.layers.Embedding(num_users, embedding_dimension)
        self.candidate_embedding = keras.layers.Embedding(num_candidates, embedding_dimension)
        self.ratings = keras.Sequential(
            [
                keras.layers.Dense(hidden_units[0], activation="relu"),
                keras.layers.Dense(hidden_units[1], activation="relu"),
                keras.layers.Dense(1),
            ]
        )

    def call(self, inputs: dict[str, Any]) -> Any:
        """Ratings of shape ``[batch_size, 1]`` for ids of shape ``[batch_size]``."""
        user = self.user_embedding(inputs["user_id"])
        candidate = self.candidate_embedding(inputs["movie_id"])
        return self.ratings(keras.ops.concatenate([user, candidate], axis=1))
