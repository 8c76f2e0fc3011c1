"""Keras' initialisers in NumPy: every public one, with the distribution that Keras gives it."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest

from harness.trial import initializers, weights
from harness.trial.origins import kind_of

K = keras.initializers

SHAPE = (400, 300)

CASES = {
    "Constant": [K.Constant(0.3)],
    "Zeros": [K.Zeros()],
    "Ones": [K.Ones()],
    "Identity": [K.Identity(), K.Identity(gain=2.5)],
    "STFT": [
        K.STFT(side, window, scaling, periodic)
        for side in ("real", "imag")
        for window, scaling, periodic in (
            ("hann", "density", False),
            ("hamming", "spectrum", True),
            ("hann", None, False),
            (None, None, False),
        )
    ],
    "RandomUniform": [K.RandomUniform(-0.05, 0.1)],
    "RandomNormal": [K.RandomNormal(0.1, 0.2)],
    "TruncatedNormal": [K.TruncatedNormal(0.1, 0.2)],
    "VarianceScaling": [
        K.VarianceScaling(2.0, mode, distribution)
        for mode in ("fan_in", "fan_out", "fan_avg")
        for distribution in ("uniform", "truncated_normal", "untruncated_normal")
    ]
    + [K.VarianceScaling(1.0, "fan_in", "uniform", input_axes=[1], output_axes=[0])],
    "GlorotUniform": [K.GlorotUniform()],
    "GlorotNormal": [K.GlorotNormal()],
    "LecunNormal": [K.LecunNormal()],
    "LecunUniform": [K.LecunUniform()],
    "HeNormal": [K.HeNormal()],
    "HeUniform": [K.HeUniform()],
    "Orthogonal": [K.Orthogonal(), K.Orthogonal(gain=1.5)],
}
"""By the name of the class. A new initialiser of Keras has none here, and a test says so."""

DETERMINISTIC = ("Constant", "Zeros", "Ones", "Identity", "STFT")


def public():
    """Every class of ``keras.initializers``, by its name."""
    return {
        kind.__name__: kind
        for kind in vars(keras.initializers).values()
        if inspect.isclass(kind) and issubclass(kind, K.Initializer) and kind is not K.Initializer
    }


def ours(initializer, shape=SHAPE, seed=1):
    return initializers.rule_of(initializer)(initializer, shape, np.random.default_rng(seed))


def theirs(initializer, shape=SHAPE):
    return keras.ops.convert_to_numpy(initializer(shape, dtype="float32"))


def named(*, deterministic):
    return [
        pytest.param(initializer, id=f"{name}-{number}")
        for name, cases in CASES.items()
        for number, initializer in enumerate(cases)
        if (name in DETERMINISTIC) == deterministic
    ]


def test_every_initialiser_of_keras_has_its_rule_and_its_test():
    assert {name for name in public() if name not in CASES} == set()
    for cases in CASES.values():
        for initializer in cases:
            assert initializers.rule_of(initializer) is not None


@pytest.mark.parametrize("initializer", named(deterministic=True))
def test_a_deterministic_one_gives_the_values_of_keras(initializer):
    shape = (256, 1, 129) if isinstance(initializer, K.STFT) else SHAPE
    mine, keras_own = ours(initializer, shape), theirs(initializer, shape)
    assert mine.dtype == np.float32
    if initializers.is_exact(initializer):
        np.testing.assert_array_equal(mine, keras_own)
    else:
        # A cosine of an angle of 800, on which float32 has a round-off of 6e-5.
        np.testing.assert_allclose(mine, keras_own, rtol=0, atol=1e-4 * np.abs(mine).max())


@pytest.mark.parametrize("name", ["VarianceScaling", "GlorotUniform", "HeNormal", "LecunUniform"])
def test_one_of_a_keras_before_3_15_which_has_no_axes_draws_the_same(name):
    today, before = (public()[name]() for _ in range(2))
    for attribute in ("input_axes", "output_axes"):
        vars(before).pop(attribute, None)
        assert not hasattr(before, attribute)
    np.testing.assert_array_equal(ours(before), ours(today))


@pytest.mark.parametrize("initializer", named(deterministic=False))
@pytest.mark.parametrize("shape", [SHAPE, (5, 5, 64, 75)], ids=str)
def test_a_draw_has_the_moments_and_range_of_keras_own(initializer, shape):
    keras.utils.set_random_seed(1)
    mine, keras_own = ours(initializer, shape), theirs(initializer, shape)
    assert mine.shape == shape
    assert mine.dtype == np.float32
    # 120,000 values: moments agree to about 1/sqrt(120,000) of the spread.
    spread = float(keras_own.std())
    assert mine.mean() == pytest.approx(keras_own.mean(), abs=0.03 * spread)
    assert mine.std() == pytest.approx(keras_own.std(), rel=0.03)
    for share in (0.1, 0.25, 0.75, 0.9):
        theirs_at = np.quantile(keras_own, share)
        assert np.quantile(mine, share) == pytest.approx(theirs_at, abs=0.03 * spread)
    # Near the limit of a bounded draw. Not the largest: on PyTorch, Keras 3.15 cuts a normal by
    # taking the first of four draws that is inside, which leaves one value in 230,000 outside.
    far = np.quantile(np.abs(keras_own), 0.999)
    # Such a quantile of 120,000 normal values spreads by 0.75%, and Keras draws anew each time.
    assert np.quantile(np.abs(mine), 0.999) == pytest.approx(far, rel=0.06)
    unbounded = (
        isinstance(initializer, K.RandomNormal | K.Orthogonal)
        or getattr(initializer, "distribution", None) == "untruncated_normal"
    )
    assert unbounded or np.abs(mine).max() <= 1.03 * far


@pytest.mark.parametrize("shape", [(60, 40), (40, 60), (3, 3, 4, 20), (2, 100), (1, 1), (1, 7)])
@pytest.mark.parametrize("gain", [1.0, 1.5])
def test_an_orthogonal_one_is_orthogonal(shape, gain):
    matrix = ours(K.Orthogonal(gain), shape).reshape(-1, shape[-1]).astype(np.float64)
    if matrix.shape[0] < matrix.shape[1]:
        matrix = matrix.T
    product = matrix.T @ matrix
    np.testing.assert_allclose(product, gain**2 * np.eye(len(product)), atol=1e-6)


def test_an_orthogonal_one_is_what_qr_with_the_sign_rule_gives():
    drawn = np.random.default_rng(1).standard_normal((60, 40)).astype(np.float32)
    q, r = np.linalg.qr(drawn.astype(np.float64))
    np.testing.assert_allclose(ours(K.Orthogonal(), (60, 40)), q * np.sign(np.diag(r)), atol=1e-6)


def test_orthogonal_values_are_the_same_bits_everywhere():
    # Measured once; LAPACK's differ in their last bits with processor, threads and version.
    values = ours(K.Orthogonal(), (64, 48))
    assert weights.digest([values])[:16] == "f8f125653d871832"


@pytest.mark.parametrize("initializer", named(deterministic=False))
def test_drawing_in_pieces_changes_no_number(initializer, monkeypatch):
    at_once = ours(initializer, (30, 40))
    monkeypatch.setattr(initializers, "CHUNK", 7)
    np.testing.assert_array_equal(ours(initializer, (30, 40)), at_once)


class Wide(K.VarianceScaling):
    """Only sets arguments."""

    def __init__(self):
        super().__init__(scale=9.0, distribution="uniform")


class Own(K.VarianceScaling):
    """Draws in a way of its own."""

    def __call__(self, shape, dtype=None):
        return keras.ops.ones(shape, dtype)


def test_what_draws_decides_not_the_name():
    assert kind_of(Wide()) == "rule"
    assert ours(Wide()).std() == pytest.approx(theirs(Wide()).std(), rel=0.03)
    assert kind_of(Own()) == "custom"
    assert kind_of(lambda shape, dtype=None: keras.ops.ones(shape, dtype)) == "custom"
    assert kind_of(np.ones(3)) == "given"


def test_inside_a_function_keras_initialisers_draw_from_the_stream():
    def joined(shape):
        return keras.ops.concatenate([K.HeNormal()(shape), K.Ones()(shape)])

    def values():
        with initializers.drawn_from(np.random.default_rng(3)):
            return keras.ops.convert_to_numpy(joined((4, 4)))

    np.testing.assert_array_equal(values(), values())
    np.testing.assert_array_equal(values()[4:], np.ones((4, 4)))
    assert (keras.ops.convert_to_numpy(joined((4, 4))) != values())[:4].any()
