"""Every mode trains the same model: real trials in fresh processes, and loops in this one."""

from __future__ import annotations

import keras
import msgspec
import numpy as np
import pytest

from harness import data as rating_data
from harness import scenario
from harness.errors import HarnessError
from harness.loop import OwnLoop
from harness.records.cell import MODES
from harness.trial import backends, loops, weights
from harness.trial.initial import initialised
from harness.trial.loops.native import NoNativeError
from harness.trial.loops.stateful import Batches
from harness.trial.prepared import Prepared
from scenarios.ranking.native import UnknownToNativeError
from tests.backend.models import learned

SMALL = {
    "data": "synthetic",
    "synthetic_users": "40",
    "synthetic_movies": "30",
    "synthetic_ratings": "500",
    "first_layer": "8",
    "second_layer": "4",
    # 400 examples to train on: one batch is smaller than the others.
    "batch_size": "150",
}

# PyTorch compiles this one for as long as it does everything else.
TUNED = pytest.param("tuned", marks=pytest.mark.long)
OTHER_MODES = [TUNED if mode == "tuned" else mode for mode in MODES if mode != "fit"]


@pytest.fixture
def prepared(backend):
    """Makes the small scenario ready to train, from the same weights every time."""

    def prepare(**more: str) -> Prepared:
        chosen = scenario.find("ranking")
        settings = scenario.parse_settings(chosen, SMALL | more)
        data = chosen.data(settings, None)
        model = initialised(chosen, settings, data, "common", 1)
        return Prepared(
            chosen=chosen,
            settings=settings,
            data=data,
            adapter=backends.load(backend),
            model=model,
        )

    return prepare


def trained(mode, prepared, epochs=2):
    """What was learned in some epochs."""
    model = prepared.model
    loop = loops.make(mode, prepared)
    loop.train(epochs=epochs, callbacks=[])
    loop.put_back()
    return learned(model)


def expected(mode, prepared, epochs=2):
    """The same from ``fit``, which squares the slices of a row one by one on TensorFlow alone."""
    if mode == "tuned":
        return trained("fit", prepared, epochs)
    with prepared.adapter.rows_summed_first(prepared.model):
        return trained("fit", prepared, epochs)


