"""``harness doctor``: what it prints, and what it exits with."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner, Result

from harness.cli import doctor as command
from harness.errors import UnavailableError
from harness.launch.lock import only_campaign
from harness.probe import doctor as examination
from harness.probe.checks import Finding

GOOD = Finding(check="load", group="quiet", status="good", seen="0.02, on 2 cores")
UNKNOWN = Finding(check="turbo", group="machine", status="unknown", seen="no switch to be seen")
BUSY = Finding(
    check="other processes",
    group="quiet",
    status="warning",
    seen="firefox (pid 7) [red]97%[/red] of one core",
    why="a trial that shares its cores is slower " * 4,
    remedy="pause it: `kill -STOP 7`",
)
MISSING = Finding(
    check="rating table",
    group="ready",
    status="warning",
    seen="there is no table.npz",
    why="trials train on it",
    remedy="`harness data prepare`",
)


@pytest.fixture
def run(monkeypatch):
    """Runs the command with the doctor finding what it is given, without a terminal."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    app = typer.Typer(rich_markup_mode=None)  # as the real one
    app.command()(command.doctor)

    def invoke(findings: list[Finding], *arguments: str) -> Result:
        monkeypatch.setattr(examination, "examine", lambda **_: findings)
        return CliRunner().invoke(app, list(arguments))

    return invoke


def test_a_quiet_machine_exits_with_0(run):
    result = run([GOOD, UNKNOWN])
    assert result.exit_code == 0
    assert result.stdout.endswith("Fit to measure on.\n")


def test_a_disturbed_machine_exits_with_1_and_names_what_disturbs(run):
    result = run([GOOD, BUSY])
    assert result.exit_code == 1
    assert result.stdout.endswith("Not fit to measure on as it is: other processes.\n")


def test_what_is_missing_for_a_run_is_told_without_a_failure(run):
    result = run([GOOD, MISSING])
    assert result.exit_code == 0
    assert result.stdout.endswith("Before a run, see to: rating table.\n")


def test_a_warning_has_its_reason_and_its_remedy_below_it_each_on_one_line(run):
    lines = run([GOOD, BUSY]).stdout.splitlines()
    place = next(i for i, line in enumerate(lines) if "other processes" in line)
    assert lines[place].startswith("  warning")
    assert lines[place + 1].strip() == f"why: {BUSY.why}".strip()
    assert lines[place + 2].strip() == f"do:  {BUSY.remedy}"


def test_the_name_of_a_program_is_not_taken_for_markup(run):
    assert BUSY.seen in run([BUSY]).stdout


def test_without_a_terminal_the_output_is_plain(run):
    assert "\x1b" not in run([GOOD, BUSY]).output


def test_json_is_all_that_json_prints(run):
    result = run([GOOD, BUSY, MISSING], "--json")
    answer = json.loads(result.stdout)
    assert answer["fit"] is False
    assert [found["check"] for found in answer["findings"]] == [
        "load",
        "other processes",
        "rating table",
    ]
    assert answer["findings"][1]["remedy"] == BUSY.remedy
    assert result.exit_code == 1
    assert not result.stderr


def test_the_help_tells_the_exit_codes(run):
    text = run([], "--help").stdout
    assert "Exit codes: 0 fit to measure on; 1 something disturbs measuring." in text
    assert "--json" in text
    assert "\\b" not in text


def test_the_prepared_table_is_looked_for_where_the_data_room_keeps_it(monkeypatch, tmp_path):
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path))
    assert command._table_path().parent == tmp_path


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """A minute of measuring that passes at once; there is no environment of a backend."""
    from harness.launch import environments
    from harness.launch.campaign import resolution

    def none(*_):
        raise UnavailableError("no interpreter")

    monkeypatch.setenv("HARNESS_LOCK_FOLDER", str(tmp_path / "lock"))
    monkeypatch.setattr(environments, "find", none)
    found = resolution.resolved("plain arithmetic", [-0.01, 0.01] * 5)
    monkeypatch.setattr(resolution, "resolution", lambda *_: found)
    return found


def test_how_small_a_difference_can_be_seen_is_told_on_request(run, measured):
    assert str(measured) in run([GOOD], "--measure").stdout
    assert "How small" not in run([GOOD]).stdout
    answer = json.loads(run([GOOD], "--measure", "--json").stdout)
    assert answer["resolution"]["pairs"] == 10


@pytest.mark.usefixtures("measured")
def test_nothing_is_measured_beside_another_campaign(run, tmp_path):
    with only_campaign(wait=False, say=print, folder=tmp_path / "lock"):
        result = run([GOOD], "--measure")
    assert "another campaign measures on this machine" in str(result.exception)


@pytest.mark.usefixtures("measured")
def test_an_environment_that_was_named_must_serve(run):
    assert "no interpreter" in str(run([GOOD], "--measure", "--env", "jax=/nowhere").exception)
