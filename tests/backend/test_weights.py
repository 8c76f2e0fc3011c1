"""Initial weights drawn with NumPy: each variable as its own initialiser would have it."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.trial import weights


@pytest.fixture
def model():
    model = keras.Sequential(
        [
            keras.layers.Input((64,)),
            keras.layers.Dense(256, activation="relu"),
            keras.layers.Dense(1),
        ]
    )
    model.compile(loss="mse", optimizer="adagrad")
    return model


def test_equal_seeds_give_equal_weights(model):
    first, second = weights.draw(model, 7), weights.draw(model, 7)
    assert weights.digest(first) == weights.digest(second)
    assert weights.digest(first) != weights.digest(weights.draw(model, 8))


def test_the_weights_are_the_same_numbers_on_every_backend(model):
    # Measured once; a change here makes older records incomparable.
    digest = weights.digest(weights.draw(model, 1))
    assert digest[:16] == "e958f5af4e46ef2c"


def test_assigned_weights_are_what_the_model_then_holds(model):
    values = weights.draw(model, 1)
    weights.assign(model, values)
    assert weights.digest(weights.current(model)) == weights.digest(values)


def test_dense_kernels_are_glorot_uniform_and_biases_zero(model):
    kernel, bias, *_ = weights.draw(model, 1)
    limit = np.sqrt(6.0 / (64 + 256))
    assert np.abs(kernel).max() <= limit
    assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.02)
    assert not bias.any()


@pytest.mark.parametrize(
    "initializer",
    [
        keras.initializers.RandomUniform(-0.05, 0.05),
        keras.initializers.RandomNormal(0.1, 0.2),
        keras.initializers.TruncatedNormal(0.1, 0.2),
        keras.initializers.HeNormal(),
        keras.initializers.GlorotNormal(),
        keras.initializers.LecunUniform(),
        keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal"),
        keras.initializers.Constant(0.3),
        keras.initializers.Ones(),
    ],
    ids=lambda initializer: type(initializer).__name__,
)
def test_a_draw_has_the_moments_and_range_of_keras_own(initializer):
    keras.utils.set_random_seed(1)
    layer = keras.layers.Dense(300, kernel_initializer=initializer, use_bias=False)
    model = keras.Sequential([keras.layers.Input((400,)), layer])
    ours = weights.draw(model, 1)[0]
    keras_own = keras.ops.convert_to_numpy(layer.kernel.value)
    # 120,000 values: moments agree to about 1/sqrt(120,000) of the spread.
    spread = max(float(keras_own.std()), 1e-6)
    assert ours.mean() == pytest.approx(keras_own.mean(), abs=0.03 * spread)
    assert ours.std() == pytest.approx(keras_own.std(), rel=0.03, abs=1e-6)
    # Near the limit of a bounded draw. Not the largest: on PyTorch, Keras 3.15 cuts a normal by
    # taking the first of four draws that is inside, which leaves one value in 230,000 outside.
    far = np.quantile(np.abs(keras_own), 0.999)
    # Such a quantile of 120,000 normal values spreads by 0.75%, and Keras draws anew each time.
    assert np.quantile(np.abs(ours), 0.999) == pytest.approx(far, rel=0.06, abs=1e-6)
    unbounded = (
        isinstance(initializer, keras.initializers.RandomNormal)
        or getattr(initializer, "distribution", None) == "untruncated_normal"
    )
    assert unbounded or np.abs(ours).max() <= 1.03 * far


@pytest.mark.parametrize(
    "initializer",
    [
        keras.initializers.RandomUniform(-0.05, 0.05),
        keras.initializers.RandomNormal(0.1, 0.2),
        keras.initializers.TruncatedNormal(0.1, 0.2),
        keras.initializers.HeNormal(),
        keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal"),
    ],
    ids=lambda initializer: type(initializer).__name__,
)
def test_drawing_in_pieces_changes_no_number(initializer, monkeypatch):
    layer = keras.layers.Dense(30, kernel_initializer=initializer, use_bias=False)
    model = keras.Sequential([keras.layers.Input((40,)), layer])
    at_once = weights.draw(model, 1)
    monkeypatch.setattr(weights, "CHUNK", 7)
    assert weights.digest(weights.draw(model, 1)) == weights.digest(at_once)


def test_an_initializer_without_a_counterpart_is_named_with_the_way_out(model):
    layer = keras.layers.Dense(3, kernel_initializer=keras.initializers.Orthogonal())
    model = keras.Sequential([keras.layers.Input((3,)), layer])
    with pytest.raises(weights.UnknownInitializerError, match=r"Orthogonal.*--init keras"):
        weights.draw(model, 1)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_the_digest_tells_shapes_apart(shape):
    flat = np.zeros(int(np.prod(shape)), dtype=np.float32)
    assert weights.digest([flat.reshape([*shape, 1])]) != weights.digest([flat])
