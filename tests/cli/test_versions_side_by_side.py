"""Two environments of one backend under names of their own: two cells of one campaign."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app, campaign
from harness.errors import ExitCode
from harness.store import folder as store
from tests.launch.conftest import SCENARIO
from tests.launch.fake_python import write_fake_python

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts")

SLOWER = (
    "leave(msgspec.structs.replace(good, epochs=[msgspec.structs.replace(good.epochs[0], "
    "wall_s=0.04 + 1e-5 * trial.seed)]))"
)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "throwaway.py").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(tmp_path / "scenarios"))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("HARNESS_LOCK_FOLDER", str(tmp_path / "lock"))
    monkeypatch.setattr(campaign, "speed_probe", lambda: 0.2)
    monkeypatch.setattr(campaign, "rates", None)
    return tmp_path


@pytest.fixture
def environment(here):
    """Makes a fake interpreter and gives the option that chooses it under a name."""

    def make(name, trial="leave(good)", **answers):
        return [
            "--env",
            f"{name}={write_fake_python(here / name / 'bin' / 'python', trial, **answers)}",
        ]

    return make


def run(*arguments):
    return CliRunner().invoke(app, ["run", "throwaway", *arguments], catch_exceptions=True)


def test_they_are_interleaved_and_get_a_verdict_under_their_names(environment):
    both = [*environment("old"), *environment("new", SLOWER), "--backend", "jax"]
    result = run(*both, "--seeds", "1-5")
    assert result.exit_code == ExitCode.OK, result.output
    assert "5 rounds of 2 cells = 10 trials" in result.output
    records = store.load(Path("results/local")).records
    assert {r.cell.name for r in records} == {"old", "new"}
    assert len({r.cell.digest for r in records}) == 2
    for number in range(1, 6):
        assert {r.cell.name for r in records if r.round == number} == {"old", "new"}
    assert "jax (old) cpu fit, seed 1: 2.00 ms per step" in result.output
    flat = " ".join(result.output.split())
    assert "JAX (old)" in flat
    assert "jax (new)" in flat
    assert "JAX (old) is fastest here: 2.0" in flat


def test_their_records_lie_apart_and_the_campaign_goes_on(environment):
    both = [*environment("old"), *environment("new"), "--backend", "jax"]
    assert run(*both, "--seeds", "1-2", "--precision", "90%", "--budget", "1m").exit_code == 0
    names = {path.parent.name.split("-cpu")[0] for path in Path("results").rglob("seed-*.json")}
    assert names == {"jax-old", "jax-new"}
    fixed = [*both, "--seeds", "1-2", "--results", "other"]
    run(*fixed)
    result = run(*fixed, "--resume")
    assert result.exit_code == ExitCode.OK, result.output
    assert len(store.load(Path("other")).records) == 4


def test_an_environment_with_a_name_stands_beside_one_without(environment):
    result = run(*environment("jax"), *environment("new"), "--backend", "jax", "--seeds", "1")
    assert result.exit_code == ExitCode.OK, result.output
    places = {r.cell.place for r in store.load(Path("results/local")).records}
    assert places == {"jax", "jax (new)"}


def test_a_name_serves_the_backends_that_its_environment_has(environment):
    both = [*environment("a", missing=["torch"]), *environment("b", missing=["jax"])]
    result = run(*both, "--backend", "jax,torch", "--seeds", "1")
    assert result.exit_code == ExitCode.OK, result.output
    places = {r.cell.place for r in store.load(Path("results/local")).records}
    assert places == {"jax (a)", "torch (b)"}


def test_without_a_backend_the_environments_tell_which(environment):
    answers = {"missing": ["tensorflow", "torch"]}
    both = [*environment("old", **answers), *environment("new", **answers)]
    result = run(*both, "--seeds", "1")
    assert result.exit_code == ExitCode.OK, result.output
    places = {r.cell.place for r in store.load(Path("results/local")).records}
    assert places == {"jax (old)", "jax (new)"}


def test_one_that_lacks_the_backend_is_refused_with_what_it_lacks(environment):
    result = run(*environment("old", missing=["jax"]), "--backend", "jax")
    assert "cannot serve jax: it lacks jax" in str(result.exception)
    assert result.exception.exit_code == ExitCode.UNAVAILABLE


def test_requirements_without_a_backend_are_a_mistake():
    result = run("--env", "old=keras==3.14.0")
    assert "does not say for which backend" in str(result.exception)
    assert result.exception.exit_code == ExitCode.USAGE


def test_what_is_not_made_yet_is_told_with_the_command_where_nobody_can_be_asked():
    result = run("--env", "old=keras==3.14.0", "--backend", "jax")
    assert result.exception.exit_code == ExitCode.UNAVAILABLE
    assert "--yes" in str(result.exception)
    assert "harness env make jax --with keras==3.14.0" in str(result.exception)
