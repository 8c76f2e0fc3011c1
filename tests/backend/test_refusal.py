"""A mode trains what `fit` trains, or is refused before it trains anything."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest

from harness import scenario
from harness.errors import RefusedError
from harness.scenario import Scenario
from harness.trial import backends, loops, refusal, weights
from harness.trial.prepared import Prepared
from harness.trial.slots import value_of
from tests.backend import models
from tests.backend.models import Made, between, dense

layers = keras.layers


@pytest.fixture
def prepared(backend):
    """Makes a scenario ready to train, from the same weights every time."""

    def prepare(chosen: Scenario) -> Prepared:
        keras.utils.set_random_seed(3)
        settings = scenario.parse_settings(chosen)
        data = chosen.data(settings, None)
        model = chosen.model(settings, data)
        adapter = backends.load(backend)
        weights.build(model, data.train.inputs)
        rng = np.random.default_rng(5)
        for variable in model.trainable_variables:
            variable.assign(rng.normal(scale=0.3, size=variable.shape).astype(np.float32))
        return Prepared(chosen=chosen, settings=settings, data=data, adapter=adapter, model=model)

    return prepare


def why(mode, ready):
    """Why a mode is refused; fails if it is not."""
    with pytest.raises(RefusedError) as refused:
        refusal.require(mode, ready)
    return str(refused.value)


def with_fit(fit):
    """The plain scenario with another ``fit``: of self, model, train, and what is asked for."""

    class Own(Made):
        def fit(self, model, train, *, epochs, initial_epoch=0, callbacks=None):
            plain = {
                "epochs": epochs,
                "initial_epoch": initial_epoch,
                "callbacks": callbacks,
                "shuffle": False,
                "verbose": 0,
            }
            return fit(model, train, plain)

    return Own(dense)


class TestModel:
    """What the model itself has in place of Keras' trainer."""

    @pytest.mark.parametrize("name", ["train_step", "fit", "make_train_function"])
    def test_a_method_of_its_own(self, prepared, name):
        kind = type("Own", (keras.Model,), {name: lambda *_, **__: None})
        chosen = Made(dense, kind=kind)
        assert f"the model has its own {name}" in why("custom_loop", prepared(chosen))
        refusal.require("fit", prepared(chosen))
        refusal.require("tuned", prepared(chosen))

    def test_a_method_put_on_the_object(self, prepared):
        ready = prepared(Made(dense))
        ready.model.train_step = lambda *_: None
        assert "its own train_step" in why("custom_loop", ready)

    def test_the_loop_itself_is_refused_too(self, prepared):
        kind = type("Own", (keras.Model,), {"train_step": lambda *_: None})
        with pytest.raises(RefusedError, match="its own train_step"):
            loops.make("custom_loop", prepared(Made(dense, kind=kind)))

    @pytest.mark.parametrize("mode", ["tuned", "custom_loop"])
    def test_one_that_runs_eagerly(self, prepared, mode):
        ready = prepared(Made(dense, run_eagerly=True))
        assert "run_eagerly=True" in why(mode, ready)

    def test_weights_that_are_averaged_when_fit_ends(self, prepared):
        chosen = Made(dense, keras.optimizers.Adam(use_ema=True))
        assert "after the last epoch (use_ema=True)" in why("custom_loop", prepared(chosen))

    def test_the_same_inside_another_optimizer(self, prepared):
        inner = keras.optimizers.Adam(use_ema=True)
        chosen = Made(dense, keras.optimizers.LossScaleOptimizer(inner))
        assert "use_ema=True" in why("custom_loop", prepared(chosen))


