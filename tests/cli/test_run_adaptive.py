"""`harness run` with a precision or a budget, and going on after a kill; the children are fakes."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from harness import defaults, scenario_files
from harness.analysis.speed.interval import MINIMUM_ROUNDS
from harness.cli import app, asking, campaign
from harness.errors import ExitCode
from harness.launch.lock import only_campaign
from harness.store import folder as store
from tests.cli.world import BUSY, MISSING
from tests.launch.conftest import SCENARIO
from tests.launch.fake_python import write_fake_python

RESULTS = Path("results/local")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A user's folder with a throwaway scenario, a lock of its own, and a quick speed probe."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "throwaway.py").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(tmp_path / "scenarios"))
    monkeypatch.setenv("HARNESS_LOCK_FOLDER", str(tmp_path / "lock"))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(campaign, "speed_probe", lambda: 0.2)
    monkeypatch.setattr(campaign, "rates", None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def two(here):
    """Two backends, measured by fakes that answer at once; each trial may run more lines."""

    def options(trial="leave(good)"):
        words = []
        for backend in ("jax", "torch"):
            path = write_fake_python(here / backend / "bin" / "python", trial)
            words += ["--backend", backend, "--env", f"{backend}={path}"]
        return words

    return options


def run(*arguments):
    return CliRunner().invoke(app, ["run", "throwaway", *arguments])


def records():
    return store.load(RESULTS).records


def test_a_campaign_goes_on_until_its_precision_is_reached(two):
    result = run(*two(), "--precision", "2%", "--budget", "5m")
    assert result.exit_code == ExitCode.OK, result.output
    assert max(record.round for record in records()) == 6
    assert "until the ratio of every pair of backends is known to ±2%" in result.output
    assert "ended since every interval is as narrow as asked" in result.output
    assert "were timed training" in result.output


def test_environments_that_are_made_first_take_nothing_from_the_budget(two, monkeypatch):
    clock, placements = time.monotonic, asking.placements
    late_s = [-1000.0]

    def made_in_1000_s(*request):
        late_s[0] = 0.0
        return placements(*request)

    monkeypatch.setattr(campaign, "time", SimpleNamespace(monotonic=lambda: clock() + late_s[0]))
    monkeypatch.setattr(asking, "placements", made_in_1000_s)
    result = run(*two(), "--precision", "2%", "--budget", "5m")
    assert "ended since every interval is as narrow as asked" in result.output
    assert max(record.round for record in records()) == 6


def test_it_ends_with_a_verdict_on_every_pair(two):
    result = run(*two(), "--precision", "2%")
    last = result.output.splitlines()[-1]
    assert last.startswith("JAX and PyTorch are equally fast here, within 2%. Both learn the same.")


def test_a_script_gets_the_verdicts_and_the_share_of_timed_training(two):
    document = json.loads(run(*two(), "--precision", "2%", "--json").stdout)
    (pair,) = document["verdicts"]
    backends = [pair["pair"][side]["backend"] for side in ("first", "second")]
    assert backends == ["jax", "torch"]
    assert pair["verdict"]["kind"] == "equivalent"
    assert "learned" in document["answers"]
    assert 0 < document["timed_training_share"] < 1
    assert [trial["disturbed"] for trial in document["trials"]] == [None] * 12


def test_variants_of_one_backend_get_a_verdict_too(two):
    options = two()[:4]
    result = run(*options, "--set", "batch_size=500,1000", "--precision", "2%")
    assert result.exit_code == ExitCode.OK, result.output
    assert "until the ratio of every pair of variants is known to ±2%" in result.output
    assert (
        "jax cpu fit, batch_size=1000 over batch_size=500: 1.000× (1.000–1.000), equivalent after "
        "6 rounds" in result.output
    ) or (
        "jax cpu fit, batch_size=500 over batch_size=1000: 1.000× (1.000–1.000), equivalent after "
        "6 rounds" in result.output
    )


def test_the_rules_of_the_campaign_are_kept_for_whoever_reads_it_later(two):
    run(*two(), "--precision", "3%", "--budget", "90s", "--margin", "4%")
    (plan,) = store.load(RESULTS).plans
    assert (plan.precision, plan.budget_s, plan.margin) == (0.03, 90.0, 0.04)
    assert plan.sequential
    assert {record.run_id for record in records()} == {plan.run_id}


class TestWhereNobodySaysHowLong:
    def test_the_intervals_and_a_limit_of_time_decide(self, two):
        result = run(*two())
        assert result.exit_code == ExitCode.OK, result.output
        (plan,) = store.load(RESULTS).plans
        assert (plan.rounds, plan.precision) == (None, defaults.PRECISION)
        assert (plan.budget_s, plan.least_rounds) == (defaults.LIMIT_S, MINIMUM_ROUNDS)
        assert plan.time_budget_s == defaults.ADAPTIVE_TIME_BUDGET_S
        assert plan.sequential
        assert "ended since every interval is as narrow as asked" in result.output

    def test_there_are_enough_rounds_for_a_verdict_however_slow_the_machine(self, two, monkeypatch):
        monkeypatch.setattr(defaults, "LIMIT_S", 0.001)
        result = run(*two())
        assert result.exit_code == ExitCode.OK, result.output
        assert max(record.round for record in records()) == MINIMUM_ROUNDS
        assert "ended since another round does not fit into the budget" in result.output

    @pytest.mark.parametrize(
        ("words", "rounds"),
        [(["--seeds", "1-2"], 2), (["--repetitions", "1"], 3), (["--rounds", "2"], 2)],
    )
    def test_whoever_says_how_many_rounds_gets_so_many(self, two, words, rounds):
        assert run(*two(), *words).exit_code == ExitCode.OK
        (plan,) = store.load(RESULTS).plans
        assert (plan.rounds, plan.precision, plan.budget_s) == (rounds, None, None)
        assert max(record.round for record in records()) == rounds

    def test_a_sweep_has_one_round_still(self, two):
        result = CliRunner().invoke(app, ["sweep", "throwaway", *two(), "--batch-size", "10,20"])
        assert result.exit_code == ExitCode.OK, result.output
        assert {record.round for record in records()} == {1}


def test_rounds_take_the_seeds_in_turn(two):
    run(*two(), "--rounds", "5", "--seeds", "1-2")
    seeds = {(record.round, record.seed) for record in records()}
    assert sorted(seeds) == [(1, 1), (2, 2), (3, 1), (4, 2), (5, 1)]


def test_an_unfit_machine_is_said_before_the_first_trial(two, monkeypatch):
    monkeypatch.setattr(campaign, "examine", lambda **_: [BUSY, MISSING])
    result = run(*two(), "--rounds", "1")
    assert result.exit_code == ExitCode.OK
    warning = result.output.index("NOT fit to measure on as it is: other processes (1.0 cores)")
    assert warning < result.output.index("jax cpu fit, seed 42: ")
    assert "rating table" not in result.output[:warning]


def test_nothing_is_said_of_a_machine_that_is_fit(two, monkeypatch):
    monkeypatch.setattr(campaign, "examine", lambda **_: [MISSING])
    assert "fit to measure" not in run(*two(), "--rounds", "1").output


def test_seeds_take_turns_and_all_cells_of_a_round_have_the_same(two):
    run(*two(), "--precision", "2%", "--seeds", "1-4")
    seeds = {(record.round, record.seed) for record in records()}
    assert sorted(seeds) == [(1, 1), (2, 2), (3, 3), (4, 4), (5, 1), (6, 2)]


def test_a_dry_run_tells_how_many_rounds_are_expected_and_why(two):
    result = run(*two("raise AssertionError"), "--precision", "5%", "--dry-run")
    assert result.exit_code == ExitCode.OK, result.output
    assert "rounds if paired times spread by 8.0%, a guess" in result.output
    assert not Path("results").exists()


def test_a_dry_run_learns_from_the_records_in_the_folder(two):
    # The fake trials take no turns, and records of rounds in blocks foretell such rounds.
    run(*two(), "--seeds", "1-4", "--turns", "off")
    result = run(*two(), "--precision", "5%", "--turns", "off", "--dry-run")
    assert "6 rounds if paired times spread by 0.0%, by the records in the folder" in result.output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--precision", "2"], "--precision 2 is not a share"),
        (["--budget", "soon"], "--budget soon is not a duration"),
        (["--margin", "x"], "--margin x is not a share"),
        (["--precision", "2%", "--repetitions", "3"], "give one or the other"),
        (["--budget", "2m", "--rounds", "3"], "give one or the other"),
        (["--rounds", "3", "--repetitions", "3"], "give one or the other"),
        (["--rounds", "0"], "--rounds 0 is not a whole number from 1 to 10,000"),
        (["--resume"], "there is no campaign to go on with"),
    ],
)
def test_a_mistake_is_answered_before_anything_starts(two, arguments, expected):
    result = run(*two("raise AssertionError"), *arguments)
    assert result.exception.exit_code == ExitCode.USAGE
    assert expected in str(result.exception)
    assert not (RESULTS / "records").exists()


def test_a_second_campaign_that_shall_not_wait_ends_with_who_measures(two, here):
    with only_campaign(wait=False, say=print, folder=here / "lock"):
        result = run(*two(), "--no-wait")
    assert result.exception.exit_code == ExitCode.UNAVAILABLE
    assert f"pid {os.getpid()}" in str(result.exception)
    assert records() == []


class TestResume:
    # The third trial of a campaign is killed, once.
    KILLED = (
        "if trial.round == 2 and not Path({flag!r}).exists():\n"
        "    Path({flag!r}).touch()\n"
        "    os.kill(os.getppid(), signal.SIGINT)\n"
        "    signal.pause()\n"
        "leave(good)"
    )

    def killed(self, here):
        return self.KILLED.format(flag=str(here / "killed"))

    def test_what_is_there_is_skipped_and_the_rest_is_measured(self, two, here):
        first = run(*two(self.killed(here)), "--seeds", "1-3")
        assert first.exit_code == ExitCode.INTERRUPTED
        assert "the same command with --resume goes on" in first.output
        result = run(*two(), "--seeds", "1-3", "--resume")
        assert result.exit_code == ExitCode.OK, result.output
        good = sorted((r.round, r.cell.backend) for r in records() if r.status == "ok")
        assert good == [(n, backend) for n in (1, 2, 3) for backend in ("jax", "torch")]
        assert "does not count" in result.output
        assert "it was interrupted" in result.output

    def test_a_campaign_that_is_done_has_nothing_left(self, two):
        run(*two(), "--seeds", "1-2")
        result = run(*two("raise AssertionError"), "--seeds", "1-2", "--resume")
        assert result.exit_code == ExitCode.OK, result.output
        assert len(records()) == 4

    def test_an_adaptive_campaign_goes_on_with_the_next_round(self, two):
        run(*two(), "--budget", "1s")
        before = max(record.round for record in records())
        result = run(*two(), "--precision", "2%", "--resume")
        assert result.exit_code == ExitCode.OK, result.output
        assert max(record.round for record in records()) == max(6, before)
        assert f"from round {before + 1} on" in result.output

    @pytest.mark.parametrize(
        ("folder", "told"),
        [("my/out", " --resume --results my/out"), ("results/local", " --resume")],
    )
    def test_a_report_goes_on_in_the_folder_of_the_campaign(self, folder, told, two, here):
        run(*two(self.killed(here)), "--precision", "2%", "--results", folder)
        shown = CliRunner().invoke(app, ["report", folder.split("/")[0]]).output
        (advised,) = (line for line in shown.splitlines() if line.startswith("Next: "))
        assert advised.endswith(told)

    def test_records_of_another_version_of_the_scenario_are_named_and_measured_anew(
        self, two, here
    ):
        run(*two(), "--seeds", "1-2")
        path = here / "scenarios" / "throwaway.py"
        path.write_text(SCENARIO.replace("version = 7", "version = 8"), encoding="utf-8")
        # Scenarios are imported once in a process; a command of its own would see the change.
        scenario_files.load.cache_clear()
        result = run(*two(), "--seeds", "1-2", "--resume")
        assert result.exit_code == ExitCode.OK, result.output
        assert "rounds 1-2: it measured version 7 of the scenario" in result.output
        versions = [record.scenario_version for record in records()]
        assert sorted(versions) == [7] * 4 + [8] * 4
