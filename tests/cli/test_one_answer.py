"""What one command finds, every other one finds: environments, and the variables of a child."""

from __future__ import annotations

import json
import sys

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.data import cache
from harness.launch import env_cache
from tests.launch.conftest import throwaway_scenario
from tests.launch.fake_python import write_fake_python

__all__ = ["throwaway_scenario"]

pytestmark = [
    pytest.mark.usefixtures("throwaway_scenario"),
    pytest.mark.skipif(sys.platform == "win32", reason="the fake interpreters are scripts"),
]

STARTS_WITH = """#!/bin/sh
[ "${name}" = "{value}" ] || {{ echo "error while loading shared libraries" >&2; exit 127; }}
exec "{python}" "$@"
"""


@pytest.fixture
def harness(monkeypatch):
    monkeypatch.setattr("harness.probe.noise.speed_probe", lambda: 0.2)
    monkeypatch.setattr("harness.cli.campaign.speed_probe", lambda: 0.2)
    monkeypatch.setattr("harness.cli.campaign.rates", None)
    monkeypatch.setattr("harness.cli.campaign.examine", lambda **_: [])
    return lambda *words: CliRunner().invoke(app, [*map(str, words)])


@pytest.fixture
def choosy(tmp_path):
    """A Python that starts only with a variable of a certain value."""

    def write(name, value):
        behind = write_fake_python(tmp_path / "behind")
        folder = tmp_path / "choosy" / "bin"
        folder.mkdir(parents=True)
        script = STARTS_WITH.format(name=name, value=value, python=behind)
        (folder / "python").write_text(script, encoding="utf-8")
        (folder / "python").chmod(0o755)
        return folder.parent

    return write


RUN = ("run", "throwaway", "--backend", "jax", "--seeds", "1", "--results", "results")


@pytest.mark.parametrize("name", ["LD_LIBRARY_PATH", "LC_MINE"])
def test_a_python_is_probed_with_what_every_trial_gets(harness, choosy, monkeypatch, name):
    monkeypatch.setenv(name, "/its/libraries")
    done = harness(*RUN, "--env", f"jax={choosy(name, '/its/libraries')}")
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(("env", "more"), [("jax", ["--resume"]), ("mine", ["--dry-run"])])
def test_a_python_is_probed_with_what_its_trials_get_on_request(
    harness, choosy, monkeypatch, env, more
):
    monkeypatch.setenv("ITS_LICENCE", "x")
    words = [*RUN, "--env", f"{env}={choosy('ITS_LICENCE', 'x')}"]
    assert "error while loading shared libraries" in str(harness(*words).exception)
    if more == ["--resume"]:
        assert harness(*words, "--pass-env", "ITS_LICENCE").exit_code == 0
    done = harness(*words, "--pass-env", "ITS_LICENCE", *more)
    assert done.exit_code == 0, done.output


def test_doctor_finds_the_environments_that_a_run_finds(harness, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    recipe = env_cache.Recipe(backend="jax", python=env_cache.this_python())
    folder = env_cache.root() / recipe.key
    python = write_fake_python(env_cache.python_in(folder))
    described = env_cache.Description(
        recipe=recipe, harness="0", live=False, installer="pip", made_at="", size_bytes=0,
        packages={},
    )  # fmt: skip
    import msgspec

    (folder / env_cache.DESCRIPTION).write_bytes(msgspec.json.encode(described))
    write_fake_python(tmp_path / ".tox" / "torch" / "bin" / "python", version="'0'")
    assert cache.find().folder in python.parents
    plan = harness(*RUN, "--dry-run")
    assert f"jax: {python} " in plan.output
    found = {
        one["check"]: one for one in json.loads(harness("doctor", "--json").stdout)["findings"]
    }
    assert found["environment jax"]["status"] == "good"
    assert found["environment jax"]["seen"].startswith(str(python))
    assert found["environment tf"]["status"] == "warning"
    assert "its harness is 0" in found["environment torch"]["seen"]
