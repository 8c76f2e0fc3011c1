"""`harness run train.py`: a script in the place of a scenario. Its child is a fake interpreter."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from harness import cli
from harness.cli import campaign
from harness.errors import ExitCode
from harness.store import folder as store
from tests.launch.fake_python import write_fake_python

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts")

MEASURED = """
from harness.records.program import ProgramRun
from harness.records.trial import Hashes
assert Path(trial.program).is_absolute()
run = ProgramRun(arguments=[], training="fit", script_s=1.0, calls=1, quality_source="evaluate")
quality = Quality(metric="accuracy", direction="higher", value=0.9)
hashes = Hashes(table="program", split="program", initial_weights="a", final_weights="b")
leave(msgspec.structs.replace(good, program=run, quality=quality, hashes=hashes,
                              scenario_version=1))
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.py").write_text("import keras\n", encoding="utf-8")
    monkeypatch.setenv("HARNESS_LOCK_FOLDER", str(tmp_path / "lock"))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(campaign, "speed_probe", lambda: 0.2)
    monkeypatch.setattr(campaign, "rates", None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def said(here, monkeypatch, capsys):
    """Exit code, and everything that a command says."""

    def said(*arguments, command="run", trial=MEASURED):
        path = write_fake_python(here / "jax" / "bin" / "python", trial)
        options, own = arguments, ()
        if "--" in arguments:
            cut = arguments.index("--")
            options, own = arguments[:cut], arguments[cut:]
        where = ("--backend", "jax", "--env", f"jax={path}")
        monkeypatch.setattr(sys, "argv", ["harness", command, *options, *where, *own])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        outcome = capsys.readouterr()
        return int(ended.value.code or 0), outcome.out + outcome.err

    return said


def records(root="results/local"):
    return store.load(Path(root)).records


def test_a_script_takes_the_place_of_a_scenario(said):
    code, text = said("mine/train.py", "--seeds", "1")
    assert code == ExitCode.OK, text
    (record,) = records()
    assert record.cell.scenario == "train.py"
    assert record.cell.settings == {"arguments": "", "fit": "last", "metric": "auto"}
    assert "test accuracy 0.90000" in text


@pytest.mark.parametrize("turns", ["on", "off"])
def test_scripts_take_turns_unless_they_are_told_not_to(said, turns):
    said("mine/train.py", "--seeds", "1", "--turns", turns)
    kept = json.loads(Path("results/local/campaign.json").read_text(encoding="utf-8"))
    (plan,) = kept["runs"]
    assert plan.get("turns", False) is (turns == "on")


def test_what_stands_behind_the_dashes_is_the_scripts_and_tells_cells_apart(said):
    for arguments in (["--batch", "64"], ["--batch", "32", "a b"]):
        said("mine/train.py", "--seeds", "1", "--", *arguments)
    told = {record.cell.settings["arguments"] for record in records()}
    assert told == {"--batch 64", "--batch 32 'a b'"}
    assert len({record.cell.digest for record in records()}) == 2


def test_the_plan_says_which_fit_counts_and_which_metric_is_the_quality(said):
    code, text = said("mine/train.py", "--dry-run")
    assert code == ExitCode.OK
    text = " ".join(text.split())
    assert "the last fit counts (--fit NUMBER or MODEL)" in text
    assert "else its training loss (--metric NAME)" in text
    assert not Path("results").exists()


def test_another_fit_and_metric_are_asked_for_by_name(said):
    said("mine/train.py", "--seeds", "1", "--fit", "2", "--metric", "val_auc:higher")
    (record,) = records()
    assert record.cell.settings["fit"] == "2"
    assert record.cell.settings["metric"] == "val_auc:higher"


def test_a_campaign_of_a_script_goes_on_and_a_changed_one_does_not_count(said):
    source = "leave(msgspec.structs.replace(good, program=run, scenario_version=1, hashes=hashes,"
    source = MEASURED.replace("leave(msgspec.structs.replace(good, program=run,", source).replace(
        "quality=quality, hashes=hashes,\n                              scenario_version=1",
        "quality=quality, scenario_sha256=SHA",
    )
    source = source.replace(
        "run =",
        "from harness import scenario\nSHA = scenario.sources_sha256(trial.program)\nrun =",
        1,
    )
    said("mine/train.py", "--seeds", "1", trial=source)
    code, text = said("mine/train.py", "--seeds", "1", "--resume", trial=source)
    assert code == ExitCode.OK, text
    assert len(records()) == 1
    Path("mine/train.py").write_text("import keras  # another\n", encoding="utf-8")
    _, text = said("mine/train.py", "--seeds", "1", "--resume", trial=source)
    assert "source was another one" in text
    assert len(records()) == 2


def test_a_script_that_fails_leaves_a_record_and_the_others_go_on(said):
    trial = "if trial.seed == 1: sys.exit(3)\n" + MEASURED
    code, _ = said("mine/train.py", "--seeds", "1,2", trial=trial)
    assert code == ExitCode.TRIAL_FAILED
    assert sorted(record.status for record in records()) == ["crashed", "ok"]


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("mine/trian.py", "does not exist; did you mean train.py?"),
        ("mine", "unknown scenario"),
        ("mine/", "is a folder"),
        ("mine/note.ipynb", "is a notebook"),
        ("mine/run.sh", "is no Python file"),
    ],
)
def test_what_is_no_script_is_said_before_anything_starts(said, here, typed, answer):
    (here / "mine" / "note.ipynb").touch()
    (here / "mine" / "run.sh").touch()
    code, text = said(typed)
    assert code == ExitCode.USAGE
    assert answer.lower() in text.lower()


@pytest.mark.parametrize(
    ("options", "named"),
    [(["--fit", "2"], "--fit"), (["--metric", "auc"], "--metric"), (["--", "--batch"], "--batch")],
)
def test_a_scenario_takes_no_options_of_a_script(said, options, named):
    code, text = said("ranking", *options)
    assert code == ExitCode.USAGE
    assert f"{named} is for a script of your own" in text


def test_a_script_trains_in_the_mode_fit_alone(said):
    code, text = said("mine/train.py", "--mode", "tuned")
    assert code == ExitCode.USAGE
    assert "trains as it is written" in text


def test_anatomy_needs_a_scenario(said):
    code, text = said("mine/train.py", command="anatomy")
    assert code == ExitCode.USAGE
    assert "needs a scenario" in text


def test_sweeps_axes_need_a_scenario(said):
    code, text = said("mine/train.py", "--batch-size", "1,2", command="sweep")
    assert code == ExitCode.USAGE
    assert "batch_size" in text