class TestFit:
    """What the scenario's own ``fit`` does beside one plain ``model.fit``."""

    @pytest.mark.parametrize(
        ("fit", "reason"),
        [
            (lambda m, t, p: m.fit(t, class_weight={0: 2.0}, **p), "sets class_weight"),
            (lambda m, t, p: m.fit(t, sample_weight=np.ones(3), **p), "sets sample_weight"),
            (lambda m, t, p: m.fit(t, validation_data=t, **p), "sets validation_data"),
            (lambda m, t, p: m.fit(t, steps_per_epoch=2, **p), "sets steps_per_epoch"),
            (lambda m, t, p: [m.fit(t, **p), m.fit(t, **p)], "calls model.fit 2 times"),
            (lambda *_: None, "calls model.fit 0 times"),
            (lambda m, t, p: m.fit(t, **p | {"epochs": 9}), "trains other epochs"),
            (lambda m, t, p: m.fit({"x": t}, **p), "trains on something else"),
            (lambda m, t, _: [m.train_on_batch(b) for b in t], "cannot be followed before it"),
            (lambda m, t, p: [m.train_on_batch(t), m.fit(t, **p)], "calls model.train_on_batch"),
            (lambda m, t, p: [m.compile("sgd", "mse"), m.fit(t, **p)], "calls model.compile"),
            (lambda m, t, p: m.fit(t, **p).missing, "cannot be followed after model.fit"),
            (
                lambda m, t, p: [setattr(m.optimizer, "learning_rate", 0.5), m.fit(t, **p)],
                "assigns to",
            ),
            (
                lambda m, t, p: [setattr(m.layers[1], "trainable", False), m.fit(t, **p)],
                "changes which variables are trained",
            ),
            (
                lambda m, t, p: m.fit(
                    t,
                    **p
                    | {"callbacks": [*p["callbacks"], keras.callbacks.ReduceLROnPlateau("loss")]},
                ),
                "has callbacks of its own (ReduceLROnPlateau)",
            ),
        ],
    )
    @pytest.mark.parametrize("mode", ["custom_loop", "native"])
    def test_more_than_one_plain_fit(self, prepared, mode, fit, reason):
        told = why(mode, prepared(with_fit(fit)))
        assert f"{mode} goes without the scenario's fit, which " in told
        assert reason in told

    def test_shuffled_batches_but_of_tf_data_which_keras_leaves_alone(self, prepared, backend):
        ready = prepared(with_fit(lambda m, t, p: m.fit(t, **p | {"shuffle": True})))
        if backend == "tensorflow":
            refusal.require("custom_loop", ready)
        else:
            assert "shuffles the batches" in why("custom_loop", ready)

    @pytest.mark.parametrize(
        "fit",
        [
            lambda m, t, p: m.fit(t, **p),
            lambda m, t, p: m.fit(x=t, class_weight=None, validation_split=0, **p),
            lambda m, t, p: m.fit(t, steps_per_epoch=4, **p | {"verbose": 2}),
            lambda m, t, p: print(m.fit(t, **p).history["loss"][-1]),
        ],
    )
    def test_what_is_plain_is_not_refused_and_nothing_is_trained(self, prepared, fit):
        ready = prepared(with_fit(fit))
        before = weights.digest(weights.current(ready.model))
        for mode in ("tuned", "custom_loop", "native"):
            refusal.require(mode, ready)
        assert weights.digest(weights.current(ready.model)) == before
        assert "fit" not in vars(ready.model)
        assert not hasattr(keras.Variable.assign, "__wrapped__")

    def test_tuned_is_refused_where_a_callback_must_see_each_batch(self, prepared):
        class EveryBatch(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None): ...

        class EveryEpoch(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None): ...

        def fit_with(callback):
            return lambda m, t, p: m.fit(t, **p | {"callbacks": [*p["callbacks"], callback]})

        assert "acts at every batch (EveryBatch)" in why(
            "tuned", prepared(with_fit(fit_with(EveryBatch())))
        )
        refusal.require("tuned", prepared(with_fit(fit_with(EveryEpoch()))))


