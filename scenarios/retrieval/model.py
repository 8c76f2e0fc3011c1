"""The two towers of the KerasRS tutorial, and the search over all movies."""

from __future__ import annotations

from typing import Any

import keras
import keras_rs
from keras import ops

LIKED = 0.9
"""Ratings above it, five stars that is, count in the top-k accuracy, as in the tutorial
*Multi-task recommenders*."""


class RetrievalModel(keras.Model):
    """Embeds users and movies so that a user is near to the movies that they rate.

    Args:
        num_users: rows of the user embedding table, the unused id 0 included.
        num_candidates: rows of the movie embedding table, likewise.
        embedding_dimension: columns of both tables.
        loss: ``softmax`` over the movies of a batch, or ``mse`` between product and rating.
        k: how many movies are retrieved.

    The input is ``user_id``, integers of shape ``[batch_size]``. While it does not train, the
    output has ``predictions``, ids of shape ``[batch_size, k]``, the best first.
    """

    def __init__(
        self,
        *,
        num_users: int,
        num_candidates: int,
        embedding_dimension: int = 32,
        loss: str = "softmax",
        k: int = 10,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.user_embedding = keras.layers.Embedding(num_users, embedding_dimension)
        self.candidate_embedding = keras.layers.Embedding(num_candidates, embedding_dimension)
        self.retrieval = keras_rs.layers.BruteForceRetrieval(k=k, return_scores=False)
        self.softmax = loss == "softmax"
        self.top_k = keras.metrics.SparseTopKCategoricalAccuracy(
            k=k, from_sorted_ids=True, name="top_k_accuracy"
        )

    def build(self, input_shape: Any) -> None:
        """Make both tables; the candidates of the search are the rows of the second."""
        self.user_embedding.build(input_shape)
        self.candidate_embedding.build(input_shape)
        self.retrieval.candidate_embeddings = self.candidate_embedding.embeddings
        self.retrieval.build(input_shape)
        super().build(input_shape)

    def call(self, inputs: Any, training: bool = False) -> dict[str, Any]:
        """Retrieve only where nobody trains: the loss needs no more than the embeddings."""
        user_embeddings = self.user_embedding(inputs)
        result = {"user_embeddings": user_embeddings}
        if not training:
            result["predictions"] = self.retrieval(user_embeddings)
        return result

    def compute_loss(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """How far the products of the towers are from what was rated, or from how."""
        users = y_pred["user_embeddings"]
        movies = self.candidate_embedding(y["movie_id"])
        if self.softmax:
            scores = ops.matmul(users, ops.transpose(movies))
            positives = ops.arange(ops.shape(scores)[0], dtype="int32")
            losses = keras.losses.sparse_categorical_crossentropy(
                positives, scores, from_logits=True
            )
            return ops.sum(losses)
        scores = ops.sum(ops.multiply(users, movies), axis=1)
        return ops.mean(ops.square(ops.subtract(y["rating"], scores)))

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Whether a movie with five stars is among those retrieved for its user."""
        if "predictions" in y_pred:
            liked = ops.cast(ops.greater(y["rating"], LIKED), "float32")
            self.top_k.update_state(y["movie_id"], y_pred["predictions"], sample_weight=liked)
            return self.get_metrics_result()
        results = self.get_metrics_result()
        results.pop(self.top_k.name)
        return results
