"""Weights that NumPy replaces need not be drawn; whatever else is random still is."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from harness.trial import initial, weights


class Projected(keras.layers.Layer):
    """A layer with a frozen random projection."""

    def build(self, shape):
        self.projection = self.add_weight(
            shape=(shape[-1], 2), initializer="glorot_uniform", trainable=False
        )

    def call(self, values):
        return values @ self.projection


def make(*layers):
    def made():
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.layers.Dense(3), *(layer() for layer in layers)])
        model.build((None, 4))
        return model

    return made


def values(model):
    return [keras.ops.convert_to_numpy(variable) for variable in model.variables]


def test_random_trainable_weights_are_zeros_until_they_are_assigned():
    model = initial.build_undrawn(make())
    assert all((value == 0).all() for value in values(model))
    weights.assign(model, weights.draw(model, 7))
    usual = make()()
    weights.assign(usual, weights.draw(usual, 7))
    assert weights.digest(weights.current(model)) == weights.digest(weights.current(usual))


def test_a_model_with_other_random_values_is_made_as_usual():
    found = initial.build_undrawn(make(Projected))
    for mine, usual in zip(values(found), values(make(Projected)()), strict=True):
        np.testing.assert_array_equal(mine, usual)
    assert any((value != 0).any() for value in values(found))


def test_the_tutorials_model_is_made_only_once(table_path):
    from harness import data, scenario

    ranking = scenario.find("ranking")
    settings = scenario.parse_settings(ranking)
    cut = ranking.data(settings, data.load(table_path))
    made = []

    def make_ranking():
        model = ranking.model(settings, cut)
        weights.build(model, cut.train.inputs)
        made.append(model)
        return model

    assert initial.build_undrawn(make_ranking) is made[0]
    assert len(made) == 1


def test_afterwards_initialisers_draw_again():
    initial.build_undrawn(make())
    assert (keras.ops.convert_to_numpy(keras.initializers.GlorotUniform()((8, 8))) != 0).any()


def test_they_draw_again_after_a_failure_too():
    def fail():
        raise RuntimeError("no model")

    with pytest.raises(RuntimeError, match="no model"):
        initial.build_undrawn(fail)
    assert (keras.ops.convert_to_numpy(keras.initializers.GlorotUniform()((8, 8))) != 0).any()