ZOO = {
    "dense": lambda: Made(dense),
    "constraint": lambda: of(dense, kernel_constraint=keras.constraints.UnitNorm()),
    "regulariser": lambda: of(
        dense, kernel_regularizer="l2", activity_regularizer=keras.regularizers.L1(0.1)
    ),
    "added loss": lambda: Made(between(models.Weighted())),
    "frozen": lambda: Made(models.frozen),
    "shared": lambda: Made(models.twice),
    "batch normalization": lambda: Made(between(layers.BatchNormalization())),
    "dropout": lambda: Made(between(layers.Dropout(0.4, seed=1))),
    "noise": lambda: Made(between(layers.GaussianNoise(0.3, seed=1))),
    "spectral": lambda: Made(between(layers.SpectralNormalization(layers.Dense(3)))),
    "lstm": lambda: Made(models.of_sequence(layers.LSTM(3, seed=1))),
    "attention": lambda: Made(models.of_sequence(lambda x: layers.MultiHeadAttention(2, 3)(x, x))),
    "recurrent dropout": lambda: Made(
        models.of_sequence(layers.GRU(3, recurrent_dropout=0.3, seed=1))
    ),
    "convolution": lambda: Made(
        models.of_image(
            keras.Sequential([layers.Conv2D(3, 2, use_bias=False), layers.BatchNormalization()])
        )
    ),
    "own loss": lambda: Made(dense, kind=models.OwnLoss),
    "loss weights": lambda: Made(dense, loss_weights=[0.25]),
    "schedule": lambda: Made(
        dense, keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5))
    ),
    "clipped": lambda: Made(dense, keras.optimizers.Adam(0.05, clipnorm=0.1, weight_decay=0.1)),
    "accumulated": lambda: Made(dense, keras.optimizers.Adam(gradient_accumulation_steps=2)),
    "scaled loss": lambda: Made(dense, keras.optimizers.Adam(loss_scale_factor=1024.0)),
    "scaled dynamically": lambda: Made(
        dense, keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())
    ),
    "own optimizer step": lambda: Made(dense, Halved(0.1)),
}


def of(made, **options):
    """A scenario of a model that is made with options."""
    return Made(functools.partial(made, **options))


class Halved(keras.optimizers.Adam):
    """Applies half of each gradient."""

    def apply(self, grads, trainable_variables=None):
        super().apply([0.5 * gradient for gradient in grads], trainable_variables)


RANDOM = {"dropout", "noise", "recurrent dropout"}
"""Models that draw random numbers while they train."""

REFUSED = {
    "torch": {
        "dropout": "seed generator",
        "noise": "seed generator",
        "recurrent dropout": "seed generator",
        "lstm": "seed generator",
        "spectral": "cannot trace",
        "accumulated": "cannot trace",
        "scaled dynamically": "cannot trace",
    },
    "jax": {},
    "tensorflow": {},
}
"""By backend, what ``custom_loop`` cannot train, and a part of the reason."""


def trained(mode, ready):
    """Every variable of model and optimizer after two epochs."""
    loop = loops.make(mode, ready)
    loop.train(epochs=2, callbacks=[])
    loop.put_back()
    variables = (*ready.model.variables, *ready.model.optimizer.variables)
    return [(variable.name, value_of(variable)) for variable in variables]


@pytest.mark.parametrize("name", ZOO)
def test_the_custom_loop_trains_what_fit_trains_or_is_refused(name, prepared, backend):
    reason = REFUSED[backend].get(name)
    if reason is not None:
        with pytest.raises(RefusedError, match=reason):
            trained("custom_loop", prepared(ZOO[name]()))
        return
    # XLA draws other numbers than TensorFlow without it.
    as_mode = "tuned" if backend == "tensorflow" and name in RANDOM else "fit"
    ours = trained("custom_loop", prepared(ZOO[name]()))
    theirs = trained(as_mode, prepared(ZOO[name]()))
    for (called, value), (_, wanted) in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=2e-4, atol=2e-5, err_msg=called)


