"""What a child process sees: a short list, what we set, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backends import BACKENDS
from harness.launch.variables import (
    PASSED_ON,
    child_variables,
    is_passed_on,
    kept_back,
    share_downloads,
)

HOME = Path("/empty")
CHANGES_A_MEASUREMENT = [
    "XLA_FLAGS",
    "JAX_ENABLE_X64",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_XLA_FLAGS",
    "KERAS_NNX_ENABLED",
    "OMP_NUM_THREADS",
    "KMP_AFFINITY",
    "MKL_NUM_THREADS",
    "TORCH_LOGS",
    "PYTORCH_CUDA_ALLOC_CONF",
    "NVIDIA_TF32_OVERRIDE",
    "NPROC",
    "LD_PRELOAD",
    "PYTHONPATH",
    "PYTHONOPTIMIZE",
]

names = st.one_of(
    st.from_regex(r"[A-Z_]{1,12}", fullmatch=True),
    st.sampled_from([*sorted(PASSED_ON), *CHANGES_A_MEASUREMENT, "HARNESS_CACHE_DIR", "LC_ALL"]),
)
environments = st.dictionaries(names, st.text("abc", max_size=3))


def variables(source=None, **changes):
    given_ = {"backend": "jax", "device": "cpu", "keras_home": HOME}
    return child_variables(source or {}, **(given_ | changes))


@given(environments, st.sampled_from(BACKENDS), st.sampled_from(["cpu", "gpu", None]))
def test_a_child_never_sees_what_was_not_asked_for(source, backend, device):
    ours = variables(backend=backend, device=device)
    seen = variables(source, backend=backend, device=device)
    for name, value in seen.items():
        assert name in ours or (is_passed_on(name) and source[name] == value)


@given(environments)
def test_what_we_set_does_not_depend_on_the_environment(source):
    seen = variables(source, threads=2)
    assert seen.items() >= variables(threads=2).items()


@given(environments, st.lists(names, max_size=3))
def test_a_variable_of_the_users_own_is_passed_on_when_asked_for(source, asked):
    seen = variables(source, pass_env=asked)
    for name in asked:
        if name in source:
            assert seen[name] == source[name]


def test_every_child_has_its_backend_and_an_empty_keras_home():
    seen = variables({"KERAS_BACKEND": "torch", "KERAS_HOME": "/home/me/.keras"})
    assert seen["KERAS_BACKEND"] == "jax"
    assert seen["KERAS_HOME"] == "/empty"


def test_hashing_is_fixed_and_the_user_site_is_off():
    seen = variables({"PYTHONHASHSEED": "random"})
    assert seen["PYTHONHASHSEED"] == "0"
    assert seen["PYTHONNOUSERSITE"] == "1"


def test_onednn_is_left_to_tensorflow():
    assert "TF_ENABLE_ONEDNN_OPTS" not in variables({"TF_ENABLE_ONEDNN_OPTS": "0"})


@pytest.mark.parametrize("backend", BACKENDS)
def test_on_a_cpu_every_gpu_is_hidden(backend):
    seen = variables({"CUDA_VISIBLE_DEVICES": "0,1"}, backend=backend, device="cpu")
    assert seen["CUDA_VISIBLE_DEVICES"] == "-1"
    assert seen["JAX_PLATFORMS"] == "cpu"
    assert seen.get("KERAS_TORCH_DEVICE") == ("cpu" if backend == "torch" else None)


@pytest.mark.parametrize("device", ["gpu", None])
def test_on_a_gpu_the_users_choice_of_gpu_stays(device):
    seen = variables({"CUDA_VISIBLE_DEVICES": "1"}, device=device)
    assert seen["CUDA_VISIBLE_DEVICES"] == "1"
    assert "JAX_PLATFORMS" not in seen


def test_a_number_of_threads_reaches_every_framework():
    seen = variables(threads=3)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "NPROC"):
        assert seen[name] == "3"


def test_without_a_number_the_threads_are_left_to_the_framework():
    assert not [name for name in variables() if "THREADS" in name or name == "NPROC"]


@pytest.mark.parametrize("name", CHANGES_A_MEASUREMENT)
def test_a_variable_that_would_change_a_measurement_is_named_when_kept_back(name):
    assert kept_back({name: "1", "EDITOR": "vi"}) == [name]
    assert kept_back({name: "1"}, pass_env=[name]) == []


def test_what_every_child_gets_anyway_is_not_named():
    assert kept_back({"KERAS_BACKEND": "jax", "PYTHONHASHSEED": "123", "HARNESS_X": "1"}) == []


def test_a_relative_folder_of_scenarios_is_found_from_the_childs_own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {"HARNESS_SCENARIO_PATH": os.pathsep.join(["mine", "", "/elsewhere"])}
    seen = variables(given)["HARNESS_SCENARIO_PATH"]
    assert seen == os.pathsep.join([str(tmp_path / "mine"), "/elsewhere"])


@pytest.mark.parametrize("named", [True, False])
def test_downloads_of_keras_are_those_of_the_user_and_nothing_else_is(tmp_path, monkeypatch, named):
    mine = tmp_path / ("elsewhere" if named else ".keras")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    (mine / "datasets").mkdir(parents=True)
    (mine / "datasets" / "mnist.npz").touch()
    (mine / "keras.json").write_text('{"floatx": "float16"}')
    (tmp_path / "child").mkdir()
    share_downloads(tmp_path / "child", {"KERAS_HOME": str(mine)} if named else {})
    assert sorted(path.name for path in (tmp_path / "child").iterdir()) == ["datasets", "models"]
    assert (tmp_path / "child" / "datasets" / "mnist.npz").is_file()
    (tmp_path / "child" / "models" / "weights.h5").touch()
    assert (mine / "models" / "weights.h5").is_file()


def test_a_home_that_cannot_be_written_leaves_the_child_to_itself(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "child").mkdir()
    share_downloads(tmp_path / "child", {"KERAS_HOME": str(tmp_path / "file")})
    assert not list((tmp_path / "child").iterdir())