@pytest.mark.parametrize("mode", OTHER_MODES)
def test_a_mode_ends_with_the_weights_and_slots_of_fit(mode, prepared):
    for ours, theirs in zip(trained(mode, prepared()), expected(mode, prepared()), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_the_custom_loop_takes_other_keras_optimizers(optimizer, prepared, backend):
    more = {"optimizer": optimizer, "learning_rate": "0.001"}
    if (backend, optimizer) == ("torch", "sgd"):
        with pytest.raises(
            HarnessError, match=r"torch_sgd.py, .*a number out of a tensor; .*modes fit or tuned"
        ):
            trained("custom_loop", prepared(**more), epochs=1)
        return
    found = trained("custom_loop", prepared(**more), epochs=1)
    as_fit = expected("custom_loop", prepared(**more), epochs=1)
    for ours, theirs in zip(found, as_fit, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_native_code_refuses_what_it_was_not_written_for(prepared):
    with pytest.raises(UnknownToNativeError, match=r"not with optimizer=adam.*custom_loop"):
        loops.make("native", prepared(optimizer="adam"))


def test_a_scenario_without_native_code_says_so(prepared, monkeypatch):
    there = prepared()
    monkeypatch.setattr(type(there.chosen), "native", lambda *_: None)
    with pytest.raises(NoNativeError, match=r"no native code for .*custom_loop"):
        loops.make("native", there)


NATIVE = {
    "dcn, cross": ("dcn", {}),
    "dcn, deep": ("dcn", {"structure": "deep"}),
    "two stages": ("two_stage", {"candidates": "20"}),
}


@pytest.mark.parametrize(("name", "settings"), NATIVE.values(), ids=NATIVE)
def test_the_native_code_of_every_scenario_trains_as_fit_does(name, settings, backend, table_path):
    if (backend, settings) == ("torch", {"structure": "deep"}):
        pytest.skip("compiles for half a minute what the crossed one has too")
    chosen = scenario.find(name)
    parsed = scenario.parse_settings(chosen, {"batch_size": "150"} | settings)
    data = chosen.data(parsed, rating_data.load(table_path))
    data = msgspec.structs.replace(data, train=data.train.map(lambda values: values[:400]))

    def ready():
        model = initialised(chosen, parsed, data, "common", 1)
        return Prepared(
            chosen=chosen,
            settings=parsed,
            data=data,
            adapter=backends.load(backend),
            model=model,
        )

    for ours, theirs in zip(trained("native", ready()), expected("native", ready()), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=2e-5)


def test_native_code_goes_on_counting_the_steps_of_its_optimizer(backend, table_path):
    """AdamW divides by what depends on the number of steps; a second training begins later."""
    chosen = scenario.find("dcn")
    parsed = scenario.parse_settings(chosen, {"batch_size": "150", "structure": "low_rank"})
    data = chosen.data(parsed, rating_data.load(table_path))
    data = msgspec.structs.replace(data, train=data.train.map(lambda values: values[:400]))

    def ended(mode):
        model = initialised(chosen, parsed, data, "common", 1)
        ready = Prepared(
            chosen=chosen, settings=parsed, data=data, adapter=backends.load(backend), model=model
        )
        loop = loops.make(mode, ready)
        with ready.adapter.rows_summed_first(model):
            loop.train(epochs=1, callbacks=[])
            loop.train(initial_epoch=1, epochs=2, callbacks=[])
        loop.put_back()
        return weights.current(model)

    for ours, theirs in zip(ended("native"), ended("fit"), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=2e-5)


class Noting(OwnLoop):
    """A fake that notes which batches it was to train on."""

    def __init__(self):
        self.seen = []

    def place(self, inputs, labels):
        return inputs["x"]

    def run(self, batches, start, stop):
        self.seen += [batches[index].tolist() for index in range(start, stop)]
        return batches.max(axis=1)

    def tensors(self):
        return []


def test_every_example_is_seen_once_and_in_order():
    loop = Noting()
    examples = np.arange(10.0)
    batches = Batches(loop, scenario.Split(inputs={"x": examples}, labels=examples), 4)
    done = batches.train(0, 1) + batches.train(1, 3)
    assert len(batches) == 3
    assert loop.seen == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert batches.losses(done).tolist() == [3, 7, 9]
    assert batches.mean_loss(done) == pytest.approx((3 * 4 + 7 * 4 + 9 * 2) / 10)


@pytest.mark.parametrize("mode", OTHER_MODES)
def test_a_trial_of_every_mode_ends_where_fit_ends(mode, run_child, good_record):
    code, record, output = run_child(mode=mode)
    assert code == 0, output
    assert record.quality.value == pytest.approx(good_record.quality.value, abs=5e-4)
    assert record.hashes.initial_weights == good_record.hashes.initial_weights
    assert [epoch.train_loss for epoch in record.epochs[:5]] == pytest.approx(
        [epoch.train_loss for epoch in good_record.epochs[:5]], abs=1e-4
    )
    assert record.phases.first_step_s > 0
    assert record.predictions[0].shown == pytest.approx(good_record.predictions[0].shown, abs=0.02)
    assert record.engine["jit_compile"] is True
    assert record.work == good_record.work


def test_pytorch_says_that_it_cannot_trace_random_layers(backend):
    if backend != "torch":
        pytest.skip("the other two carry the seeds along")
    layers = [keras.layers.Input((3,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(loss="mse", optimizer="sgd")
    with pytest.raises(HarnessError, match=r"seed generator.*modes fit or tuned"):
        backends.load(backend).custom_loop(model)


@pytest.mark.parametrize("mode", ["tuned", "custom_loop", "native"])
def test_pytorch_without_a_compiler_says_how_to_get_one(mode, prepared, backend, monkeypatch):
    if backend != "torch":
        pytest.skip("only PyTorch compiles C++")
    from torch._inductor import cpp_builder, exc

    def none_found():
        raise exc.InvalidCxxCompiler

    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", none_found)
    with pytest.raises(HarnessError, match=r"finds none: install g\+\+.*CXX.*--mode fit"):
        loops.make(mode, prepared())
