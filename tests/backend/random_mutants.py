"""A model with random and normalising layers and attention, spoilt on one backend as told.

``HARNESS_MUTANT`` and ``HARNESS_MUTANT_BACKEND`` are those of ``mutants.py``.
"""

from __future__ import annotations

import hashlib
import os
from typing import ClassVar

import numpy as np

from harness.scenario import Data, Metric, Scenario, Split


def spoilt(mutant: str) -> bool:
    """Whether this process has to be that mutant."""
    import keras

    here = os.environ.get("HARNESS_MUTANT_BACKEND") == keras.backend.backend()
    return here and os.environ.get("HARNESS_MUTANT") == mutant


class RandomMutants(Scenario):
    """A classifier of made-up sequences with one thing wrong."""

    name: ClassVar[str] = "random_mutants"
    summary: ClassVar[str] = "A model with random layers, with one thing wrong"
    version: ClassVar[int] = 1
    metric = Metric(
        name="accuracy",
        label="test accuracy",
        direction="higher",
        reference=None,
        source="",
        target=None,
        tolerance=0.01,
    )

    def needs_table(self, settings):
        return False

    def data(self, settings, table):
        x = np.random.default_rng(0).random((176, 4, 3), dtype=np.float32)
        y = (x[:, 0, 0] > 0.5).astype(np.int32)
        return Data(
            train=Split(inputs={"x": x[:140]}, labels=y[:140]),
            test=Split(inputs={"x": x[140:]}, labels=y[140:]),
            sizes={},
            split_sha256=hashlib.sha256(x.tobytes()).hexdigest(),
            synthetic=True,
        )

    def model(self, settings, data):
        import keras
        from keras import layers

        def either(mutant, wrong, right):
            return wrong if spoilt(mutant) else right

        x = keras.Input((4, 3), name="x")
        hidden = layers.LSTM(
            6,
            dropout=either("rate of LSTM", 0.3, 0.2),
            activation=either("activation of LSTM", "relu", "tanh"),
            return_sequences=True,
            name="lstm",
        )(x)
        hidden = layers.MultiHeadAttention(
            2, 4, dropout=either("rate of attention", 0.3, 0.2), name="attention"
        )(hidden, hidden)
        hidden = layers.Flatten(name="flat")(hidden)
        hidden = layers.BatchNormalization(
            momentum=either("momentum", 0.98, 0.99),
            epsilon=either("epsilon", 2e-3, 1e-3),
            name="normal",
        )(hidden)
        hidden = layers.Dropout(either("rate", 0.31, 0.3), name="drop")(hidden)
        scale = keras.initializers.VarianceScaling(either("scale", 1.01, 1.0))
        hidden = layers.Dense(
            8,
            activation=either("activation", "relu", "elu"),
            kernel_initializer=scale,
            name="hidden",
        )(hidden)
        outputs = layers.Dense(2, activation="softmax", name="last")(hidden)
        model = keras.Model({"x": x}, outputs)
        if spoilt("one bias"):
            _shift_one_unit(model.get_layer("last"))
        rate = either("diverges in the second epoch", _huge_from_the_fourth_step(), 1e-3)
        optimizer = keras.optimizers.Adam(rate)
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    def fit(self, model, train, *, epochs, initial_epoch=0, callbacks=None):
        model.fit(
            train,
            epochs=epochs,
            initial_epoch=initial_epoch,
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )

    def evaluate(self, model, test):
        return model.evaluate(test, return_dict=True, verbose=0)


def _huge_from_the_fourth_step():
    import keras

    return keras.optimizers.schedules.PiecewiseConstantDecay([2], [1e-3, 1e30])


def _shift_one_unit(layer):
    """Let one unit give a little more than its weights say."""
    from keras import ops

    def call(inputs, training=None):  # noqa: ARG001 - Keras passes it by name
        shift = ops.convert_to_tensor(np.array([1e-3, 0.0], np.float32))
        given = ops.add(ops.matmul(inputs, layer.kernel), layer.bias)
        return layer.activation(ops.add(given, shift))

    layer.call = call


SCENARIO = RandomMutants()
