"""Retrieval, then ranking: a short list for a user, as the KerasRS tutorials describe it together.

*Recommender systems are often composed of two stages*, says the ranking tutorial: the first finds
hundreds of candidates among all movies, the second puts the best of them into order. Both models
are here, each with the tables and the loss of its own tutorial
(https://keras.io/keras_rs/examples/basic_retrieval/ and .../basic_ranking/, the first with the
softmax of .../multi_task/), and share nothing but the batches. What is judged is the end: NDCG of
the ten movies of the short list, for each user, among all movies that the user did not rate in the
training set. It is a figure of this project; nobody published one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
import numpy as np

from harness import data as rating_data
from harness.scenario import Data, Metric, Scenario, Settings, Split, content_sha256

if TYPE_CHECKING:
    import keras


class TwoStageSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be changed with ``--set``."""

    embedding_dimension: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 32
    first_layer: Annotated[int, msgspec.Meta(ge=1, le=65_536)] = 256
    second_layer: Annotated[int, msgspec.Meta(ge=1, le=65_536)] = 64
    candidates: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 200
    listed: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 10
    learning_rate: Annotated[float, msgspec.Meta(gt=0.0)] = 0.1


class TwoStage(Scenario):
    """Finds candidates for a user, and puts the best of them into order."""

    name: ClassVar[str] = "two_stage"
    summary: ClassVar[str] = "Retrieval, then ranking: a short list of movies for a user"
    version: ClassVar[int] = 1
    settings_type: ClassVar[type[Settings]] = TwoStageSettings
    metric: ClassVar[Metric] = Metric(
        name="ndcg",
        label="test NDCG of the short list",
        direction="higher",
        reference=None,
        source="",
        target=None,
        # Seeds spread by 7e-3 (standard deviation of 20), and JAX and PyTorch differ by 4e-4 at
        # most.
        tolerance=2e-3,
    )

    def data(self, settings: TwoStageSettings, table: Any) -> Data:
        """For training one rating an example, for testing one user with all movies."""
        ratings = table.ratings
        train_rows, test_rows = rating_data.tutorial_split()
        shape = int(ratings.user_id.max()) + 1, len(table.movies.movie_id) + 1
        seen, stars = np.zeros(shape, np.bool_), np.zeros(shape, np.float32)
        seen[ratings.user_id[train_rows], ratings.movie_id[train_rows]] = True
        seen[:, 0] = True  # the id that no movie has
        stars[ratings.user_id[test_rows], ratings.movie_id[test_rows]] = ratings.rating[test_rows]
        users = np.unique(ratings.user_id[test_rows]).astype(np.int32)
        train = Split(
            inputs={
                "user_id": ratings.user_id[train_rows].astype(np.int32),
                "movie_id": ratings.movie_id[train_rows].astype(np.int32),
            },
            labels=(ratings.rating[train_rows].astype(np.float32) - 1.0) / 4.0,
        )
        test = Split(inputs={"user_id": users, "seen": seen[users]}, labels=stars[users])
        return Data(
            train=train,
            test=test,
            sizes={"users": shape[0], "movies": shape[1]},
            split_sha256=content_sha256(train, test),
        )

    def model(self, settings: TwoStageSettings, data: Data) -> keras.Model:
        """Both stages in one model, so that one training trains both; Adagrad, as there."""
        import keras

        from .model import TwoStageModel

        model = TwoStageModel(
            num_users=data.sizes["users"],
            num_candidates=data.sizes["movies"],
            embedding_dimension=settings.embedding_dimension,
            hidden_units=(settings.first_layer, settings.second_layer),
            candidates=min(settings.candidates, data.sizes["movies"]),
            listed=min(settings.listed, settings.candidates),
        )
        model.compile(optimizer=keras.optimizers.Adagrad(learning_rate=settings.learning_rate))
        return model

    def predictions(
        self, settings: TwoStageSettings, data: Data, model: keras.Model
    ) -> list[tuple[dict[str, int], float]]:
        """The short list of user 42, the best first, each with its predicted rating."""
        (rows,) = np.nonzero(data.test.inputs["user_id"] == 42)
        if not len(rows):
            return []
        inputs = {name: column[rows] for name, column in data.test.inputs.items()}
        found = model.predict(inputs, verbose=0)
        return [
            ({"user_id": 42, "movie_id": int(movie)}, float(rating))
            for movie, rating in zip(found["movie_id"][0], found["rating"][0], strict=True)
        ]

    def shown(self, output: float) -> float:
        """Stars from one to five."""
        return 1.0 + 4.0 * output


SCENARIO = TwoStage()
