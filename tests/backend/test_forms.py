"""Every form of data that Keras takes, in every mode: trained as Keras itself trains on it."""

from __future__ import annotations

import numpy as np
import pytest

from harness.loop import NativeTraining
from harness.scenario import parse_settings
from harness.trial import backends, loops
from harness.trial.anatomy.ablate import one_example
from harness.trial.initial import initialised
from harness.trial.loops.native import UnweightedError
from harness.trial.parity.course import Course
from harness.trial.prepared import Prepared
from tests.backend.forms import CASES, SCENARIO
from tests.backend.models import learned

RICHEST = ("nested", "outputs in a list", "sample weights by output")
"""Those that a compiler is asked to take, which needs its time."""

TRAINED = [
    *(pytest.param("fit", case, "25", id=f"fit {case}") for case in CASES),
    *(pytest.param("custom_loop", case, "30", id=f"custom_loop {case}") for case in RICHEST),
    *(pytest.param("tuned", case, "30", id=f"tuned {case}") for case in RICHEST[2:]),
]


def prepare(case, backend, batch_size="25"):
    settings = parse_settings(SCENARIO, {"case": case, "batch_size": batch_size})
    data = SCENARIO.data(settings, None)
    return Prepared(
        chosen=SCENARIO,
        settings=settings,
        data=data,
        adapter=backends.load(backend),
        model=initialised(SCENARIO, settings, data, "common", 1),
    )


def by_keras(prepared):
    """What ``model.fit`` on the plain arrays comes to: weights and slots, and the test loss."""
    settings, data, model = prepared.settings, prepared.data, prepared.model
    arrays = dict(zip(("x", "y", "sample_weight"), data.train.batch, strict=False))
    batch = {"batch_size": settings.batch_size, "verbose": 0}
    model.fit(**arrays, **batch, epochs=settings.epochs, shuffle=False)
    tested = dict(zip(("x", "y", "sample_weight"), data.test.batch, strict=False))
    return learned(model), model.evaluate(**tested, **batch, return_dict=True)["loss"]


@pytest.mark.parametrize(("mode", "case", "batch_size"), TRAINED)
def test_a_mode_trains_to_the_weights_and_slots_that_keras_comes_to(
    mode, case, batch_size, backend
):
    expected, tested = by_keras(prepare(case, backend, batch_size))
    prepared = prepare(case, backend, batch_size)
    loop = loops.make(mode, prepared)
    loop.train(epochs=prepared.settings.epochs, callbacks=[])
    loop.put_back()
    for mine, theirs in zip(learned(prepared.model), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)
    test = prepared.adapter.batches(prepared.data.test, prepared.settings.batch_size)
    assert SCENARIO.evaluate(prepared.model, test)["loss"] == pytest.approx(tested, rel=1e-4)


def test_sample_weights_are_no_decoration(backend):
    plain, weighted = (by_keras(prepare(case, backend)) for case in ("array", "sample weights"))
    assert abs(plain[1] - weighted[1]) > 1e-3


@pytest.mark.parametrize("case", CASES)
def test_parity_trains_it_moved_and_as_it_is(case, backend):
    prepared = prepare(case, backend)
    trainings, arrays, _ = Course(prepared, "fit", 42).run(1)
    plain, moved = trainings
    assert len(plain.losses) == 3
    assert np.isfinite([*plain.losses, *plain.metrics]).all()
    # The gradients of the first batch belong to the loss of the first step of `fit`.
    assert plain.first_loss == pytest.approx(plain.losses[0], rel=1e-6)
    assert all(drift is not None and drift < 1e-4 for drift in moved.drift.values())
    assert any("first-batch/gradient of" in name for name in arrays)


@pytest.mark.parametrize("case", CASES)
def test_one_example_of_it_is_still_of_its_form(case):
    split = SCENARIO.data(parse_settings(SCENARIO, {"case": case}), None).train
    one = one_example(split, 3)
    assert one.examples == 3
    assert list(one.arrays()) == list(split.arrays())


class Unweighted(NativeTraining):
    """Native code that knows nothing of sample weights."""

    def __init__(self, settings):
        pass

    def place(self, inputs, labels):
        raise AssertionError("placed")

    load = run = state = place


def test_native_code_without_a_place_for_sample_weights_is_refused(backend, monkeypatch):
    monkeypatch.setattr(type(SCENARIO), "native", lambda *_: Unweighted)
    with pytest.raises(UnweightedError, match=r"sample weights.*modes fit, tuned"):
        loops.make("native", prepare("sample weights", backend))
    with pytest.raises(AssertionError, match="placed"):
        loops.make("native", prepare("array", backend))
