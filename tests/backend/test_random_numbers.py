"""Random numbers that are the same on every backend: the same constants are expected on each."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from keras import ops  # noqa: E402 - not before Keras is known to be there

from harness.trial import backends  # noqa: E402
from harness.trial.parity import random_numbers as rn  # noqa: E402
from harness.trial.parity.randomness import Randomness  # noqa: E402

SHAPE = (1000, 100)

THREEFRY = {
    (0, 0, 0, 0): (0x6B200159, 0x99BA4EFE),
    (0xFFFFFFFF,) * 4: (0x1CB996FC, 0xBB002BE7),
    (0x13198A2E, 0x03707344, 0x243F6A88, 0x85A308D3): (0xC4923A9C, 0x483DF7A0),
}
"""Key and counter, and what comes of them: kat_vectors of Random123 (Salmon et al., SC 2011)."""

EXACT = {
    "fraction": (lambda key: rn.fraction(key, SHAPE), "060efb4bf99d"),
    "uniform": (lambda key: rn.uniform(key, SHAPE, 0, 3.7, "float32"), "49009ab20f88"),
    "normal": (lambda key: rn.normal(key, SHAPE, 0.0, 1.0, "float32"), "f31ff30c0be2"),
    "normal about 1": (lambda key: rn.normal(key, SHAPE, 1.0, 0.3, "float32"), "17c622f16d3b"),
    "truncated": (lambda key: rn.truncated_normal(key, SHAPE, 0.0, 1.0, "float32"), "ab604b963db7"),
    "randint": (lambda key: rn.randint(key, SHAPE, 3, 17, "int32"), "cd39fd94fd1f"),
    "dropout": (lambda key: rn.dropout(key, ops.ones(SHAPE), 0.3, None), "be79246cf4d0"),
    "dropout of rows": (
        lambda key: rn.dropout(key, ops.ones(SHAPE), 0.3, (None, 1)),
        "4793b5d828e4",
    ),
    "shuffle": (lambda key: rn.shuffle(key, ops.arange(1000, dtype="int32"), 0), "6c49e2d11ba0"),
    "binomial": (lambda key: rn.binomial(key, SHAPE, 10, 0.3, "float32"), "5ac435e69461"),
}
"""Draws whose every bit is the same, and the first digits of the SHA-256 of 100,000 of them."""

MOMENTS = {
    "fraction": (0.5, 1 / np.sqrt(12)),
    "normal": (0.0, 1.0),
    "normal about 1": (1.0, 0.3),
    "truncated": (0.0, 0.87962566),
    "randint": (9.5, np.sqrt((14**2 - 1) / 12)),
    "dropout": (1.0, np.sqrt(0.3 / 0.7)),
    "binomial": (3.0, np.sqrt(10 * 0.3 * 0.7)),
    "gamma": (2.5, np.sqrt(2.5)),
    "gamma below 1": (0.3, np.sqrt(0.3)),
    "beta": (0.3, np.sqrt(0.3 * 0.7 / 2)),
    "categorical": (1.6, np.sqrt(0.44)),
}

ROUNDED = {
    "gamma": lambda key: rn.gamma(key, SHAPE, 2.5, "float32"),
    "gamma below 1": lambda key: rn.gamma(key, SHAPE, 0.3, "float32"),
    "beta": lambda key: rn.beta(key, SHAPE, 0.3, 0.7, "float32"),
    "categorical": lambda key: rn.categorical(
        key, ops.log(ops.convert_to_tensor([[0.1, 0.2, 0.7]] * 1000)), 100, "int32"
    ),
}
"""Draws whose decisions hang on logarithms."""


def int32(value):
    return ops.convert_to_tensor(np.array([value], np.uint32).view(np.int32)[0])


def key(first=7, second=3, **further):
    return rn.Key((int32(first), int32(second)), **further)


def numbers(values):
    return np.asarray(ops.convert_to_numpy(values))


@pytest.mark.parametrize("vector", THREEFRY)
def test_threefry_gives_what_its_authors_publish(vector):
    words = [int32(word) for word in vector]
    found = rn.threefry(tuple(words[:2]), tuple(words[2:]))
    assert (
        tuple(int(numbers(w).astype(np.int32).view(np.uint32)) for w in found) == THREEFRY[vector]
    )


@pytest.mark.parametrize("draw", EXACT)
def test_a_draw_is_the_same_to_the_bit_on_every_backend(draw):
    make, digest = EXACT[draw]
    assert hashlib.sha256(numbers(make(key())).tobytes()).hexdigest()[:12] == digest


@pytest.mark.parametrize("draw", MOMENTS)
def test_a_draw_has_the_mean_and_deviation_of_its_distribution(draw):
    make = EXACT[draw][0] if draw in EXACT else ROUNDED[draw]
    found = numbers(make(key())).reshape(-1).astype(float)
    mean, deviation = MOMENTS[draw]
    assert abs(found.mean() - mean) < 5 * deviation / np.sqrt(found.size)
    assert found.std() == pytest.approx(deviation, rel=0.02)


def test_a_shuffle_keeps_every_value():
    assert (np.sort(numbers(rn.shuffle(key(), ops.arange(1000), 0))) == np.arange(1000)).all()


def test_another_key_and_another_count_give_other_numbers():
    drawn = [numbers(rn.fraction(key(*words), (50,))) for words in ((7, 3), (7, 4), (8, 3))]
    assert (drawn[0] != drawn[1]).mean() > 0.9
    assert (drawn[0] != drawn[2]).mean() > 0.9


@pytest.mark.parametrize("rows", [64, 44, 1, 7])
def test_rows_in_another_order_take_their_numbers_with_them(rows):
    order, known = 5, frozenset({64, 44, 7})
    plain = numbers(rn.fraction(key(rows=known), (rows, 3)))
    kept = numbers(rn.fraction(key(rows=known, order=int32(0)), (rows, 3)))
    moved = numbers(rn.fraction(key(rows=known, order=int32(order)), (rows, 3)))
    assert (kept == plain).all()
    assert (moved == plain[rn.reordered_rows(rows, order)]).all()
    assert sorted(rn.reordered_rows(rows, order)) == list(range(rows))


def test_what_has_no_row_for_each_example_stays_in_place():
    known = frozenset({64})
    plain = numbers(rn.fraction(key(), (16, 3)))
    assert (numbers(rn.fraction(key(rows=known, order=int32(5)), (16, 3))) == plain).all()


@pytest.fixture
def model():
    inputs = keras.Input((4,))
    hidden = keras.layers.Dropout(0.5, name="one")(inputs)
    outputs = keras.layers.Dropout(0.5, seed=3, name="two")(hidden)
    return keras.Model(inputs, outputs)


@pytest.fixture
def randomness(model):
    return Randomness(model, 42, frozenset({8}), lambda function: function)


def test_masks_are_the_same_on_every_backend_and_again_after_a_restart(model, randomness):
    ones = np.ones((8, 4), np.float32)

    def masks():
        randomness.restart()
        return [numbers(model(ones, training=True)) > 0 for _ in range(3)]

    with randomness.common():
        first, again = masks(), masks()
    assert (np.array(first) == np.array(again)).all()
    assert (first[0] != first[1]).any()
    assert hashlib.sha256(np.packbits(first).tobytes()).hexdigest()[:12] == "fd953fc41b91"
    assert [(d.layer, d.function, d.arguments["rate"]) for d in randomness.draws] == [
        ("one", "dropout", 0.5),
        ("two", "dropout", 0.5),
    ]
    assert not randomness.not_served


def test_outside_keras_draws_by_itself_again(randomness):
    from keras.src import backend

    before = backend.random.dropout
    with randomness.common():
        assert backend.random.dropout is not before
    assert backend.random.dropout is before


def test_unseeded_draws_count_alike_on_every_backend(randomness):
    with randomness.common():
        randomness.restart()
        drawn = [numbers(keras.random.uniform((3,))) for _ in range(3)]
    found = hashlib.sha256(np.array(drawn).tobytes()).hexdigest()[:12]
    assert found == "07271eb692d0"


def test_a_generator_that_the_model_does_not_keep_is_told(randomness):
    with randomness.common():
        keras.random.uniform((3,), seed=keras.random.SeedGenerator(1))
    assert list(randomness.not_served) == [
        "the model: a seed generator that no layer and no metric keeps"
    ]


class Drawing(keras.metrics.Mean):
    """Draws by a seed generator of its own, as KerasRS' metrics break ties."""

    def __init__(self, **given):
        super().__init__(**given)
        self.seed_generator = keras.random.SeedGenerator()

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(keras.random.uniform((3,), seed=self.seed_generator))


