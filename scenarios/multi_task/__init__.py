"""The KerasRS tutorial *Multi-task recommenders: retrieval + ranking*, step by step.

Source: https://keras.io/keras_rs/examples/multi_task/ (Sharma and Hertschuh, 2025). One pair of
embedding tables serves two tasks: which movies a user rates, and how. Published after five epochs:

| weights | test RMSE | top-10 accuracy |
|---|---|---|
| both tasks (the default) | 0.25 | 0.022 |
| ``--set retrieval_weight=0`` | 0.26 | 0.005 |
| ``--set ranking_weight=0`` | 0.78 | 0.020 |

The split is that of the ranking tutorial, frozen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
import numpy as np

from harness import data as rating_data
from harness.scenario import Data, Metric, Scenario, Settings, Split

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray


Weight = Annotated[float, msgspec.Meta(ge=0.0)]
Width = Annotated[int, msgspec.Meta(ge=1, le=65_536)]


class MultiTaskSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be changed with ``--set``; the defaults are the tutorial's."""

    embedding_dimension: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 32
    first_layer: Width = 256
    second_layer: Width = 128
    retrieval_weight: Weight = 1.0
    ranking_weight: Weight = 1.0
    learning_rate: Annotated[float, msgspec.Meta(gt=0.0)] = 0.1


PUBLISHED = (
    (MultiTaskSettings(), 0.25),
    (MultiTaskSettings(retrieval_weight=0.0), 0.26),
    (MultiTaskSettings(ranking_weight=0.0), 0.78),
)
"""Test RMSE by settings, as the tutorial's table rounds it."""


class MultiTask(Scenario):
    """Predicts which movies a user rates, and with how many stars."""

    name: ClassVar[str] = "multi_task"
    summary: ClassVar[str] = "KerasRS tutorial: one model for retrieval and ranking"
    version: ClassVar[int] = 1
    settings_type: ClassVar[type[Settings]] = MultiTaskSettings
    metric: ClassVar[Metric] = Metric(
        name="root_mean_squared_error",
        label="test RMSE",
        direction="lower",
        reference=0.25,
        source="https://keras.io/keras_rs/examples/multi_task/",
        target=None,
        # As in the ranking tutorial. Seeds spread by 8e-4 (standard deviation of 20), and JAX and
        # PyTorch differ by 2e-5 at most.
        tolerance=5e-4,
    )

    def published(self, settings: MultiTaskSettings) -> float | None:
        """The figure that was published for these settings, if any."""
        return dict(PUBLISHED).get(settings)

    def data(self, settings: MultiTaskSettings, table: Any) -> Data:
        """Inputs are user and movie; the label is the rating, from 0 to 1."""
        ratings = table.ratings
        train_rows, test_rows = rating_data.tutorial_split()

        def preprocess(rows: NDArray[np.int32]) -> Split:
            return Split(
                inputs={
                    "user_id": ratings.user_id[rows].astype(np.int32),
                    "movie_id": ratings.movie_id[rows].astype(np.int32),
                },
                labels=(ratings.rating[rows].astype(np.float32) - 1.0) / 4.0,
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

    def model(self, settings: MultiTaskSettings, data: Data) -> keras.Model:
        """The model of both tasks, with Adagrad as in the tutorial."""
        import keras

        from .model import MultiTaskModel

        model = MultiTaskModel(
            num_users=data.sizes["users"],
            num_candidates=data.sizes["movies"],
            embedding_dimension=settings.embedding_dimension,
            layer_sizes=(settings.first_layer, settings.second_layer),
            retrieval_weight=settings.retrieval_weight,
            ranking_weight=settings.ranking_weight,
        )
        model.compile(optimizer=keras.optimizers.Adagrad(learning_rate=settings.learning_rate))
        return model

    def predictions(
        self, settings: MultiTaskSettings, data: Data, model: keras.Model
    ) -> list[tuple[dict[str, int], float]]:
        """User 5, as in the tutorial: three retrieved movies, each with its predicted rating."""
        user_id = 5
        if user_id >= data.sizes["users"]:
            return []
        users = np.full(3, user_id, dtype=np.int32)
        # Any movie will do: what is retrieved depends on the user alone.
        found = model.predict({"user_id": users, "movie_id": np.ones_like(users)}, verbose=0)
        movies = found["predictions"][0][:3].astype(np.int32)
        rated = model.predict({"user_id": users, "movie_id": movies}, verbose=0)["rating"]
        return [
            ({"user_id": user_id, "movie_id": int(movie)}, float(rating))
            for movie, rating in zip(movies, rated[:, 0], strict=True)
        ]

    def shown(self, output: float) -> float:
        """Stars from one to five; the tutorial prints ``5 * output``, which is no inverse."""
        return 1.0 + 4.0 * output


SCENARIO = MultiTask()
