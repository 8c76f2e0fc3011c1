"""Small models that are awkward for a loop without Keras' trainer, and scenarios around them.

Every model takes `x` of shape `[examples, 4]` and gives one number.
"""

from __future__ import annotations

import hashlib
from typing import ClassVar

import keras
import numpy as np

from harness.scenario import Data, Metric, Scenario, Settings, Split

layers, ops = keras.layers, keras.ops


def learned(model):
    """The weights of a model and the slots of its optimizer, as they are now."""
    kept = (*model.trainable_variables, *model.optimizer.variables)
    return [np.array(ops.convert_to_numpy(variable.value)) for variable in kept]


class MakeSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """28 examples in batches of 8: the last one is smaller."""

    batch_size: int = 8
    epochs: int = 2


class Made(Scenario):
    """A scenario of one model; ``make`` gives its output for the input ``x``."""

    name: ClassVar[str] = "made"
    summary: ClassVar[str] = "A scenario of a test"
    version: ClassVar[int] = 1
    settings_type: ClassVar[type[Settings]] = MakeSettings
    metric: ClassVar[Metric] = Metric(
        name="loss",
        label="loss",
        direction="lower",
        reference=None,
        source="",
        target=None,
        tolerance=0.1,
    )

    def __init__(self, make, optimizer="adam", kind=keras.Model, **compiled):
        self._make = make
        self._optimizer = optimizer
        self._kind = kind
        self._compiled = {"loss": "mse"} | compiled

    def needs_table(self, settings):
        return False

    def data(self, settings, table):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(40, 4)).astype(np.float32)
        y = (x[:, :1] * 2 - x[:, 1:2]).astype(np.float32)
        return Data(
            train=Split(inputs={"x": x[:28]}, labels=y[:28]),
            test=Split(inputs={"x": x[28:]}, labels=y[28:]),
            sizes={},
            split_sha256=hashlib.sha256(x.tobytes()).hexdigest(),
            synthetic=True,
        )

    def model(self, settings, data):
        x = keras.Input((4,), name="x")
        model = self._kind({"x": x}, self._make(x))
        model.compile(optimizer=self._optimizer, **self._compiled)
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
        return dict(model.evaluate(test, return_dict=True, verbose=0))


class Weighted(layers.Layer):
    """Adds a loss of its own, and counts its calls in a variable that is not trained."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")
        self.calls = self.add_weight(
            shape=(), initializer="zeros", trainable=False, name="calls", dtype="float32"
        )

    def call(self, inputs):
        self.calls.assign(self.calls + 1.0)
        self.add_loss(0.1 * ops.sum(ops.square(self.scale)))
        return inputs * self.scale


class OwnLoss(keras.Model):
    """Computes its loss otherwise, as Keras lets a model do, and takes no ``training``."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        return ops.mean(ops.square(y - y_pred)) + 0.5 * ops.mean(ops.abs(y_pred))


def dense(x, **options):
    """Two layers, the first with ``options``."""
    return layers.Dense(1)(layers.Dense(3, activation="relu", **options)(x))


def between(layer):
    """``layer`` between two dense ones."""
    return lambda x: layers.Dense(1)(layer(layers.Dense(3, activation="relu")(x)))


def of_sequence(layer):
    """``layer`` on the input as a sequence of two steps."""
    return lambda x: layers.Dense(1)(layers.Flatten()(layer(layers.Reshape((2, 2))(x))))


def of_image(layer):
    """``layer`` on the input as a small image."""

    def made(x):
        image = layers.Dense(32)(x)
        return layers.Dense(1)(layers.Flatten()(layer(layers.Reshape((4, 4, 2))(image))))

    return made


def frozen(x):
    """The first layer is not trained."""
    layer = layers.Dense(3, activation="relu")
    layer.trainable = False
    return layers.Dense(1)(layer(x))


def twice(x):
    """One layer that is called two times."""
    layer = layers.Dense(4, activation="tanh")
    return layers.Dense(1)(layer(layer(x)))
