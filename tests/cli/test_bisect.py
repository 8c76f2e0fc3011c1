"""`harness bisect`: versions, environments and interpreters are fakes, the campaigns are real."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from harness import cli
from harness.cli import campaign
from harness.errors import ExitCode, GateCode
from harness.store import bisections
from tests.cli.fake_versions import LocalIndex, Versions, as_fast
from tests.launch.conftest import SCENARIO

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts")


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "throwaway.py").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(tmp_path / "scenarios"))
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HARNESS_LOCK_FOLDER", str(tmp_path / "lock"))
    monkeypatch.setattr(campaign, "speed_probe", lambda: 0.2)
    monkeypatch.setattr(campaign, "rates", None)
    return tmp_path


@pytest.fixture
def versions(here, monkeypatch):
    assert here
    return Versions(monkeypatch)


@pytest.fixture
def bisect(here, monkeypatch, capsys):
    """Exit code, and what the command says."""
    assert here

    def bisect(*options, good="1.0", bad="1.7", backend=("--backend", "jax"), yes=("--yes",)):
        words = ["--package", "planted", "--good", good, "--bad", bad, *backend, *yes]
        how_long = [] if "--budget" in options else ["--rounds", "4"]
        monkeypatch.setattr(
            sys, "argv", ["harness", "bisect", "throwaway", *words, *how_long, *options]
        )
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return bisect


def steps():
    log = bisections.load(Path("results/bisect"))
    return {step.version: step.outcome for step in log.steps}


def test_the_first_slow_version_is_found_in_the_fewest_campaigns(versions, bisect):
    versions.plant("1.4", as_fast(0.022))
    code, out, err = bisect("--fail-on", "slower:5%")
    assert code == ExitCode.OK, err
    last = out.strip().splitlines()[-1]
    assert last.startswith("planted 1.4 is the first that is slower: 1.100× the step time of 1.0 (")
    assert "1.3, the one before it, is not: 1.000× (" in last
    assert steps() == {"1.7": "bad", "1.3": "good", "1.5": "bad", "1.4": "bad"}
    assert versions.made == ["1.0", "1.7", "1.3", "1.5", "1.4"]
    text = Path("results/bisect/bisect.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {last}")
    assert "| 1.5 | bad |" in text


@pytest.mark.long
def test_a_slowdown_in_the_fifth_of_eight_wheels_is_found_in_four_campaigns(
    here, monkeypatch, bisect
):
    LocalIndex(monkeypatch, here / "wheels", slow="1.4")
    code, out, err = bisect("--fail-on", "slower:5%")
    assert code == ExitCode.OK, err
    assert "planted 1.4 is the first that is slower: " in out.strip().splitlines()[-1]
    assert steps() == {"1.7": "bad", "1.3": "good", "1.5": "bad", "1.4": "bad"}


def test_the_same_command_goes_on_where_another_one_was_ended(versions, bisect):
    versions.plant("1.6", as_fast(0.03))
    versions.trials["1.5"] = (
        "import os, signal\nos.kill(os.getppid(), signal.SIGINT)\nsignal.pause()"
    )
    code, _, _ = bisect()
    assert code == ExitCode.INTERRUPTED
    assert steps() == {"1.7": "bad", "1.3": "good"}
    versions.made.clear()
    versions.repair("1.5")
    code, out, _ = bisect()
    assert code == ExitCode.OK, out
    assert "2 steps done in results/bisect; going on" in out
    assert versions.made == ["1.6"]
    assert "planted 1.6 is the first that is slower: 1.500×" in out


def test_another_question_in_the_same_folder_is_refused(versions, bisect):
    versions.plant("1.7", as_fast(0.03))
    assert bisect(good="1.6")[0] == ExitCode.OK
    code, _, err = bisect(good="1.5")
    assert code == ExitCode.USAGE
    assert "has the log of another question (throwaway on jax: planted 1.6 to 1.7" in err


@pytest.mark.usefixtures("versions")
def test_there_is_nothing_to_look_for_where_the_bad_version_is_as_fast(bisect):
    code, out, _ = bisect()
    assert code == ExitCode.TRIAL_FAILED
    assert "planted 1.7 keeps the limits: 1.000× the step time of 1.0" in out
    assert steps() == {"1.7": "good"}


def test_versions_that_cannot_be_installed_or_run_are_skipped_and_named(versions, bisect):
    versions.plant("1.6", as_fast(0.03))
    versions.broken = ["1.5"]
    versions.trials["1.4"] = "print('no such symbol'); sys.exit(3)"
    code, out, _ = bisect(good="1.3")
    assert code == GateCode.INCONCLUSIVE
    assert steps() == {"1.7": "bad", "1.5": "skipped", "1.4": "skipped", "1.6": "bad"}
    flat = " ".join(out.split())
    assert "planted 1.6 is slower: 1.500× the step time of 1.3 (" in flat
    assert "first that is may also be 1.4 (skipped) or 1.5 (skipped), without an answer" in flat
    assert "it cannot be installed: jax cannot be installed by pip: ERROR: no such wheel" in flat


def test_a_version_that_leaves_no_measurement_is_bad_where_that_is_asked(versions, bisect):
    versions.plant("1.6", "sys.exit(3)")
    code, out, _ = bisect("--fail-on", "missing", good="1.5")
    assert code == ExitCode.OK, out
    assert "planted 1.6 is the first that leaves no measurement" in out


def test_what_is_measured_is_good_where_only_missing_is_asked_however_much_it_scatters(
    versions, bisect
):
    versions.trials["1.7"] = as_fast("0.02 * (1 + 0.2 * (trial.round % 2))")
    code, _, _ = bisect("--fail-on", "missing", good="1.6")
    assert code == ExitCode.TRIAL_FAILED
    assert steps() == {"1.7": "good"}


def test_memory_is_a_rule_of_its_own(versions, bisect):
    versions.plant("1.7", as_fast(peak_rss_bytes=700_000_000))
    code, out, _ = bisect("--fail-on", "memory:10%", good="1.6")
    assert code == ExitCode.OK, out
    assert "1.7 is the first that takes more memory: 1.400× the peak memory of 1.6" in out


def test_without_a_verdict_on_the_bad_version_the_command_ends_with_the_reason(versions, bisect):
    versions.trials["1.7"] = as_fast("0.02 * (1 + 0.2 * (trial.round % 2))")
    code, out, _ = bisect(good="1.6")
    assert code == GateCode.INCONCLUSIVE
    assert "no verdict on planted 1.7: the interval reaches across the margin" in out
    assert "for more rounds, go on by the same command with --precision 2%" in out


def test_a_good_version_that_fails_ends_the_command(versions, bisect):
    versions.trials["1.6"] = "sys.exit(3)"
    code, _, err = bisect(good="1.6")
    assert code == ExitCode.UNAVAILABLE
    assert "planted 1.6 left no measurement, so nothing can be compared with it" in err


def test_json_is_one_document_on_standard_output(versions, bisect):
    versions.plant("1.7", as_fast(0.03))
    code, out, err = bisect("--json", good="1.6")
    answer = json.loads(out)
    assert code == answer["exit_code"] == ExitCode.OK
    assert answer["conclusion"] == {"kind": "found", "suspects": ["1.7"], "before": "1.6"}
    assert answer["log"]["steps"][0]["figures"]["step time"][0] == pytest.approx(1.5, rel=0.01)
    assert "planted 1.7: bad" in err


def test_a_dry_run_says_what_there_is_to_do_and_does_nothing(versions, bisect):
    code, out, _ = bisect("--dry-run", "--budget", "2m", yes=())
    assert code == ExitCode.OK
    assert "8 versions of planted: 1.0, 1.1" in out
    assert "at most 4 campaigns, 8 min 00 s of measuring at most" in out
    assert "at most 5 environments to be made: about 3.6 GB, 9 minutes;" in out
    assert not versions.made
    assert not Path("results").exists()


def test_nothing_is_made_where_nobody_agrees(versions, bisect):
    code, _, err = bisect(yes=())
    assert code == ExitCode.UNAVAILABLE
    assert "Add --yes" in err
    assert not versions.made


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"good": "1.9"}, "--good: unknown version of planted '1.9'"),
        ({"good": "1.7", "bad": "1.0"}, "--good 1.7 must be an earlier version than --bad 1.0"),
        ({"backend": ()}, "bisect measures one backend, and none is named"),
        ({"backend": ("--backend", "jax,tf")}, "bisect measures one backend, and 2 are named"),
    ],
)
def test_a_mistake_ends_before_anything_is_made(versions, bisect, options, told):
    code, _, err = bisect(**options)
    assert code == ExitCode.USAGE
    assert told in err
    assert not versions.made


@pytest.mark.usefixtures("versions")
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--fail-on", "inconclusive"], "is neither good nor bad"),
        (["--fail-on", "slowr:5%"], "did you mean slower?"),
        (["--mode", "fit,tuned"], "give --mode one value"),
        (["--threads", "1,2"], "give --threads one value"),
        (["--package", "a b"], "--package is given 2 times"),
    ],
)
def test_what_bisect_cannot_do_is_said(bisect, options, told):
    code, _, err = bisect(*options)
    assert code == ExitCode.USAGE
    assert told in err
