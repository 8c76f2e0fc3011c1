"""The scenario ``ranking`` as a user's script: the same model, data, batches and epochs.

TensorFlow gets a ``tf.data.Dataset``, as in the tutorial; the others, which have no TensorFlow
beside them, arrays in the same order.
"""

import keras

from harness.data import load, tutorial_split
from harness.data.prepare import prepare

ratings = load(prepare().path).ratings
train, test = tutorial_split()


def examples(rows):
    ids = {
        "user_id": ratings.user_id[rows].astype("int32"),
        "movie_id": ratings.movie_id[rows].astype("int32"),
    }
    return ids, (ratings.rating[rows].astype("float32") - 1.0) / 4.0


class RankingModel(keras.Model):
    def __init__(self, num_users, num_candidates):
        super().__init__()
        self.user_embedding = keras.layers.Embedding(num_users, 32)
        self.candidate_embedding = keras.layers.Embedding(num_candidates, 32)
        hidden = [keras.layers.Dense(units, activation="relu") for units in (256, 64)]
        self.ratings = keras.Sequential([*hidden, keras.layers.Dense(1)])

    def call(self, inputs):
        user = self.user_embedding(inputs["user_id"])
        candidate = self.candidate_embedding(inputs["movie_id"])
        return self.ratings(keras.ops.concatenate([user, candidate], axis=1))


model = RankingModel(943 + 1, 1_682 + 1)
model.compile(
    loss=keras.losses.MeanSquaredError(),
    metrics=[keras.metrics.RootMeanSquaredError()],
    optimizer=keras.optimizers.Adagrad(learning_rate=0.1),
)
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    def batches(rows):
        return tf.data.Dataset.from_tensor_slices(examples(rows)).batch(1_000).cache()

    model.fit(batches(train), epochs=5, verbose=0)
    model.evaluate(batches(test), verbose=0)
else:
    model.fit(*examples(train), batch_size=1_000, epochs=5, shuffle=False, verbose=0)
    model.evaluate(*examples(test), batch_size=1_000, verbose=0)
