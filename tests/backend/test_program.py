"""A user's own script under the clocks of a trial: whatever it does, a record tells."""

from __future__ import annotations

import os

import keras
import numpy as np
import pytest

from harness.errors import HarnessError

from .scripts import COMMON, FIT, MODEL, OWN_LOOP, only


def test_a_script_is_measured_as_it_stands(run_script, backend):
    record = run_script(MODEL + FIT + "model.evaluate(x, y, verbose=0)\nprint('done')\n")
    assert record.status == "ok"
    fit = only(record)
    assert (fit.model, fit.epochs, fit.steps, fit.batch_size) == ("sequential", 2, 6, 16)
    assert fit.input == "arrays"
    assert fit.shuffled
    assert fit.first_step_s > 0
    own = [epoch for epoch in record.epochs if epoch.phase == "quality"]
    further = [epoch for epoch in record.epochs if epoch.phase == "timing"]
    assert [epoch.index for epoch in record.epochs] == list(range(len(record.epochs)))
    assert len(own) == 2
    assert len(further) == record.program.repeated_epochs >= 2
    assert {(epoch.steps, epoch.examples) for epoch in record.epochs} == {(6, 96)}
    assert record.quality.metric == "accuracy"
    assert record.quality.direction == "higher"
    assert record.program.quality_source == "evaluate"
    assert record.program.output_tail == "done"
    assert record.engine["jit_compile"] is (backend == "jax")
    assert record.engine["input"] == "arrays"
    assert record.phases.data_s > 0
    assert record.phases.build_s > 0
    assert not record.program.remarks


def test_keras_is_as_it_was_afterwards(run_script):
    before = [keras.Model.fit, keras.Model.evaluate, keras.Variable.__init__]
    seeds = keras.utils.set_random_seed
    run_script(MODEL + FIT)
    assert [keras.Model.fit, keras.Model.evaluate, keras.Variable.__init__] == before
    assert keras.utils.set_random_seed is seeds
    assert "fit" not in vars(keras.Model)


def test_what_is_trained_after_the_end_changes_no_quality(run_script):
    text = MODEL + FIT + "print(model.evaluate(x, y, verbose=0)[0])\n"
    record = run_script(text, metric="loss")
    assert record.quality.value == pytest.approx(float(record.program.output_tail))


# Common start.


def test_equal_seeds_give_equal_weights_and_others_do_not(run_script):
    first, again, other = (run_script(MODEL + FIT, seed=seed) for seed in (3, 3, 4))
    assert first.hashes.initial_weights == again.hashes.initial_weights
    assert first.hashes.initial_weights != other.hashes.initial_weights


def test_the_initial_weights_are_those_of_every_backend(run_script):
    record = run_script(MODEL + FIT)
    assert record.hashes.initial_weights.startswith(COMMON)


def test_kerass_own_initialisers_are_left_alone_where_asked_for(run_script):
    record = run_script(MODEL + FIT, init="keras")
    assert not record.hashes.initial_weights.startswith(COMMON)


SUBCLASS = """
class Mine(keras.Model):
    def __init__(self):
        super().__init__()
        self.a = keras.layers.Dense(8, activation="relu")
        self.b = keras.layers.Dense(1, activation="sigmoid")
    def call(self, x):
        return self.b(self.a(x))
model = Mine()
model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
"""


def test_a_model_that_is_built_by_its_first_step_begins_with_them_too(run_script):
    record = run_script(MODEL + SUBCLASS + FIT)
    assert record.hashes.initial_weights.startswith(COMMON)


def test_a_copy_of_weights_before_training_is_one_of_the_common_weights(run_script):
    text = MODEL + (
        "model.build((None, 4)); other = keras.models.clone_model(model); other.build((None, 4))\n"
        "other.set_weights(model.get_weights())\n"
        "print(all((a == b).all() for a, b in zip(model.get_weights(), other.get_weights())))\n"
        "print(float(abs(model.get_weights()[0]).max()) > 0)\n"
    )
    assert run_script(text + FIT).program.output_tail.split() == ["True", "True"]


# What counts.


TWO = (
    MODEL
    + (
        "first = keras.Sequential([keras.layers.Dense(1)], name='first')\n"
        "first.compile('sgd', 'mse')\n"
        "first.fit(x, y, epochs=1, batch_size=48, verbose=0)\n"
    )
    + FIT
)


def test_the_last_fit_counts(run_script):
    record = run_script(TWO)
    assert record.program.counts == record.program.calls == 2
    assert [fit.model for fit in record.program.fits] == ["first", "sequential"]
    assert record.epochs[0].steps == 6


