"""The tutorial's own training as a plain script with a stopwatch, to hold the harness against.

    python -m studies.clocks.tutorial EPOCHS

Prints the seconds per step of each epoch as JSON. It shares the prepared table and nothing else
with the harness: model, batches and loop are written as the tutorial writes them. TensorFlow gets
the tutorial's ``tf.data``; JAX and PyTorch, which have no TensorFlow beside them, get the same
batches as arrays.
"""

from __future__ import annotations

import json
import sys
import time

import keras

from harness.data import load, tutorial_split
from harness.data.prepare import prepare


class RankingModel(keras.Model):
    def __init__(self, num_users, num_candidates, embedding_dimension=32, **kwargs):
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

    def call(self, inputs):
        user_embeddings = self.user_embedding(inputs["user_id"])
        candidate_embeddings = self.candidate_embedding(inputs["movie_id"])
        return self.ratings(keras.ops.concatenate([user_embeddings, candidate_embeddings], axis=1))


class Stopwatch(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.started)


def main(epochs: int) -> None:
    ratings = load(prepare().path).ratings
    train, _ = tutorial_split()
    inputs = {
        "user_id": ratings.user_id[train].astype("int32"),
        "movie_id": ratings.movie_id[train].astype("int32"),
    }
    labels = (ratings.rating[train].astype("float32") - 1.0) / 4.0

    model = RankingModel(943 + 1, 1682 + 1)
    model.compile(
        loss=keras.losses.MeanSquaredError(),
        metrics=[keras.metrics.RootMeanSquaredError()],
        optimizer=keras.optimizers.Adagrad(learning_rate=0.1),
    )
    stopwatch = Stopwatch()
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        train_ratings = tf.data.Dataset.from_tensor_slices((inputs, labels)).batch(1000).cache()
        model.fit(train_ratings, epochs=epochs, callbacks=[stopwatch], verbose=0)
    else:
        model.fit(
            inputs,
            labels,
            batch_size=1000,
            shuffle=False,
            epochs=epochs,
            callbacks=[stopwatch],
            verbose=0,
        )
    print(json.dumps([seconds / 80 for seconds in stopwatch.seconds]))


if __name__ == "__main__":
    main(int(sys.argv[1]))
