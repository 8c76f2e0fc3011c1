"""The work of a step that a scenario counts on paper, held against the compiler's own count."""

from __future__ import annotations

import numpy as np
import pytest

from harness import data as rating_data
from harness import scenario
from scenarios.ranking import work

CHANGED = {
    "default": {},
    "another batch": {"batch_size": "256"},
    "other layers and optimizer": {
        "embedding_dimension": "64",
        "first_layer": "128",
        "second_layer": "256",
        "optimizer": "adam",
    },
    "large batch, no slots": {"batch_size": "4096", "optimizer": "sgd"},
}


@pytest.fixture(scope="module")
def ranking():
    return scenario.find("ranking")


@pytest.fixture(scope="module", params=CHANGED.values(), ids=CHANGED)
def case(request, ranking, table_path):
    settings = scenario.parse_settings(ranking, request.param)
    return settings, ranking.data(settings, rating_data.load(table_path))


@pytest.mark.parametrize("name", scenario.names())
def test_every_scenario_counts_its_work_or_says_that_nobody_did(name, table_path):
    chosen = scenario.find(name)
    settings = scenario.parse_settings(chosen)
    table = rating_data.load(table_path) if chosen.needs_table(settings) else None
    counted = chosen.work(settings, chosen.data(settings, table))
    assert counted is None or min(counted.flops, counted.bytes) > 0


def test_the_kernels_that_are_counted_are_those_of_the_model(ranking, case):
    settings, data = case
    model = ranking.model(settings, data)
    model({name: values[:2] for name, values in data.train.inputs.items()})
    kernels = sum(
        int(np.prod(variable.shape))
        for variable in model.trainable_variables
        if variable.path.endswith("kernel")
    )
    counted = ranking.work(settings, data)
    assert counted.flops == 6 * settings.batch_size * kernels


def test_xla_counts_the_same_arithmetic_and_no_fewer_bytes(backend, ranking, case):
    if backend != "jax":
        pytest.skip("only JAX gives the compiler's cost analysis of a step")
    settings, data = case
    found = _cost_of_a_step(ranking.model(settings, data), data, settings.batch_size)
    counted = ranking.work(settings, data)
    # The compiler also counts what is no matrix product.
    assert counted.flops <= found["flops"] <= 1.1 * counted.flops
    assert counted.bytes <= found["bytes accessed"]


def test_a_row_that_a_batch_names_twice_is_counted_once():
    assert work.distinct_rows(np.array([1, 1, 2, 3, 3, 3]), 3) == 1.5
    assert work.distinct_rows(np.array([1, 1]), 5) == 1


def _cost_of_a_step(model, data, batch_size):
    """XLA's analysis of forward, backward and update of one batch of the Keras model."""
    import jax

    inputs = {name: values[:batch_size] for name, values in data.train.inputs.items()}
    labels = data.train.labels[:batch_size]
    model(inputs)
    model.optimizer.build(model.trainable_variables)

    def loss(trainable, fixed, inputs, labels):
        outputs, _ = model.stateless_call(trainable, fixed, inputs)
        return model.compute_loss(y=labels, y_pred=outputs)

    def step(trainable, fixed, slots, inputs, labels):
        value, gradients = jax.value_and_grad(loss)(trainable, fixed, inputs, labels)
        trainable, slots = model.optimizer.stateless_apply(slots, gradients, trainable)
        return value, trainable, slots

    state = [
        [variable.value for variable in variables]
        for variables in (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
        )
    ]
    found = jax.jit(step).lower(*state, inputs, labels).compile().cost_analysis()
    return found if isinstance(found, dict) else found[0]
