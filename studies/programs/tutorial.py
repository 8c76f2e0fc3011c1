"""The KerasRS tutorial *Movie recommendations: ranking* as one script, in its order.

Source: https://keras.io/keras_rs/examples/basic_ranking/ (Hertschuh and Mahabaleshwarkar, 2025).

    harness run studies/programs/tutorial.py --with tensorflow-cpu,tensorflow-datasets
"""

import keras
import tensorflow as tf
import tensorflow_datasets as tfds

# Prepare the data.
ratings = tfds.load("movielens/100k-ratings", split="train")
movies = tfds.load("movielens/100k-movies", split="train")


def as_number(text):
    return tf.strings.to_number(text, out_type=tf.int32)


users_count = ratings.map(lambda x: as_number(x["user_id"])).reduce(0, tf.maximum).numpy()
movies_count = movies.cardinality().numpy()


def inputs_and_label(x):
    ids = {"user_id": as_number(x["user_id"]), "movie_id": as_number(x["movie_id"])}
    return ids, (x["user_rating"] - 1.0) / 4.0


shuffled = ratings.map(inputs_and_label).shuffle(100_000, seed=42, reshuffle_each_iteration=False)
train_ratings = shuffled.take(80_000).batch(1_000).cache()
test_ratings = shuffled.skip(80_000).take(20_000).batch(1_000).cache()


# Make the model.
class RankingModel(keras.Model):
    def __init__(self, num_users, num_candidates, embedding_dimension=32):
        super().__init__()
        self.user_embedding = keras.layers.Embedding(num_users, embedding_dimension)
        self.candidate_embedding = keras.layers.Embedding(num_candidates, embedding_dimension)
        hidden = [keras.layers.Dense(units, activation="relu") for units in (256, 64)]
        self.ratings = keras.Sequential([*hidden, keras.layers.Dense(1)])

    def call(self, inputs):
        user = self.user_embedding(inputs["user_id"])
        candidate = self.candidate_embedding(inputs["movie_id"])
        return self.ratings(keras.ops.concatenate([user, candidate], axis=1))


# Keras 3.15 refuses NumPy's integers here, which the published form gives it.
model = RankingModel(int(users_count) + 1, int(movies_count) + 1)
model.compile(
    loss=keras.losses.MeanSquaredError(),
    metrics=[keras.metrics.RootMeanSquaredError()],
    optimizer=keras.optimizers.Adagrad(learning_rate=0.1),
)

# Fit, evaluate, predict.
model.fit(train_ratings, epochs=5)
print(model.evaluate(test_ratings, return_dict=True))

titles = {int(x["movie_id"]): x["movie_title"].decode() for x in movies.as_numpy_iterator()}
candidates = [204, 141, 131]
stars = model.predict(
    {
        "user_id": keras.ops.array([42] * len(candidates)),
        "movie_id": keras.ops.array(candidates),
    }
)
for movie, output in zip(candidates, stars[:, 0], strict=True):
    print(f"{titles[movie]}: {5.0 * output:,.2f}")