@pytest.mark.parametrize("which", ["1", "first"])
def test_another_fit_counts_where_asked(run_script, which):
    record = run_script(TWO, fit=which)
    assert record.program.counts == 1
    assert record.epochs[0].steps == 2
    assert record.quality.metric == "loss"
    assert record.program.quality_source == "training"


def test_a_fit_that_is_not_there_is_told_with_those_that_are(run_script):
    with pytest.raises(HarnessError, match=r"--fit 5: .*1 \(first\) and 2 \(sequential"):
        run_script(TWO, fit="5")


def test_validation_is_the_quality_where_nothing_is_evaluated(run_script):
    record = run_script(MODEL + FIT.replace("verbose=0", "verbose=0, validation_split=0.25"))
    assert record.program.quality_source == "validation"
    assert record.quality.metric == "accuracy"
    assert record.epochs[1].metric == record.quality.value
    # A quarter is held back, also from what is trained after the end.
    assert {epoch.examples for epoch in record.epochs} == {72}


def test_a_metric_of_ones_own_choice(run_script):
    text = MODEL + FIT + "model.evaluate(x, y, verbose=0)\n"
    assert run_script(text, metric="loss").quality.metric == "loss"
    assert run_script(text, metric="accuracy:lower").quality.direction == "lower"
    with pytest.raises(HarnessError, match="accuracy"):
        run_script(text, metric="acuracy")


# Scripts that do as they like.


def test_a_script_that_ends_itself_well_is_measured(run_script):
    record = run_script("import sys\n" + MODEL + FIT + "sys.exit()\n")
    assert record.status == "ok"


def test_a_script_that_ends_itself_badly_is_not(run_script):
    with pytest.raises(HarnessError, match=r"sys.exit\(3\)"):
        run_script("import sys\n" + MODEL + FIT + "sys.exit(3)\n")


def test_what_a_script_raises_goes_on(run_script):
    with pytest.raises(ZeroDivisionError):
        run_script(MODEL + FIT + "1 / 0\n")


def test_a_script_that_cannot_be_read_is_told_before_anything_is_imported(run_script):
    with pytest.raises(SyntaxError):
        run_script("def f(:\n")


def test_much_output_leaves_its_end(run_script):
    text = "for i in range(20000): print('line', i, 'x' * 200)\n" + MODEL + FIT
    record = run_script(text)
    assert record.program.output_bytes > 4_000_000
    lines = record.program.output_tail.splitlines()
    assert lines[-1].startswith("line 19999")
    assert len(lines) <= 20


def test_a_script_may_go_elsewhere(run_script):
    assert run_script("import os; os.chdir('/')\n" + MODEL + FIT).status == "ok"


def test_it_finds_its_arguments_its_folder_and_its_siblings(run_script):
    text = (
        "import argparse, os, pathlib, helper\n"
        "parser = argparse.ArgumentParser(); parser.add_argument('--batch', type=int)\n"
        "batch = parser.parse_args().batch\n"
        "assert __name__ == '__main__'\n"
        "assert os.path.samefile(os.path.dirname(__file__), '.')\n"
        "assert pathlib.Path('data.txt').read_text() == 'here'\n"
    )
    record = run_script(
        text + MODEL + "model.fit(x, y, batch_size=batch, epochs=1, verbose=helper.QUIET)\n",
        files={"helper.py": "QUIET = 0\n", "data.txt": "here"},
        arguments="--batch 24",
    )
    assert only(record).steps == 4
    assert record.program.arguments == ["--batch", "24"]


def test_a_script_that_trains_nothing_is_told(run_script):
    with pytest.raises(HarnessError, match="trains nothing"):
        run_script("print('hello')\n")
    with pytest.raises(HarnessError, match="trains nothing"):
        run_script(MODEL + "model.build((None, 4)); model.summary(); model.predict(x, verbose=0)\n")


def test_a_loop_of_its_own_is_timed_as_a_whole_and_told(run_script):
    record = run_script(MODEL + OWN_LOOP)
    assert record.program.training == "script"
    (whole,) = record.epochs
    assert whole.wall_s == pytest.approx(record.program.script_s)
    assert record.memory.peak_rss_bytes > 0
    assert "a step here is the whole script" in record.program.remarks[0]
    assert record.quality is None


def test_train_on_batch_is_timed_call_by_call(run_script):
    text = MODEL + (
        "for i in range(17): model.train_on_batch(x[:32], y[:32])\n"
        "model.evaluate(x, y, verbose=0)\n"
    )
    record = run_script(text)
    assert record.program.training == "train_on_batch"
    assert {epoch.steps for epoch in record.epochs} == {2}
    assert [epoch.phase for epoch in record.epochs].count("quality") == 8
    assert record.quality.metric == "accuracy"