OPTIMIZERS = {
    # Its numbers go through NumPy, which a trace takes for constants.
    "Nadam": False,
    # It reads a momentum that it has changed in place, which a functional step does not.
    "ScheduleFreeAdamW": False,
    "Adagrad": True,
    "Adam": True,
    "Lion": True,
}
"""Whether a traced step of PyTorch's custom_loop trains what Keras' own step does (Keras 3.15)."""


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_before_it_trains_pytorchs_loop_compares_its_steps_with_those_of_keras(
    name, prepared, backend
):
    if backend != "torch":
        pytest.skip("the other two trace the optimizer's own step")
    chosen = Made(dense, getattr(keras.optimizers, name)(0.01))
    ready = prepared(chosen)
    loop = loops.own_loop("custom_loop", ready)
    variables = (*ready.model.variables, *ready.model.optimizer.variables)
    before = [value_of(variable) for variable in variables]
    batch = ready.data.train.map(lambda values: values[None, :16]).batch
    if OPTIMIZERS[name]:
        loop.rehearse(*batch)
    else:
        with pytest.raises(RefusedError, match="in another way than Keras"):
            loop.rehearse(*batch)
    for variable, value in zip(variables, before, strict=True):
        np.testing.assert_array_equal(value_of(variable), value, err_msg=variable.path)


def test_tensorflows_loop_refuses_a_size_that_is_known_only_when_the_step_runs(prepared, backend):
    if backend != "tensorflow":
        pytest.skip("it is XLA within TensorFlow that knows a bound alone")

    def cropped(x):
        image = layers.Reshape((2, 2, 1))(layers.Dense(4)(x))
        return layers.Flatten()(layers.RandomCrop(1, 1)(image))

    def whole(x):
        image = layers.Reshape((2, 2, 1))(layers.Dense(4)(x))
        return layers.Dense(1)(layers.Flatten()(layers.RandomFlip()(image)))

    batch = prepared(Made(cropped)).data.train.map(lambda values: values[None, :16]).batch
    with pytest.raises(RefusedError, match="known only when it runs"):
        loops.own_loop("custom_loop", prepared(Made(cropped))).rehearse(*batch)
    loops.own_loop("custom_loop", prepared(Made(whole))).rehearse(*batch)


def test_the_optimizers_variables_are_made_once_whoever_asks_for_them(prepared):
    from harness.trial.parity.state import State

    inner = keras.optimizers.Adam()
    ready = prepared(Made(dense, keras.optimizers.LossScaleOptimizer(inner)))
    State(ready.model)
    made = [id(variable) for variable in ready.model.optimizer.variables]
    loops.own_loop("custom_loop", ready)
    assert [id(variable) for variable in ready.model.optimizer.variables] == made


def test_what_an_evaluation_changes_is_there_in_the_next_epoch(prepared, backend):
    if backend == "tensorflow":
        pytest.skip("XLA draws other numbers than TensorFlow without it")
    if backend == "torch":
        pytest.skip("a layer that draws is refused")

    class Counting(layers.Layer):
        """Draws in evaluation too, and shows it in its output while it trains."""

        def build(self, _):
            self.seed = keras.random.SeedGenerator(7)

        def call(self, inputs, training=False):
            drawn = keras.random.uniform((1,), seed=self.seed)
            return inputs + drawn if training else inputs + 0.0 * drawn

    def trained_with_evaluations(mode):
        ready = prepared(Made(lambda x: dense(Counting()(x))))
        loop = loops.make(mode, ready)
        for epoch in range(2):
            loop.train(epochs=epoch + 1, initial_epoch=epoch, callbacks=[])
            loop.put_back()
            ready.chosen.evaluate(ready.model, ready.adapter.batches(ready.data.test, 16))
        return [(v.name, value_of(v)) for v in ready.model.trainable_variables]

    ours, theirs = (trained_with_evaluations(mode) for mode in ("custom_loop", "fit"))
    for (called, value), (_, wanted) in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=2e-4, atol=2e-5, err_msg=called)
