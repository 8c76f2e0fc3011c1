"""The KerasRS tutorial *Sequential retrieval using SASRec*, step by step.

Source: https://keras.io/keras_rs/examples/sas_rec/ (Sharma and Hertschuh, 2025), after Kang and
McAuley, *Self-Attentive Sequential Recommendation* (2018). A Transformer reads the movies that a
user rated, in their order, and learns to tell the next one from a movie that the user did not rate.
The tutorial reads the first 200 movies of users of MovieLens 1M; its validation loss is 0.3778
(``dataset=1m context=200 keep=first``). The default here is the last 50 of MovieLens 100K.

Three things differ on purpose. The Transformer is made of Keras' own layers, as KerasHub's need
TensorFlow. The L2 penalty is left out, as the tutorial's ``compute_loss`` never adds it. The last
movie of a history is found from the padding mask, which the tutorial inverts (its loss is right).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np

from harness.scenario import Data, Metric, Scenario, Settings, Split, content_sha256

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    from harness.data import Ratings

PADDING = 0
LEAST_STARS = 2  # ratings below it are left out, as in the tutorial


class SasRecSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be changed with ``--set``; the defaults are for two cores."""

    dataset: Literal["100k", "1m"] = "100k"
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 128
    epochs: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 10
    context: Annotated[int, msgspec.Meta(ge=2, le=10_000)] = 50
    # Of a longer history: its beginning, as in the tutorial, or its end, as in the paper.
    keep: Literal["first", "last"] = "last"
    layers: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2
    heads: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    width: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 50
    dropout: Annotated[float, msgspec.Meta(ge=0.0, lt=1.0)] = 0.2
    learning_rate: Annotated[float, msgspec.Meta(gt=0.0)] = 0.001
    # Of the movies that stand for what a user did not rate.
    data_seed: Annotated[int, msgspec.Meta(ge=0)] = 42

    def __post_init__(self) -> None:
        """Refuse heads that do not share the width evenly (``ValueError``)."""
        if self.width % self.heads:
            raise ValueError(f"width={self.width} is no multiple of heads={self.heads}")


class SasRec(Scenario):
    """Predicts the next movie from a user's history."""

    name: ClassVar[str] = "sas_rec"
    summary: ClassVar[str] = "KerasRS tutorial: predict the next movie with self-attention"
    version: ClassVar[int] = 2
    settings_type: ClassVar[type[Settings]] = SasRecSettings
    metric: ClassVar[Metric] = Metric(
        name="loss",
        label="validation loss",
        direction="lower",
        reference=None,
        source="https://keras.io/keras_rs/examples/sas_rec/",
        target=None,
        # Seeds spread by 5e-4 (standard deviation of 20); JAX and PyTorch differ by 6e-4 at most.
        tolerance=1e-3,
    )

    def published(self, settings: SasRecSettings) -> float | None:
        tutorial = SasRecSettings(dataset="1m", context=200, keep="first")
        return 0.3778 if settings == tutorial else None

    def dataset(self, settings: SasRecSettings) -> str:
        return settings.dataset

    def data(self, settings: SasRecSettings, table: Any) -> Data:
        """Histories without their last movie for training; with it, and it alone, for testing."""
        movies = int(table.movies.movie_id.max())
        histories = of_users(table.ratings)
        draws = np.random.default_rng(settings.data_seed)
        others = [not_in(history, movies, draws) for history in histories]
        seen, negatives = ([one[:-1] for one in rows] for rows in (histories, others))
        train = split(seen, negatives, settings, last_only=False)
        test = split(histories, others, settings, last_only=True)
        return Data(
            train=train,
            test=test,
            sizes={"movies": movies + 1},
            split_sha256=content_sha256(train, test),
        )

    def model(self, settings: SasRecSettings, data: Data) -> keras.Model:
        """The Transformer, with Adam as in the tutorial."""
        import keras

        from .model import SasRecModel

        model = SasRecModel(
            vocabulary_size=data.sizes["movies"],
            context=settings.context,
            layers=settings.layers,
            heads=settings.heads,
            width=settings.width,
            dropout=settings.dropout,
        )
        adam = keras.optimizers.Adam(learning_rate=settings.learning_rate, beta_2=0.98)
        model.compile(optimizer=adam)
        return model

    def predictions(
        self, settings: SasRecSettings, data: Data, model: keras.Model
    ) -> list[tuple[dict[str, int], float]]:
        """The three likeliest next movies for the first user, by place."""
        inputs = {name: column[:1] for name, column in data.test.inputs.items()}
        found = model.predict(inputs, verbose=0)["predictions"][0][:3]
        return [({"movie_id": int(movie)}, float(place)) for place, movie in enumerate(found, 1)]


def of_users(ratings: Ratings) -> list[NDArray[np.int32]]:
    """The movies of each user by the time of their rating; users by id."""
    kept = np.flatnonzero(ratings.rating >= LEAST_STARS)
    # Equal times keep the table's order.
    order = kept[np.lexsort((kept, ratings.timestamp[kept], ratings.user_id[kept]))]
    _, counts = np.unique(ratings.user_id[order], return_counts=True)
    return np.split(ratings.movie_id[order].astype(np.int32), counts.cumsum()[:-1])


def not_in(
    history: NDArray[np.int32], movies: int, draws: np.random.Generator
) -> NDArray[np.int32]:
    """As many movies that are not in ``history``, drawn with replacement.

    Raises:
        ValueError: if there are none.
    """
    left = np.setdiff1d(np.arange(1, movies + 1, dtype=np.int32), history)
    return draws.choice(left, size=len(history))


def split(
    histories: list[NDArray[np.int32]],
    others: list[NDArray[np.int32]],
    settings: SasRecSettings,
    *,
    last_only: bool,
) -> Split:
    """Inputs, next movies and weights of shape ``[users, context]``, padded with 0 at the end.

    ``last_only`` gives a weight to the last movie of each history alone. Where the history was cut
    behind its beginning, that movie is not there, and nothing of it counts, as in the tutorial.
    """
    length = settings.context + 1
    cut = slice(None, length) if settings.keep == "first" else slice(-length, None)
    sequence, other, weight = (
        np.zeros((len(histories), length), dtype) for dtype in (np.int32, np.int32, np.float32)
    )
    for row, (history, negatives) in enumerate(zip(histories, others, strict=True)):
        weights = np.ones(len(history), np.float32)
        weights[: -1 if last_only else 0] = 0.0
        for target, values in ((sequence, history), (other, negatives), (weight, weights)):
            target[row, : len(values[cut])] = values[cut]
    return Split(
        inputs={"item_ids": sequence[:, :-1], "padding_mask": sequence[:, :-1] != PADDING},
        labels={"positive_sequence": sequence[:, 1:], "negative_sequence": other[:, 1:]},
        sample_weights=weight[:, 1:],
    )


SCENARIO = SasRec()
