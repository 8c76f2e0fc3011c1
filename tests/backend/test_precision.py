"""The setting `precision`: what is computed in, while all that is kept stays float32."""

from __future__ import annotations

import ast
import subprocess
import sys

import keras
import numpy as np
import pytest

from harness import scenario
from harness.trial import weights
from harness.trial.initial import dtype_policy, initialised

RANKING = scenario.find("ranking")
SMALL = {"data": "synthetic", "synthetic_ratings": "20000", "epochs": "3"}


def made(precision):
    settings = scenario.parse_settings(RANKING, SMALL | {"precision": precision})
    data = RANKING.data(settings, None)
    return initialised(RANKING, settings, data, "common", 42), data


def test_a_mixed_policy_computes_in_bfloat16_and_keeps_variables_in_float32():
    model, data = made("mixed_bfloat16")
    batch = {name: values[:8] for name, values in data.train.inputs.items()}
    assert keras.backend.standardize_dtype(model(batch).dtype) == "bfloat16"
    model.optimizer.build(model.trainable_variables)
    kept = [v.dtype for v in (*model.variables, *model.optimizer.variables) if "float" in v.dtype]
    assert set(kept) == {"float32"}


def test_the_initial_weights_are_the_same_numbers_with_either():
    plain, mixed = (weights.current(made(name)[0]) for name in ("float32", "mixed_bfloat16"))
    assert weights.digest(plain) == weights.digest(mixed)


def test_the_policy_of_others_is_left_as_it_was():
    made("mixed_bfloat16")
    assert keras.config.dtype_policy().name == "float32"
    with pytest.raises(RuntimeError), dtype_policy("mixed_bfloat16"):
        raise RuntimeError
    assert keras.config.dtype_policy().name == "float32"


def test_a_trial_in_bfloat16_learns_nearly_as_much(run_child):
    records = {}
    for precision in ("float32", "mixed_bfloat16"):
        _, record, output = run_child(settings=SMALL | {"precision": precision})
        assert record.status == "ok", output
        records[precision] = record
    plain, mixed = records["float32"], records["mixed_bfloat16"]
    assert mixed.hashes.initial_weights == plain.hashes.initial_weights
    assert mixed.hashes.final_weights != plain.hashes.final_weights
    # bfloat16 has 8 bits, so an output of 0.7 is off by up to 0.002; the RMSE is about 0.25.
    assert mixed.quality.value == pytest.approx(plain.quality.value, abs=2e-3)
    assert np.isfinite([prediction.output for prediction in mixed.predictions]).all()


def test_parity_can_ask_for_products_in_full_float32(backend):
    """In a process of its own: the switch holds for all that comes after it."""
    code = (
        "from harness.trial import backends; "
        f"adapter = backends.load({backend!r}); adapter.use_full_float32(); "
        "engine = adapter.engine(); "
        "print([engine[k] for k in ('tf32', 'cudnn_tf32', 'matmul_precision') if k in engine])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (line,) = out.stdout.splitlines()
    assert set(ast.literal_eval(line)) <= {False, "highest"}