@pytest.mark.parametrize(
    "callbacks",
    [
        "None",
        "[]",
        "seen",
        "[seen]",
        "(seen,)",
        "keras.callbacks.CallbackList([seen], add_history=True, model=model)",
    ],
)
def test_callbacks_may_be_passed_by_position_and_in_any_form(run_script, callbacks):
    text = MODEL + (
        "class Seen(keras.callbacks.Callback):\n"
        "    def on_epoch_end(self, epoch, logs=None): print('epoch', epoch, sorted(logs))\n"
        "seen = Seen()\n"
        f"history = model.fit(x, y, 16, 2, 0, {callbacks})\n"
    )
    record = run_script(text)
    assert only(record).epochs == 2
    # The repetition is quiet: the script's own callbacks are called by the script alone.
    printed = record.program.output_tail.count("epoch ")
    assert printed == (0 if callbacks in {"None", "[]"} else 2)


def test_a_fit_of_ones_own_is_seen_where_it_comes_to_kerass(run_script):
    text = MODEL + (
        "class Mine(keras.Sequential):\n"
        "    def fit(self, data, **how): return super().fit(*data, batch_size=16, **how)\n"
        "model = Mine([keras.layers.Dense(1, activation='sigmoid')])\n"
        "model.compile('sgd', 'binary_crossentropy')\n"
        "model.fit((x, y), epochs=2, verbose=0)\n"
    )
    record = run_script(text)
    assert only(record).steps == 6
    assert record.program.repeated_epochs > 0


def test_a_script_that_chooses_a_backend_itself_is_told(run_script, backend):
    other = "torch" if backend != "torch" else "jax"
    record = run_script(f"import os; os.environ['KERAS_BACKEND'] = '{other}'\n" + MODEL + FIT)
    assert f"sets KERAS_BACKEND to {other} itself" in record.program.remarks[0]
    os.environ["KERAS_BACKEND"] = backend


def test_a_missing_package_names_the_option_that_adds_it(run_script):
    with pytest.raises(HarnessError, match=r"train.py, line 1: .*--with scikit-learn"):
        run_script("import sklearn_is_not_there, sklearn\n".replace("sklearn_is_not_there, ", ""))


def test_training_that_diverges_is_told(run_script):
    with pytest.raises(HarnessError, match="diverged"):
        run_script(
            (MODEL + FIT).replace("x, y,", "x, y * np.nan,").replace("binary_crossentropy", "mse")
        )


def test_a_last_fit_that_fails_and_is_caught_does_not_count(run_script):
    record = run_script(MODEL + FIT + "try: model.fit(object(), y)\nexcept Exception: pass\n")
    assert record.program.calls == 2
    assert record.program.counts == 1
    assert len(record.epochs) == 2
    assert "let go" in record.program.remarks[0]


def test_many_fits_are_counted_and_the_last_are_told(run_script):
    record = run_script(MODEL + "for _ in range(30): model.fit(x, y, 96, verbose=0)\n")
    assert record.program.calls == 30
    assert [fit.number for fit in record.program.fits] == list(range(11, 31))


def test_what_keras_draws_is_kept_apart_from_what_the_script_draws(run_script):
    text = "import numpy as np; np.random.seed(5)\n" + MODEL + "print(np.random.rand())\n" + FIT
    alone, shifted = (run_script(text, seed=seed).program.output_tail for seed in (0, 1))
    expected = np.random.RandomState(7).rand()
    assert float(alone) == pytest.approx(expected)
    assert alone != shifted


FOREIGN = """
import sys, types
class Mine(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
    def call(self, x):
        return multiply(self.dense(x))
model = Mine()
model.compile("sgd", "mse")
code = compile("def multiply(x): raise TypeError('no tensor of ours')", FILE, "exec")
exec(code)
"""


@pytest.mark.parametrize("package", ["tensorflow", "elsewhere"])
def test_operations_of_tensorflow_in_a_model_are_named_on_another_backend(
    run_script, backend, package
):
    file = f"/lib/site-packages/{package}/python/ops.py"
    with pytest.raises(Exception) as caught:  # noqa: PT011 - Keras has a type of its own for each
        run_script(MODEL + FOREIGN.replace("FILE", repr(file)) + FIT)
    named = isinstance(caught.value, HarnessError)
    assert named == (package == "tensorflow" and backend != "tensorflow")
    if named:
        assert "train.py, line " in str(caught.value)
        assert 'in "return multiply(self.dense(x))"' in str(caught.value)
        assert "keras.ops has them for every backend" in str(caught.value)