class Holding(Drawing):
    """Has another metric that draws."""

    def __init__(self, **given):
        super().__init__(**given)
        self.inner = Drawing(name="inner")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.inner.update_state(y_true, y_pred)
        super().update_state(self.inner.result(), y_pred)


@pytest.mark.parametrize(("kind", "drawing"), [(Drawing, ["own"]), (Holding, ["inner", "own"])])
def test_a_metric_draws_the_same_on_every_backend_at_every_step(model, randomness, kind, drawing):
    model.compile("sgd", "mse", metrics=[kind(name="own")], run_eagerly=True)
    batch = np.ones((8, 4), np.float32), np.ones((8, 4), np.float32)

    def found():
        return round(float(model.test_on_batch(*batch, return_dict=True)["own"]), 6)

    with randomness.common():
        one = found()
        assert [found(), found()] == pytest.approx([one, one], rel=1e-5)
    # Of three numbers from the key (crc32(b"own") mod 2^20, 0), computed apart in plain Python.
    assert one == pytest.approx(0.197086, abs=1e-6)
    assert not randomness.not_served
    assert [draw.layer for draw in randomness.draws if draw.function == "uniform"] == drawing


def test_a_step_that_keras_does_not_compile_is_differentiated_too_and_its_own_draws_are_noted(
    backend,
):
    import keras

    class Own(keras.layers.Layer):
        """Draws behind Keras' back."""

        def call(self, inputs):
            if backend == "jax":
                import jax

                drawn = jax.random.normal(jax.random.key(1), (1,))
            elif backend == "tensorflow":
                import tensorflow as tf

                drawn = tf.random.normal((1,))
            else:
                import torch

                drawn = torch.randn((1,))
            return inputs + drawn

    def gradients_of(*layers):
        inputs = keras.Input((8, 8, 1))
        outputs = keras.layers.GlobalMaxPooling2D()(
            keras.layers.RandomCrop(4, 4)(keras.layers.Conv2D(1, 1)(inputs))
        )
        for layer in layers:
            outputs = layer(outputs)
        model = keras.Model(inputs, outputs)
        model.compile("sgd", "mse")
        noted = []
        randomness = Randomness(model, 1, frozenset({2}), lambda function: function)
        adapter = backends.load(backend)
        with randomness.common(), adapter.listening(model, noted.append):
            adapter.gradients(
                model, np.ones((2, 8, 8, 1), np.float32), np.ones((2, 1)), note=noted.append
            )
        return noted

    assert gradients_of() == []
    assert gradients_of(Own()) != []
