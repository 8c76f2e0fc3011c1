"""The KerasRS tutorial *Recommending movies: retrieval*, step by step and in its order.

Source: https://keras.io/keras_rs/examples/basic_retrieval/ (Hertschuh and Sharma, 2025). Two
towers, one for users and one for movies, learn which movies a user rates; the ten movies nearest to
a user are found by looking at all of them.

The tutorial fits the product of the towers to the rating, for 50 epochs; its test loss is 0.4743,
and it publishes no top-k accuracy. That is ``--set loss=mse --epochs 50``. By default the
towers learn by a softmax over the movies of a batch, as in the tutorial *Multi-task recommenders*,
which says of its model that learns this alone: top-10 accuracy .020 after five epochs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np

from harness import data as rating_data
from harness.scenario import Data, Metric, Scenario, Settings, Split

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray


class RetrievalSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be changed with ``--set``."""

    embedding_dimension: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 32
    loss: Literal["softmax", "mse"] = "softmax"
    learning_rate: Annotated[float, msgspec.Meta(gt=0.0)] = 0.1
    retrieved: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 10


class Retrieval(Scenario):
    """Finds the movies that a user is likely to rate."""

    name: ClassVar[str] = "retrieval"
    summary: ClassVar[str] = "KerasRS tutorial: retrieve movies for a user with two towers"
    version: ClassVar[int] = 1
    settings_type: ClassVar[type[Settings]] = RetrievalSettings
    metric: ClassVar[Metric] = Metric(
        name="top_k_accuracy",
        label="test top-k accuracy",
        direction="higher",
        reference=0.020,
        source="https://keras.io/keras_rs/examples/multi_task/",
        target=None,
        # Two five-star ratings of 4,365. Seeds spread by 1.4e-3 (standard deviation of 20), and JAX
        # and PyTorch do not differ.
        tolerance=5e-4,
    )

    def data(self, settings: RetrievalSettings, table: Any) -> Data:
        """The input is the user; the labels are the movie and its rating, from 0 to 1."""
        ratings = table.ratings
        train_rows, test_rows = rating_data.tutorial_split()

        def preprocess(rows: NDArray[np.int32]) -> Split:
            return Split(
                inputs=ratings.user_id[rows].astype(np.int32),
                labels={
                    "movie_id": ratings.movie_id[rows].astype(np.int32),
                    "rating": (ratings.rating[rows].astype(np.float32) - 1.0) / 4.0,
                },
            )

        return Data(
            train=preprocess(train_rows),
            test=preprocess(test_rows),
            sizes={
                "users": int(ratings.user_id.max()) + 1,
                "movies": len(table.movies.movie_id) + 1,
            },
            split_sha256=rating_data.split_sha256(train_rows, test_rows),
        )

    def model(self, settings: RetrievalSettings, data: Data) -> keras.Model:
        """The two towers, with Adagrad as in the tutorial."""
        import keras

        from .model import RetrievalModel

        model = RetrievalModel(
            num_users=data.sizes["users"],
            num_candidates=data.sizes["movies"],
            embedding_dimension=settings.embedding_dimension,
            loss=settings.loss,
            k=settings.retrieved,
        )
        model.compile(optimizer=keras.optimizers.Adagrad(learning_rate=settings.learning_rate))
        return model

    def predictions(
        self, settings: RetrievalSettings, data: Data, model: keras.Model
    ) -> list[tuple[dict[str, int], float]]:
        """The first three movies for user 42, each with the product of the towers."""
        import keras

        user_id = 42
        if user_id >= data.sizes["users"]:
            return []
        found = model.predict(np.array([user_id], dtype=np.int32), verbose=0)
        movies = [int(movie) for movie in found["predictions"][0][:3]]
        table = keras.ops.convert_to_numpy(model.candidate_embedding.embeddings)
        scores = table[movies] @ found["user_embeddings"][0]
        return [
            ({"user_id": user_id, "movie_id": movie}, float(score))
            for movie, score in zip(movies, scores, strict=True)
        ]


SCENARIO = Retrieval()
