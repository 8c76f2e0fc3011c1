"""A scenario in every form that Keras takes data in: a case for each."""

from __future__ import annotations

import hashlib
from typing import ClassVar, Literal, get_args

import numpy as np

from harness.scenario import Data, Metric, Scenario, Settings, Split

Case = Literal[
    "array",
    "list",
    "nested",
    "outputs by name",
    "outputs in a list",
    "sample weights",
    "sample weights by output",
]

CASES: tuple[Case, ...] = get_args(Case)

TEST = slice(60, 90)
TRAIN = slice(0, 60)


class FormSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    case: Case = "array"
    batch_size: int = 25  # the last batch is smaller
    epochs: int = 2
    metric: str = "loss"


class Forms(Scenario):
    """Learns made-up numbers."""

    name: ClassVar[str] = "forms"
    summary: ClassVar[str] = "Every form of data"
    version: ClassVar[int] = 1
    settings_type = FormSettings
    metric = Metric(
        name="loss",
        label="test loss",
        direction="lower",
        reference=None,
        source="",
        target=None,
        tolerance=1e-3,
    )

    def needs_table(self, settings):
        return False

    def data(self, settings, table):
        rng = np.random.default_rng(0)
        x, z = rng.random((90, 5), dtype=np.float32), rng.random((90, 3, 2), dtype=np.float32)
        y = x[:, :1] + z[:, 0, :1]
        classes = (x[:, 0] > 0.5).astype(np.int32)
        weight = rng.random(90, dtype=np.float32) * 3
        inputs, labels, weights = {
            "array": (x, y, None),
            "list": ([x, z], y, None),
            "nested": ({"x": x, "rest": (z, {"again": x})}, y, None),
            "outputs by name": ({"x": x}, {"number": y, "kind": classes}, None),
            "outputs in a list": ([x, z], [y, classes], None),
            "sample weights": (x, y, weight),
            "sample weights by output": (
                {"x": x},
                {"number": y, "kind": classes},
                {"number": weight, "kind": weight[::-1].copy()},
            ),
        }[settings.case]
        split = Split(inputs=inputs, labels=labels, sample_weights=weights)
        return Data(
            train=split.map(lambda values: values[TRAIN]),
            test=split.map(lambda values: values[TEST]),
            sizes={},
            split_sha256=hashlib.sha256(x.tobytes()).hexdigest(),
            synthetic=True,
        )

    def model(self, settings, data):
        import keras

        x, z = keras.Input((5,), name="x"), keras.Input((3, 2), name="z")
        joined = keras.layers.Concatenate()([x, keras.layers.Flatten()(z)])
        hidden = keras.layers.Dense(7, activation="tanh")
        number = keras.layers.Dense(1, name="number")
        kind = keras.layers.Dense(2, activation="softmax", name="kind")
        losses = {"number": "mse", "kind": "sparse_categorical_crossentropy"}
        if settings.case in {"array", "sample weights"}:
            model, loss = keras.Model(x, number(hidden(x))), "mse"
        elif settings.case == "list":
            model, loss = keras.Model([x, z], number(hidden(joined))), "mse"
        elif settings.case == "nested":
            again = keras.Input((5,), name="again")
            every = keras.layers.Concatenate()([joined, again])
            inputs = {"x": x, "rest": (z, {"again": again})}
            model, loss = keras.Model(inputs, number(hidden(every))), "mse"
        elif settings.case == "outputs in a list":
            features = hidden(joined)
            model = keras.Model([x, z], [number(features), kind(features)])
            loss = list(losses.values())
        else:
            features = hidden(x)
            outputs = {"number": number(features), "kind": kind(features)}
            model, loss = keras.Model({"x": x}, outputs), losses
        # Adagrad, whose step PyTorch can trace.
        model.compile(optimizer=keras.optimizers.Adagrad(0.05), loss=loss)
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


SCENARIO = Forms()
