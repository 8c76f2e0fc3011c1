"""Environments of the harness's own: made of which pins, by whom, and whole or not at all."""

from __future__ import annotations

import zipfile

import pytest

import harness
from harness.errors import HarnessError, UnavailableError
from harness.launch import env_cache, env_make, env_wheel, environments
from harness.launch.env_cache import Recipe
from harness.launch.environments import Contents, Installed

JAX = Recipe(backend="jax", python=env_cache.this_python())
OLD = Recipe(backend="jax", python=env_cache.this_python(), requirements=("keras==3.14.0",))


class FakeInstaller:
    """Makes an empty environment in place of a real one; commands with words of `fails` fail."""

    def __init__(self, *fails):
        self.commands = []
        self._fails = fails

    def __call__(self, command, log):
        self.commands.append(list(command))
        if any(word in " ".join(command) for word in self._fails):
            log.write_text("ERROR: no such version\n", encoding="utf-8")
            return False
        if command[-2:-1] == ["venv"] or command[:2] == ["uv", "venv"]:
            python = env_cache.python_in(env_cache.Path(command[-1]))
            python.parent.mkdir(parents=True)
            python.touch()
        return True


@pytest.fixture(autouse=True)
def serves(monkeypatch, tmp_path):
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(
        environments, "look_inside", lambda *_: Contents(missing=[], version=harness.__version__)
    )
    monkeypatch.setattr(
        environments, "installed", lambda _: Installed(packages={"keras": "3.14.0", "jax": "1"})
    )
    monkeypatch.setattr(env_wheel, "build", lambda into, **_: into / "harness.whl")


def make(recipe, run, **how):
    said = []
    return env_make.make(recipe, run=run, say=said.append, installer="pip", **how), said


def test_an_environment_is_made_once_and_found():
    run = FakeInstaller()
    own, said = make(JAX, run)
    assert own.folder.name == f"jax-py{env_cache.this_python()}"
    assert "made in" in said[-1]
    number = len(run.commands)
    make(JAX, run)
    assert len(run.commands) == number
    assert [each.folder for each in env_cache.plain("jax")] == [own.folder]


def test_what_a_killed_process_left_is_not_taken_for_whole():
    folder = env_cache.root() / JAX.key
    python = env_cache.python_in(folder)
    python.parent.mkdir(parents=True)
    python.touch()
    assert env_cache.of(JAX) is None
    assert env_cache.everything() == []
    assert env_cache.leftovers() == [folder]
    own, _ = make(JAX, FakeInstaller())
    assert env_cache.of(JAX) == own
    assert env_cache.leftovers() == []


def test_one_that_cannot_be_installed_is_not_there_and_the_installer_is_quoted():
    with pytest.raises(UnavailableError, match="installed by pip: ERROR: no such version"):
        make(JAX, FakeInstaller("pip install"))
    assert env_cache.of(JAX) is None


def test_where_the_pins_do_not_allow_it_all_is_resolved_anew():
    run = FakeInstaller("-c ")
    own, said = make(OLD, run)
    assert env_cache.of(OLD) == own
    assert any("the pins do not allow it" in line for line in said)
    assert "keras==3.14.0" in run.commands[-1]
    assert "-c" not in run.commands[-1]


def test_uv_gives_way_to_pip_where_it_does_not_resolve(monkeypatch):
    monkeypatch.setattr(env_make, "choose", lambda *_: "uv")
    run, said = FakeInstaller("uv pip"), []
    own = env_make.make(JAX, run=run, say=said.append)
    assert own.description.installer == "pip"
    assert any("uv does not install it" in line for line in said)


@pytest.mark.parametrize(
    ("backend", "wish", "there", "chosen"),
    [
        ("jax", "auto", True, "uv"),
        ("jax", "auto", False, "pip"),
        ("torch", "auto", True, "pip"),  # where its build for CPUs comes from is pip's to know
        ("torch", "uv", True, "uv"),
        ("jax", "pip", True, "pip"),
    ],
)
def test_uv_is_taken_where_it_is_but_for_torch(backend, wish, there, chosen):
    recipe = Recipe(backend=backend, python="3.11")
    assert env_make.choose(recipe, wish, lambda _: "/bin/uv" if there else None) == chosen


def test_uv_that_is_not_there_is_a_mistake():
    with pytest.raises(HarnessError, match="there is no uv on the path"):
        env_make.choose(JAX, "uv", lambda _: None)


def names(recipe):
    return {line.partition("==")[0] for line in env_make.pins(recipe)}


def test_a_requirement_takes_the_place_of_its_pin_and_of_no_other():
    assert names(JAX) - names(OLD) == {"keras"}
    newer = Recipe(backend="jax", python="3.11", requirements=("jax==0.9.0",))
    assert names(JAX) - names(newer) == {"jax", "jaxlib"}


@pytest.mark.parametrize(
    ("requirement", "left_out"),
    [
        ("keras-nightly", "keras"),
        ("tf_nightly", "tensorflow-cpu"),
        ("git+https://example.org/keras.git", "keras"),
        ("keras@git+https://example.org/fork", "keras"),
        ("/wheels/keras-3.14.0-py3-none-any.whl", "keras"),
    ],
)
def test_what_brings_the_same_module_takes_its_place(requirement, left_out):
    assert left_out in env_make.superseded([requirement])


def test_recipes_that_differ_have_folders_that_differ():
    keys = {
        recipe.key
        for backend in ("jax", "torch")
        for python in ("3.11", "3.12")
        for requirements in ((), ("keras==3.14.0",), ("keras==3.15.1",))
        for recipe in [Recipe(backend=backend, python=python, requirements=requirements)]
    }
    assert len(keys) == 12


class TestWheel:
    @pytest.fixture(autouse=True)
    def really(self, monkeypatch):
        monkeypatch.undo()

    def test_of_a_checkout_it_is_a_link(self, tmp_path):
        with zipfile.ZipFile(env_wheel.build(tmp_path)) as wheel:
            (link,) = [name for name in wheel.namelist() if name.endswith(".pth")]
            assert wheel.read(link).decode().strip() == str(env_wheel.PACKAGE.parent)

    def test_of_an_installed_package_it_is_a_copy(self, tmp_path):
        package = tmp_path / "site-packages" / "harness"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("x = 1\n", encoding="utf-8")
        with zipfile.ZipFile(env_wheel.build(tmp_path, package=package)) as wheel:
            assert wheel.read("harness/__init__.py") == b"x = 1\n"

    def test_it_does_not_require_what_others_take_the_place_of(self, tmp_path):
        with zipfile.ZipFile(env_wheel.build(tmp_path, without={"Keras"})) as wheel:
            (name,) = [name for name in wheel.namelist() if name.endswith("METADATA")]
            required = [
                line for line in wheel.read(name).decode().splitlines() if "Requires" in line
            ]
        assert not any("keras>" in line for line in required)
        assert any("jax>" in line for line in required)


def test_what_nobody_measured_is_called_a_guess():
    assert env_make.EXPECTED["jax"].told == "about 0.7 GB, 2 minutes"
    assert env_make.EXPECTED["torch"].told == (
        "about 1.2 GB, 4 minutes (5.2 GB where pip finds its build for CUDA)"
    )
    guess = env_make.Expected(size_bytes=2_000_000_000, seconds=120, measured=False)
    assert guess.told == "about 2.0 GB, 2 minutes (a guess)"
