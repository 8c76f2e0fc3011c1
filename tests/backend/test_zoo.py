"""The zoo lives: Keras has no class that it does not know, and every case of it trains."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from harness import scenario
from harness.errors import RefusedError
from harness.probe import provenance
from harness.records.cell import Cell
from harness.records.parity import ParityTask
from harness.scenario import parse_settings
from harness.trial import weights
from harness.trial.initial import initialised
from harness.trial.parity.train import train

SCENARIOS = Path(__file__).parents[2] / "studies" / "zoo" / "scenarios"


def _zoo():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_SCENARIO_PATH", str(SCENARIOS))
        return scenario.find("zoo")


ZOO = _zoo()
CATALOGUE = sys.modules[f"{type(ZOO).__module__}.catalogue"]
MODULES = list(CATALOGUE.MODULES)
FIRST = list(dict.fromkeys(case for module in MODULES for case in CATALOGUE.first(module).values()))
"""One case of each class; the study trains their variants too."""

_IN_PLACE = "Keras' RandomBrightness changes its input in place on PyTorch"
_BY_VALUE = "makes a kernel as large as a number that it draws, which JAX does not have yet"
REFUSED = {
    ("torch", "RandomBrightness"): _IN_PLACE,
    ("torch", "RandomColorJitter"): _IN_PLACE,
    ("jax", "RandomElasticTransform"): _BY_VALUE,
}
"""What Keras cannot train, with the reason; see docs/zoo.md."""

FAILS = {
    _IN_PLACE: "inplace operation",
    # The last is of Keras' own wrapper, which trips over JAX's error.
    _BY_VALUE: "Abstract tracer value|no attribute '_error_repr'",
}


@pytest.mark.parametrize("module", MODULES)
def test_every_public_class_of_keras_has_a_case_or_a_reason(module):
    import keras

    assert CATALOGUE.missing(keras, module) == []
    assert CATALOGUE.unknown_to_keras(keras, module) == []
    assert not CATALOGUE.covered(module) & CATALOGUE.LEFT_OUT[module].keys()


@pytest.mark.parametrize("module", MODULES)
def test_a_class_that_a_new_keras_brings_is_named(module, monkeypatch):
    import keras

    class Novelty:
        pass

    monkeypatch.setattr(getattr(keras, module), "Novelty", Novelty, raising=False)
    assert CATALOGUE.missing(keras, module) == ["Novelty"]


def test_what_needs_tensorflow_is_refused_without_it(backend):
    import keras

    if backend == "tensorflow":
        return
    needing = [
        name
        for name, reason in CATALOGUE.LEFT_OUT["layers"].items()
        if reason == CATALOGUE.NEEDS_TENSORFLOW
    ]
    assert needing
    for name in needing:
        with pytest.raises(ImportError, match="requires TensorFlow"):
            getattr(keras.layers, name)(5)


# A layer that counts or rounds leaves the trained layer before it without a gradient.
@pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")
# PyTorch about its own code, the first time that Equalization is traced.
@pytest.mark.filterwarnings("ignore:.*Tensor.T is deprecated:UserWarning")
# Keras asks JAX for int64 in MixUp and in the IoU metrics.
@pytest.mark.filterwarnings("ignore:.*Explicitly requested dtype int64:UserWarning")
@pytest.mark.parametrize("case", FIRST)
def test_a_case_has_common_weights_and_trains(case, backend):
    import keras

    if (backend, case) in REFUSED:
        pytest.skip(REFUSED[backend, case])
    keras.utils.clear_session()
    settings = scenario.parse_settings(ZOO, {"case": case})
    data = ZOO.data(settings, None)
    model = initialised(ZOO, settings, data, "common", 42)
    assert all(np.isfinite(value).all() for value in weights.current(model))
    _train_a_step(model, data.train, settings.batch_size, backend)


@pytest.mark.parametrize(
    "case", [case for own, case in REFUSED if own == os.environ.get("KERAS_BACKEND")]
)
def test_what_keras_does_not_train_here_still_fails(case, backend):
    """Else it was mended, and the case belongs to the others: see docs/zoo.md."""
    import keras

    keras.utils.clear_session()
    settings = scenario.parse_settings(ZOO, {"case": case})
    data = ZOO.data(settings, None)
    model = initialised(ZOO, settings, data, "common", 42)
    with pytest.raises(Exception, match=FAILS[REFUSED[backend, case]]):
        _train_a_step(model, data.train, settings.batch_size, backend)


def _train_a_step(model, split, batch_size, backend):
    """One step, eagerly; JAX only works out what it gives, since it would compile every step."""
    x = {name: values[:batch_size] for name, values in split.inputs.items()}
    y = split.labels[:batch_size]
    if backend != "jax" or not model.jit_compile:  # some layers have Keras compile nothing
        model.run_eagerly = True
        assert np.isfinite(model.train_on_batch(x, y)[0])
        return
    import jax

    model.optimizer.build(model.trainable_variables)
    model._symbolic_build(data_batch=(x, y))
    state = model._get_jax_state(
        trainable_variables=True,
        non_trainable_variables=True,
        optimizer_variables=True,
        metrics_variables=True,
    )
    logs, _ = jax.eval_shape(lambda *given: model.train_step(given[0], given[1]), state, (x, y))
    assert "loss" in logs


@pytest.mark.skipif(os.environ["KERAS_BACKEND"] != "tensorflow", reason="others compile all of it")
def test_parity_refuses_a_step_that_xla_cannot_compile_in_one_line(monkeypatch):
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(SCENARIOS))
    settings = parse_settings(ZOO, {"case": "Resizing-bicubic"})
    task = ParityTask(
        cell=Cell(
            scenario="zoo",
            backend="tensorflow",
            device="cpu",
            mode="tuned",
            settings=msgspec.to_builtins(settings),
        ),
        seed=42,
        campaign="test",
        table=None,
        harness=provenance(),
        perturbations=0,
    )
    with pytest.raises(RefusedError, match=r"XLA cannot compile a training step.*ResizeBicubic"):
        train(task, dict(os.environ))
