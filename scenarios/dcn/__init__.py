"""The KerasRS tutorial *Ranking with Deep and Cross Networks*, step by step.

Source: https://keras.io/keras_rs/examples/dcn/ (Sharma and Hertschuh, 2025). A rating is predicted
from six features of a user and a movie, by a network that multiplies features with each other
(*cross*), by one that does so with a matrix of low rank, and by dense layers alone. Published test
RMSE in stars, mean and standard deviation over runs:

| structure | test RMSE | parameters |
|---|---|---|
| ``cross`` (the default) | .9136 ± .0030 | 76,657 |
| ``low_rank`` | .9156 ± .0018 | 75,121 |
| ``deep`` | .9174 ± .0060 | 111,361 |

An older form of it, in KerasRS' own repository, is ``embedding_dimension=32 rank=20
batch_size=1024 epochs=10``; no figures of that were published.

The tutorial shuffles again whenever its data are read, and takes the test set out of another order
than the training set: four of five test ratings were trained on. ``--set split=tutorial`` does so;
the default is the split of the ranking tutorial, which keeps them apart.
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

AGES = (18, 25, 35, 45, 50, 56)
"""Where TensorFlow Datasets begins a new age group (``bucketized_user_age``)."""

TRAIN_ROWS = 80_000
WIDTH = 192


class DcnSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be changed with ``--set``; the defaults are the tutorial's, but for the split."""

    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 8_192
    epochs: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 8
    embedding_dimension: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 8
    structure: Literal["cross", "low_rank", "deep"] = "cross"
    # Of the matrix of ``low_rank`` alone.
    rank: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 8
    learning_rate: Annotated[float, msgspec.Meta(gt=0.0)] = 0.01
    split: Literal["honest", "tutorial"] = "honest"
    # Of the tutorial's split alone.
    data_seed: Annotated[int, msgspec.Meta(ge=0)] = 42


PUBLISHED = {"cross": 0.9136, "low_rank": 0.9156, "deep": 0.9174}
"""Mean test RMSE by structure, with the tutorial's split."""


class Dcn(Scenario):
    """Predicts how many stars a user gives to a movie, from crossed features."""

    name: ClassVar[str] = "dcn"
    summary: ClassVar[str] = "KerasRS tutorial: rank with a deep and cross network"
    version: ClassVar[int] = 2
    settings_type: ClassVar[type[Settings]] = DcnSettings
    metric: ClassVar[Metric] = Metric(
        name="root_mean_squared_error",
        label="test RMSE in stars",
        direction="lower",
        reference=None,
        source="https://keras.io/keras_rs/examples/dcn/",
        target=None,
        # Seeds spread by 1.2e-3 (standard deviation of 20; 2.2e-3 with the tutorial's split), and
        # JAX and PyTorch differ by 5e-5 at most.
        tolerance=1e-3,
    )

    def published(self, settings: DcnSettings) -> float | None:
        """The figure that was published for this structure and the tutorial's split."""
        usual = DcnSettings(
            structure=settings.structure, split="tutorial", data_seed=settings.data_seed
        )
        return PUBLISHED[settings.structure] if settings == usual else None

    def data(self, settings: DcnSettings, table: Any) -> Data:
        """Six features of whole numbers, from 1; the label is the rating in stars."""
        ratings, users = table.ratings, table.users
        place = np.searchsorted(users.user_id, ratings.user_id)
        columns = {
            "movie_id": ratings.movie_id,
            "user_id": ratings.user_id,
            "user_gender": users.gender[place],
            "bucketized_user_age": np.digitize(users.age, AGES)[place],
            "user_zip_code": users.zip_code[place],
            "user_occupation_text": users.occupation[place],
        }
        features, sizes = {}, {}
        for name, column in columns.items():
            vocabulary, index = np.unique(column, return_inverse=True)
            features[name] = (index + 1).astype(np.int32)  # 0 is for what nobody has seen
            sizes[name] = len(vocabulary) + 1
        if settings.split == "tutorial":
            draws = np.random.default_rng(settings.data_seed)
            rows = np.arange(len(ratings), dtype=np.int32)
            train_rows = draws.permutation(rows)[:TRAIN_ROWS]
            test_rows = draws.permutation(rows)[TRAIN_ROWS:]
        else:
            train_rows, test_rows = rating_data.tutorial_split()

        def preprocess(rows: NDArray[Any]) -> Split:
            return Split(
                inputs={name: column[rows] for name, column in features.items()},
                labels=ratings.rating[rows].astype(np.float32),
            )

        return Data(
            train=preprocess(train_rows),
            test=preprocess(test_rows),
            sizes=sizes,
            split_sha256=rating_data.split_sha256(train_rows, test_rows),
        )

    def model(self, settings: DcnSettings, data: Data) -> keras.Model:
        """Embeddings, perhaps a layer of crosses, then dense layers; AdamW."""
        import keras
        import keras_rs

        inputs, embeddings = {}, []
        for name, size in data.sizes.items():
            inputs[name] = keras.Input(shape=(), dtype="int32", name=name)
            embeddings.append(
                keras.layers.Embedding(size, settings.embedding_dimension)(inputs[name])
            )
        x = keras.layers.Concatenate(axis=1)(embeddings)
        if settings.structure != "deep":
            rank = settings.rank if settings.structure == "low_rank" else None
            x = keras_rs.layers.FeatureCross(projection_dim=rank)(x)
        for _ in range(3 if settings.structure == "deep" else 2):
            x = keras.layers.Dense(WIDTH, activation="relu")(x)
        model = keras.Model(inputs, keras.layers.Dense(1)(x))
        model.compile(
            optimizer=keras.optimizers.AdamW(learning_rate=settings.learning_rate),
            loss=keras.losses.MeanSquaredError(),
            metrics=[keras.metrics.RootMeanSquaredError()],
        )
        return model


SCENARIO = Dcn()
