"""Common initial weights: every variable as its own initialiser would have it, drawn by NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from harness import data, scenario
from harness.trial import initial, weights
from harness.trial.custom import CustomWeights
from harness.trial.initial import UnknownOriginError, UnsteadyModelError


class Projected(keras.layers.Layer):
    """A layer with a frozen random projection, under no name that Keras would know."""

    def build(self, shape):
        self.projection = self.add_weight(
            shape=(shape[-1], 2), initializer="glorot_uniform", trainable=False
        )

    def call(self, values):
        return values @ self.projection


class Lazy(keras.layers.Layer):
    """A layer without ``build``: Keras builds what is in it by tracing ``call``."""

    def __init__(self):
        super().__init__()
        self.inner = keras.layers.EinsumDense("ab,bc->ac", output_shape=4)

    def call(self, values):
        return self.inner(values)


class Subclassed(keras.Model):
    """A model whose layers are built by the first call, one of them used twice."""

    def __init__(self):
        super().__init__()
        self.inner = keras.Sequential([keras.layers.Dense(4), Lazy()])
        self.shared = keras.layers.Dense(4)

    def call(self, values):
        return self.shared(self.shared(self.inner(values)))


def sequential(*layers):
    """Makes a model of ``layers`` on four inputs, each made anew."""

    def make():
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.layers.Dense(3), *(layer() for layer in layers)])
        weights.build(model, np.zeros((2, 4), np.float32))
        return model

    return make


def values(model):
    return [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in model.variables]


def digest(model):
    return weights.digest(weights.current(model))


def test_equal_seeds_give_equal_weights_and_others_do_not():
    make = sequential(Lazy)
    assert digest(initial.common(make, 7)) == digest(initial.common(make, 7))
    assert digest(initial.common(make, 7)) != digest(initial.common(make, 8))


def test_the_weights_are_the_same_numbers_on_every_backend():
    # Measured once; a change here makes older records incomparable.
    def make():
        return keras.Sequential(
            [
                keras.layers.Input((64,)),
                keras.layers.Dense(256, activation="relu"),
                keras.layers.Dense(1),
            ]
        )

    assert digest(initial.common(make, 1))[:16] == "e958f5af4e46ef2c"


def test_the_tutorials_weights_are_those_of_the_committed_records(table_path):
    ranking = scenario.find("ranking")
    settings = scenario.parse_settings(ranking)
    cut = ranking.data(settings, data.load(table_path))
    model = initial.initialised(ranking, settings, cut, "common", 42)
    assert digest(model)[:16] == "7b30326ee3c1de53"


def test_the_tutorials_model_is_made_only_once(table_path):
    ranking = scenario.find("ranking")
    settings = scenario.parse_settings(ranking)
    cut = ranking.data(settings, data.load(table_path))
    made = []

    def make():
        made.append(ranking.model(settings, cut))
        weights.build(made[-1], cut.train.inputs)
        return made[-1]

    assert initial.common(make, 42) is made[0]
    assert len(made) == 1


def test_nothing_is_drawn_while_the_model_is_made():
    with initial.noted() as origins:
        model = sequential(Lazy)()
    assert all((value == 0).all() for value in values(model))
    assert [origin.kind for origin in origins.all] == ["rule", "exact", "rule"]


def test_afterwards_keras_initialises_again_also_after_a_failure():
    initial.common(sequential(), 1)

    def fail():
        raise RuntimeError("no model")

    with pytest.raises(RuntimeError, match="no model"):
        initial.common(fail, 1)
    assert any((value != 0).any() for value in values(sequential()()))
    assert "__init__" not in vars(keras.Variable)
    assert "assign" not in vars(keras.Variable)


def test_frozen_random_variables_are_drawn_too_and_shift_no_trained_one():
    plain = initial.common(sequential(lambda: keras.layers.Dense(5)), 3)
    frozen = initial.common(sequential(Projected, lambda: keras.layers.Dense(5)), 3)
    again = initial.common(sequential(Projected, lambda: keras.layers.Dense(5)), 3)
    projection = keras.ops.convert_to_numpy(frozen.layers[1].projection.value)
    np.testing.assert_array_equal(
        projection, keras.ops.convert_to_numpy(again.layers[1].projection.value)
    )
    # Measured once, alike on the three backends.
    assert float(np.abs(projection).sum()) == pytest.approx(2.9583242, rel=1e-6)
    first, second = weights.current(plain), weights.current(frozen)
    np.testing.assert_array_equal(first[0], second[0])
    assert first[2].shape != second[2].shape


def test_a_frozen_layer_gets_the_same_values_every_time():
    def frozen():
        return keras.layers.Dense(6, trainable=False)

    one, two = (initial.common(sequential(frozen), 3) for _ in range(2))
    for mine, other in zip(values(one), values(two), strict=True):
        np.testing.assert_array_equal(mine, other)
    assert (values(one)[2] != 0).any()


def test_a_lazily_built_model_with_a_shared_layer_gets_its_weights():
    def make():
        model = Subclassed()
        weights.build(model, np.zeros((2, 4), np.float32))
        return model

    model = initial.common(make, 1)
    assert len(model.trainable_variables) == 5
    kernels = [value for value in weights.current(model) if value.ndim == 2]
    assert all(0.1 < value.std() < 1.0 for value in kernels)


def test_lora_after_it_was_enabled():
    def make():
        model = sequential(lambda: keras.layers.Dense(8))()
        model.layers[1].enable_lora(2)
        return model

    model = initial.common(make, 1)
    by_name = {
        v.name: w for v, w in zip(model.trainable_variables, weights.current(model), strict=True)
    }
    assert (by_name["lora_kernel_a"] != 0).all()
    assert not by_name["lora_kernel_b"].any()


def test_arrays_and_assigned_values_stay_as_they_were_given():
    table = np.arange(12, dtype=np.float32).reshape(3, 4)

    class Given(keras.layers.Layer):
        def build(self, shape):
            self.table = keras.Variable(table, name="table")

        def call(self, values):
            return values @ self.table

    def make():
        model = sequential(Given, lambda: keras.layers.Dense(2))()
        model.layers[2].set_weights([np.full((4, 2), 7.0), np.full(2, 8.0)])
        return model

    kernel, _, found, dense, bias = weights.current(initial.common(make, 1))
    assert (kernel != 0).all()
    np.testing.assert_array_equal(found, table)
    assert (dense == 7).all()
    assert (bias == 8).all()


def test_a_copy_of_a_layers_weights_is_a_copy_of_the_drawn_ones():
    def make():
        model = sequential(lambda: keras.layers.Dense(3))()
        first, second = model.layers
        second.kernel.assign(keras.ops.eye(3) @ first.kernel[:3])
        return model

    kernel, _, copied, _ = weights.current(initial.common(make, 1))
    assert (kernel != 0).all()
    np.testing.assert_allclose(copied, kernel[:3], rtol=1e-6)


def test_a_model_made_of_other_variables_each_time_is_refused():
    units = iter(range(3, 9))

    def make():
        model = sequential(lambda: keras.layers.Dense(next(units)))()
        model.layers[0].kernel.assign(np.ones((4, 3)))
        return model

    with pytest.raises(UnsteadyModelError, match=r"each time.*--init keras"):
        initial.common(make, 1)


def test_a_variable_that_was_made_before_is_named_with_the_ways_out():
    ready = sequential()()
    with pytest.raises(UnknownOriginError, match=r"kernel was made before.*--init keras"):
        initial.common(lambda: ready, 1)


def own_initializer(shape, dtype=None):
    return keras.random.normal(shape, dtype=dtype)


def custom_model():
    return sequential(lambda: keras.layers.Dense(5, kernel_initializer=own_initializer))()


def test_a_custom_initialiser_is_called_once_for_all_processes_of_a_folder(tmp_path, backend):
    first, second = (CustomWeights(str(tmp_path), "key") for _ in range(2))
    mine = initial.common(custom_model, 1, first)

    def never(*_, **__):
        raise AssertionError("called")

    def elsewhere():
        return sequential(lambda: keras.layers.Dense(5, kernel_initializer=never))()

    handed = initial.common(elsewhere, 1, second)
    assert digest(mine) == digest(handed)
    (path,) = first.sources
    assert path.endswith("/kernel")
    assert set(first.sources.values()) == set(second.sources.values()) == {backend}
    other = CustomWeights(str(tmp_path), "another seed or scenario")
    with pytest.raises(AssertionError, match="called"):
        initial.common(elsewhere, 1, other)


def test_without_a_folder_a_custom_initialiser_is_called_here(backend):
    found = CustomWeights()
    model = initial.common(custom_model, 1, found)
    assert weights.current(model)[2].std() == pytest.approx(1.0, abs=0.5)
    assert set(found.sources.values()) == {backend}
    assert digest(model) == digest(initial.common(custom_model, 1))
    assert digest(model) != digest(initial.common(custom_model, 2))


def test_the_values_of_keras_initialisers_are_handed_to_nobody(tmp_path):
    found = CustomWeights(str(tmp_path), "key")

    def make():
        keras.utils.set_random_seed(1)
        layers = [keras.layers.Input((5, 4)), keras.layers.LSTM(3, bias_initializer="he_normal")]
        return keras.Sequential(layers)

    initial.common(make, 1, found)
    assert not found.sources
    assert not list(tmp_path.iterdir())


def test_a_custom_initialiser_inside_one_of_keras_is_found():
    def make():
        layer = keras.layers.LSTM(3, bias_initializer=own_initializer)
        return keras.Sequential([keras.layers.Input((5, 4)), layer])

    found = CustomWeights()
    initial.common(make, 1, found)
    assert [path.rpartition("/")[2] for path in found.sources] == ["bias"]
