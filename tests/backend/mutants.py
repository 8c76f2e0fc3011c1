"""A scenario whose model or optimizer is spoilt on one backend, to see whether parity names it.

``HARNESS_MUTANT`` says how, ``HARNESS_MUTANT_BACKEND`` on which backend. On every other backend,
and without a mutant, this is the ranking tutorial. To try one by hand, across backends::

    mkdir mutants && cp tests/backend/mutants.py mutants/
    HARNESS_SCENARIO_PATH=mutants HARNESS_MUTANT=labels HARNESS_MUTANT_BACKEND=torch \
        harness parity mutants
"""

from __future__ import annotations

import os

import msgspec
import numpy as np

from scenarios.ranking import Ranking, make_optimizer


def spoilt() -> str:
    """The mutant that this process has to be, or nothing."""
    import keras

    here = os.environ.get("HARNESS_MUTANT_BACKEND") == keras.backend.backend()
    return os.environ.get("HARNESS_MUTANT", "") if here else ""


class Mutants(Ranking):
    """The ranking tutorial with one thing wrong."""

    name = "mutants"
    summary = "The ranking tutorial with one thing wrong"

    def data(self, settings, table):
        data = super().data(settings, table)
        train = data.train
        if spoilt() == "batch order shifted by one":
            train = msgspec.structs.replace(
                train,
                inputs={n: np.roll(v, -settings.batch_size) for n, v in train.inputs.items()},
                labels=np.roll(train.labels, -settings.batch_size),
            )
        if spoilt() == "two batches swapped":
            first, second = settings.batch_size * 6, settings.batch_size * 7
            rows = np.arange(len(train.labels))
            rows[first : second + settings.batch_size] = np.roll(
                rows[first : second + settings.batch_size], settings.batch_size
            )
            train = msgspec.structs.replace(
                train,
                inputs={name: values[rows] for name, values in train.inputs.items()},
                labels=train.labels[rows],
            )
        if spoilt() == "labels scaled by 0.999":
            train = msgspec.structs.replace(train, labels=train.labels * np.float32(0.999))
        return msgspec.structs.replace(data, train=train)

    def model(self, settings, data):
        import keras

        model = super().model(settings, data)
        if spoilt() == "bias not trained":
            _without_gradient_of_bias(model.ratings.layers[1])
        if spoilt() == "bias frozen":
            model.ratings.layers[1].build = _freezing(model.ratings.layers[1])
        optimizer = make_optimizer(settings)
        if spoilt() == "learning rate +1%":
            optimizer = make_optimizer(
                msgspec.structs.replace(settings, learning_rate=settings.learning_rate * 1.01)
            )
        if spoilt() == "accumulator start 0.0999":
            optimizer = make_optimizer(
                msgspec.structs.replace(settings, initial_accumulator_value=0.0999)
            )
        if spoilt() == "epsilon outside the root":
            optimizer = _epsilon_outside()(
                learning_rate=settings.learning_rate,
                initial_accumulator_value=settings.initial_accumulator_value,
                epsilon=settings.epsilon,
            )
        model.compile(
            loss=keras.losses.MeanSquaredError(),
            metrics=[keras.metrics.RootMeanSquaredError()],
            optimizer=optimizer,
        )
        return model


def _without_gradient_of_bias(layer):
    """Let the loss not depend on the layer's bias, as a forgotten gradient would."""
    from keras import ops

    def call(inputs, training=None):  # noqa: ARG001 - Keras passes it by name
        return layer.activation(ops.matmul(inputs, layer.kernel) + ops.stop_gradient(layer.bias))

    layer.call = call


def _freezing(layer):
    """The layer's build, after which its bias is no trained variable."""
    build = layer.build

    def build_and_freeze(input_shape):
        build(input_shape)
        layer.bias.trainable = False

    return build_and_freeze


def _epsilon_outside():
    """Adagrad as most textbooks have it: epsilon added to the root instead of inside."""
    import keras
    from keras import ops

    class EpsilonOutside(keras.optimizers.Adagrad):
        def update_step(self, gradient, variable, learning_rate):
            rate = ops.cast(learning_rate, variable.dtype)
            accumulator = self._accumulators[self._get_variable_index(variable)]
            self.assign_add(accumulator, ops.square(gradient))
            root = ops.add(ops.sqrt(accumulator), self.epsilon)
            self.assign_sub(variable, ops.divide(ops.multiply(rate, gradient), root))

    return EpsilonOutside


SCENARIO = Mutants()
