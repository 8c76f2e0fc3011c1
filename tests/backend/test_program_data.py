"""The examples that a script trains on, in whatever form, and its training compared by parity."""

from __future__ import annotations

import numpy as np
import pytest

from harness.errors import HarnessError

from .scripts import COMMON, FIT, MODEL, OWN_LOOP, only

GENERATOR = MODEL + (
    "def batches():\n"
    "    for i in range(0, 96, 16): yield x[i:i + 16], y[i:i + 16]\n"
    "model.fit(batches(), epochs=1, verbose=0)\n"
)


def test_a_generator_that_is_used_up_is_told(run_script):
    record = run_script(GENERATOR)
    assert only(record).input == "generator"
    assert only(record).batch_size == 16
    assert record.epochs[0].steps == 6
    assert record.program.repeated_epochs == 0
    assert "used up" in record.program.remarks[0]


def test_an_endless_generator_is_repeated(run_script):
    endless = GENERATOR.replace("    for", "    while True:\n     for").replace(
        "epochs=1", "epochs=1, steps_per_epoch=3"
    )
    record = run_script(endless)
    assert {epoch.steps for epoch in record.epochs} == {3}
    assert record.program.repeated_epochs > 0


DATASET = MODEL + (
    "class Batches(keras.utils.PyDataset):\n"
    "    def __len__(self): return 6\n"
    "    def __getitem__(self, i): return x[16 * i:16 * i + 16], y[16 * i:16 * i + 16]\n"
    "model.fit(Batches(), epochs=2, verbose=0)\n"
)


def test_the_same_batches_have_one_hash_whatever_form_they_come_in(run_script):
    of_arrays, of_dataset, of_generator = (
        only(run_script(t)) for t in (MODEL + FIT, DATASET, GENERATOR)
    )
    assert of_dataset.input == "PyDataset"
    assert not of_dataset.shuffled
    assert of_arrays.batches_sha256 == of_dataset.batches_sha256 == of_generator.batches_sha256
    other = run_script((MODEL + FIT).replace("default_rng(1)", "default_rng(2)"))
    assert only(other).batches_sha256 != of_arrays.batches_sha256


@pytest.mark.parametrize(
    "change",
    [
        ("batch_size=16,", "batch_size=16, class_weight={0: 1.0, 1: 2.0},"),
        ("batch_size=16,", "batch_size=16, sample_weight=np.ones(96),"),
        ("batch_size=16,", "batch_size=16, shuffle=False,"),
        ("verbose=0", "callbacks=[keras.callbacks.EarlyStopping('loss', patience=0)]"),
        ("metrics=", "run_eagerly=True, metrics="),
    ],
    ids=["class weights", "sample weights", "in order", "early stopping", "eager"],
)
def test_other_ways_to_train_are_measured_too(run_script, change):
    record = run_script((MODEL + FIT).replace(*change))
    assert record.status == "ok"
    assert record.program.repeated_epochs >= 1
    assert {epoch.steps for epoch in record.epochs} == {6}


def test_what_the_data_print_after_the_end_goes_to_no_terminal(run_script, capfd):
    text = DATASET.replace("(self, i): return", "(self, i): print('batch', i); return")
    assert run_script(text).program.repeated_epochs > 0
    assert "batch" not in capfd.readouterr().out


ADAM = MODEL.replace('"sgd"', '"adam"') + FIT + "model.evaluate(x[:32], y[:32], verbose=0)\n"


def test_parity_begins_the_training_that_counts_anew(run_script):
    record, arrays = run_script(ADAM, parity=True)
    assert record.status == "ok"
    assert record.weights_sha256.startswith(COMMON)
    assert record.metric == "test accuracy"
    plain, *moved = record.trainings
    assert len(plain.losses) == 6, "the loss of every step of an epoch"
    assert len(plain.metrics) == 2, "and the metric of every epoch"
    assert len(moved) == 1
    begun = {name: a for name, a in arrays.items() if name.startswith("as it is/start/")}
    slots = [a for name, a in begun.items() if "momentum" in name or "velocity" in name]
    assert slots
    assert not any(np.any(slot) for slot in slots), "the optimizer is as it was made"


def test_parity_trains_on_the_same_batches_whatever_form_they_come_in(run_script):
    forms = (ADAM, MODEL + DATASET.removeprefix(MODEL), GENERATOR)
    hashes = [run_script(form, parity=True)[0].split_sha256 for form in forms[:2]]
    assert hashes[0] == hashes[1]
    # Of a generator the first batches alone are kept.
    assert run_script(forms[2], parity=True)[0].trainings[0].losses


def test_parity_weights_classes_as_the_script_does(run_script):
    weighted = ADAM.replace("batch_size=16,", "batch_size=16, class_weight={0: 1.0, 1: 3.0},")
    plain, other = (run_script(text, parity=True)[0] for text in (ADAM, weighted))
    assert other.trainings[0].first_loss > plain.trainings[0].first_loss


def test_parity_needs_a_fit(run_script):
    with pytest.raises(HarnessError, match="calls no fit that trains"):
        run_script(MODEL + OWN_LOOP, parity=True)
