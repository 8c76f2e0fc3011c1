"""`harness sweep`, with real child processes of a fake interpreter in place of a framework's."""

from __future__ import annotations

import json
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

GROWING = (
    "from harness.records.trial import Memory\n"
    "size = trial.cell.settings['batch_size']\n"
    "step_s = 1e-3 + 2e-6 * size\n"
    "epoch = msgspec.structs.replace(good.epochs[0], wall_s=10 * step_s)\n"
    "memory = Memory(peak_rss_bytes=400_000_000 + 4_000 * size)\n"
    "leave(msgspec.structs.replace(good, epochs=[epoch], memory=memory))"
)
"""A trial whose step takes 1 ms and 2 µs for each example, in 400 MB and 4 kB for each."""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A user's folder with a throwaway scenario."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "throwaway.py").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(tmp_path / "scenarios"))
    for name in ("KERAS_BACKEND", "TOX_WORK_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HARNESS_LOCK_FOLDER", str(tmp_path / "lock"))
    monkeypatch.setattr(campaign, "speed_probe", lambda: 0.2)
    monkeypatch.setattr(campaign, "rates", None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fake(here):
    def make(backend="jax", trial="leave(good)"):
        path = write_fake_python(here / backend / "bin" / "python", trial)
        return ["--backend", backend, "--env", f"{backend}={path}"]

    return make


def sweep(*arguments):
    return CliRunner().invoke(app, ["sweep", "throwaway", *arguments], catch_exceptions=True)


def test_it_ends_with_how_step_time_and_memory_grow(fake):
    result = sweep(*fake("jax", GROWING), *fake("torch", GROWING), "--batch-size", "250,1000,4000")
    assert result.exit_code == ExitCode.OK, result.output
    assert "1 round of 6 cells = 6 trials, seed 42" in result.output
    assert "Growth with batch size" in result.output
    told = " ".join(result.output.split())
    assert "Growth with batch size (values 250 to 4,000; off by 0%)" in told
    for backend in ("jax", "torch"):
        assert f"{backend} step time 1.00 ms 2.00 µs" in told
        assert f"{backend} peak memory 400 MB 4.00 kB" in told
    assert len(store.load(Path("results/local")).records) == 6


def test_the_lines_of_the_trials_tell_which_point_they_are(fake):
    result = sweep(*fake(), "--batch-size", "250,1000", "--threads", "1,auto")
    assert "jax cpu fit 1 thread batch_size=250, seed 42: 2.00 ms per step" in result.output
    assert "jax cpu fit threads=auto batch_size=1000, seed 42" in result.output


def test_the_points_go_on_after_one_that_ran_out_of_memory(fake):
    trial = (
        "if trial.cell.settings['batch_size'] == 4000:\n"
        "    held = b'x' * 300_000_000\n"
        "    signal.pause()\n"
        f"{GROWING}"
    )
    asked = ["--batch-size", "250,1000,4000,8000", "--memory-limit", "200MB"]
    result = sweep(*fake(trial=trial), *asked)
    assert result.exit_code == ExitCode.TRIAL_FAILED
    records = store.load(Path("results/local")).records
    statuses = {r.cell.settings["batch_size"]: r.status for r in records}
    assert statuses == {250: "ok", 1000: "ok", 4000: "killed", 8000: "ok"}
    (lost,) = [r for r in records if r.failure]
    assert "needed more than the 0.2 GB of --memory-limit" in lost.failure.reason
    assert "No measurement: jax cpu fit at batch size 4,000" in result.output


def test_verdicts_between_the_points_of_one_backend_are_left_to_the_report(fake):
    result = sweep(*fake(), "--batch-size", "250,1000")
    assert " over batch_size=" not in result.output


def test_a_dry_run_shows_every_point(fake):
    result = sweep(*fake(), "--batch-size", "250,1000", "--epochs", "1,2", "--dry-run", "--json")
    cells = json.loads(result.stdout)["cells"].values()
    points = {(one["settings"]["batch_size"], one["settings"]["epochs"]) for one in cells}
    assert points == {(250, 1), (250, 2), (1000, 1), (1000, 2)}


def test_a_script_gets_the_points_and_their_growth(fake):
    result = sweep(*fake(trial=GROWING), "--batch-size", "250,1000,4000", "--json")
    document = json.loads(result.stdout)
    assert sorted(trial["settings"]["batch_size"] for trial in document["trials"]) == [
        250,
        1000,
        4000,
    ]
    (found,) = document["sweeps"]
    line = found["courses"][0]["step_time"]["line"]
    assert line["fixed"] == pytest.approx(1e-3)
    assert line["per_unit"] == pytest.approx(2e-6)


@pytest.mark.usefixtures("here")
def test_a_sweep_needs_an_axis():
    result = sweep()
    assert result.exception.exit_code == ExitCode.USAGE
    assert "no axis is named: give values of one, such as --batch-size" in str(result.exception)


def test_precision_is_how_narrow_an_interval_shall_be_and_no_axis(fake):
    result = sweep(*fake(), "--dtype-policy", "float32", "--precision", "bfloat16")
    assert "--precision bfloat16 is not a share" in str(result.exception)
