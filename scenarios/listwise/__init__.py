"""The KerasRS tutorial *List-wise ranking*, step by step and in its order.

Source: https://keras.io/keras_rs/examples/listwise_ranking/ (Sharma and Hertschuh, 2025). A model
learns to put five movies of one user into the order in which the user likes them. Published NDCG
on the test set, for one run: 0.9109 with the mean squared error, 0.9348 with the pairwise hinge
loss. ListMLE is the list-wise loss of KerasRS; the tutorial does not try it.

Its lists are drawn without a seed. Here they are drawn once, from ``data_seed``, so that every
backend gets the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np

from harness import data as rating_data
from harness.scenario import Data, Metric, Scenario, Settings, Split, content_sha256

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    from harness.data import Ratings

TRAIN_ROWS, VALIDATION_ROWS = 70_000, 15_000
"""Of the shuffled ratings; the last 15,000 are the test set. The tutorial looks at the validation
set only while it trains, and nothing is chosen by it."""


class ListwiseSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be changed with ``--set``; the defaults are the tutorial's, but for the loss."""

    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1_024
    embedding_dimension: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 32
    loss: Literal["hinge", "mse", "listmle"] = "hinge"
    learning_rate: Annotated[float, msgspec.Meta(gt=0.0)] = 0.1
    list_length: Annotated[int, msgspec.Meta(ge=2, le=100)] = 5
    lists_per_user: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 50
    data_seed: Annotated[int, msgspec.Meta(ge=0)] = 42


PUBLISHED = ((ListwiseSettings(), 0.9348), (ListwiseSettings(loss="mse"), 0.9109))
"""NDCG on the test set by settings."""


class Listwise(Scenario):
    """Puts a few movies into the order in which a user likes them."""

    name: ClassVar[str] = "listwise"
    summary: ClassVar[str] = "KerasRS tutorial: order lists of movies by how a user likes them"
    version: ClassVar[int] = 1
    settings_type: ClassVar[type[Settings]] = ListwiseSettings
    metric: ClassVar[Metric] = Metric(
        name="ndcg",
        label="test NDCG",
        direction="higher",
        reference=0.9348,
        source="https://keras.io/keras_rs/examples/listwise_ranking/",
        target=None,
        # JAX and PyTorch, one model, differ by 1.1e-3 at most, as ties are broken by chance. Other
        # lists change 2.9e-3 (standard deviation of 20 draws).
        tolerance=2e-3,
    )

    def published(self, settings: ListwiseSettings) -> float | None:
        """The figure that was published for these settings, if any."""
        return dict(PUBLISHED).get(settings)

    def data(self, settings: ListwiseSettings, table: Any) -> Data:
        """Fifty lists of each user for training, one for testing, from different ratings."""
        ratings = table.ratings
        rows = np.concatenate(rating_data.tutorial_split())  # all of them, as shuffled
        draws = np.random.default_rng(settings.data_seed)
        length = settings.list_length
        train = lists(
            ratings, rows[:TRAIN_ROWS], length=length, each=settings.lists_per_user, draws=draws
        )
        test = lists(
            ratings, rows[TRAIN_ROWS + VALIDATION_ROWS :], length=length, each=1, draws=draws
        )
        return Data(
            train=train,
            test=test,
            sizes={
                "users": int(ratings.user_id.max()) + 1,
                "movies": len(table.movies.movie_id) + 1,
            },
            split_sha256=content_sha256(train, test),
        )

    def model(self, settings: ListwiseSettings, data: Data) -> keras.Model:
        """The model, compiled with its loss, NDCG and Adagrad."""
        import keras
        import keras_rs

        from .model import RankingModel

        losses = {
            "hinge": keras_rs.losses.PairwiseHingeLoss,
            "mse": keras.losses.MeanSquaredError,
            "listmle": keras_rs.losses.ListMLELoss,
        }
        model = RankingModel(
            num_users=data.sizes["users"],
            num_candidates=data.sizes["movies"],
            embedding_dimension=settings.embedding_dimension,
        )
        model.compile(
            loss=losses[settings.loss](),
            metrics=[keras_rs.metrics.NDCG(k=settings.list_length, name="ndcg")],
            optimizer=keras.optimizers.Adagrad(learning_rate=settings.learning_rate),
        )
        return model

    def predictions(
        self, settings: ListwiseSettings, data: Data, model: keras.Model
    ) -> list[tuple[dict[str, int], float]]:
        """The tutorial's five movies for user 42, the best first."""
        user_id, movies = 42, [409, 237, 131, 941, 543]
        if user_id >= data.sizes["users"] or settings.list_length != len(movies):
            return []
        inputs = {
            "user_id": np.array([user_id], dtype=np.int32),
            "movie_id": np.array([movies], dtype=np.int32),
        }
        scores = model.predict(inputs, verbose=0)[0]
        return [
            ({"user_id": user_id, "movie_id": movies[place]}, float(scores[place]))
            for place in np.argsort(-scores, kind="stable")
        ]


def lists(
    ratings: Ratings,
    rows: NDArray[np.int32],
    *,
    length: int,
    each: int,
    draws: np.random.Generator,
) -> Split:
    """``each`` lists of every user with at least ``length`` ratings among ``rows``.

    The users come in the order of their first rating, as in the tutorial. Inputs are ``user_id``
    of shape ``[lists]`` and ``movie_id`` of shape ``[lists, length]``; labels are ratings from 0 to
    1 of that shape. A list names no movie twice.
    """
    users = ratings.user_id[rows]
    _, first, counts = np.unique(users, return_index=True, return_counts=True)
    by_user = np.split(rows[np.argsort(users, kind="stable")], counts.cumsum()[:-1])
    drawn: list[NDArray[Any]] = []
    for place in np.argsort(first):
        if counts[place] >= length:
            order = draws.random((each, counts[place])).argsort(axis=1)[:, :length]
            drawn.append(by_user[place][order])
    chosen = np.concatenate(drawn)
    return Split(
        inputs={
            "user_id": ratings.user_id[chosen[:, 0]].astype(np.int32),
            "movie_id": ratings.movie_id[chosen].astype(np.int32),
        },
        labels=(ratings.rating[chosen].astype(np.float32) - 1.0) / 4.0,
    )


SCENARIO = Listwise()
