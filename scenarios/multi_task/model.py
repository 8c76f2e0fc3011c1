"""The model of the KerasRS tutorial: two tables, a search over all movies, and a rating."""

from __future__ import annotations

from typing import Any

import keras
import keras_rs
from keras import ops

LIKED = 0.9
"""Ratings above it, five stars that is, count in the top-k accuracy."""


class MultiTaskModel(keras.Model):
    """Predicts which movies a user rates, and how.

    Args:
        num_users: rows of the user embedding table, the unused id 0 included.
        num_candidates: rows of the movie embedding table, likewise.
        embedding_dimension: columns of both tables.
        layer_sizes: widths of the dense layers before the rating.
        retrieval_weight: of the loss of the first task in the sum.
        ranking_weight: of the loss of the second one.

    Inputs are ``user_id`` and ``movie_id``, integers of shape ``[batch_size]``. Outputs are both
    embeddings, ``rating`` of shape ``[batch_size, 1]`` and, while it does not train,
    ``predictions``, ids of ten movies each.
    """

    def __init__(
        self,
        *,
        num_users: int,
        num_candidates: int,
        embedding_dimension: int = 32,
        layer_sizes: tuple[int, ...] = (256, 128),
        retrieval_weight: float = 1.0,
        ranking_weight: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.user_embedding = keras.layers.Embedding(num_users, embedding_dimension)
        self.candidate_embedding = keras.layers.Embedding(num_candidates, embedding_dimension)
        self.rating_model = keras.Sequential(
            [
                *(keras.layers.Dense(size, activation="relu") for size in layer_sizes),
                keras.layers.Dense(1),
            ]
        )
        self.retrieval = keras_rs.layers.BruteForceRetrieval(k=10, return_scores=False)
        self.retrieval_loss = keras.losses.CategoricalCrossentropy(
            from_logits=True, reduction="sum"
        )
        self.ranking_loss = keras.losses.MeanSquaredError()
        self.top_k = keras.metrics.SparseTopKCategoricalAccuracy(
            k=10, from_sorted_ids=True, name="top_k_accuracy"
        )
        self.rmse = keras.metrics.RootMeanSquaredError()
        self.embedding_dimension = embedding_dimension
        self.retrieval_weight = retrieval_weight
        self.ranking_weight = ranking_weight

    def build(self, input_shape: Any) -> None:
        """Make tables and layers; the candidates of the search are the rows of the second table."""
        self.user_embedding.build(input_shape["user_id"])
        self.candidate_embedding.build(input_shape["movie_id"])
        self.retrieval.candidate_embeddings = self.candidate_embedding.embeddings
        self.retrieval.build(input_shape["user_id"])
        self.rating_model.build((None, 2 * self.embedding_dimension))
        super().build(input_shape)

    def call(self, inputs: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Retrieve only where nobody trains: the loss needs no more than the embeddings."""
        users = self.user_embedding(inputs["user_id"])
        movies = self.candidate_embedding(inputs["movie_id"])
        result = {
            "user_embeddings": users,
            "candidate_embeddings": movies,
            "rating": self.rating_model(ops.concatenate([users, movies], axis=1)),
        }
        if not training:
            result["predictions"] = self.retrieval(users)
        return result

    def compute_loss(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The sum of both losses by their weights; all other movies of a batch are negatives."""
        users, movies = y_pred["user_embeddings"], y_pred["candidate_embeddings"]
        scores = ops.matmul(users, ops.transpose(movies))
        positives = ops.eye(ops.shape(users)[0], ops.shape(movies)[0])
        retrieval = self.retrieval_loss(positives, scores, sample_weight)
        ranking = self.ranking_loss(ops.expand_dims(y, -1), y_pred["rating"], sample_weight)
        return self.retrieval_weight * retrieval + self.ranking_weight * ranking

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """RMSE of the ratings and, while it does not train, top-k accuracy of five-star movies."""
        self.rmse.update_state(y, y_pred["rating"], sample_weight=sample_weight)
        if "predictions" in y_pred:
            liked = ops.cast(ops.greater(y, LIKED), "float32")
            if sample_weight is not None:
                liked = ops.multiply(liked, sample_weight)
            self.top_k.update_state(x["movie_id"], y_pred["predictions"], sample_weight=liked)
            return self.get_metrics_result()
        results = self.get_metrics_result()
        results.pop(self.top_k.name)
        return results
