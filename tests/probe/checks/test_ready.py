"""What must be in place for a run."""

from __future__ import annotations

import pytest

from harness.probe.checks import ready


@pytest.mark.parametrize("name", ["jax", "tf", "torch"])
def test_a_missing_environment_is_told_with_the_command_that_builds_it(name, tmp_path):
    finding = ready.environment(name, tmp_path)
    assert finding.status == "warning"
    assert f"tox -e {name} --notest" in finding.remedy
    assert str(tmp_path) in finding.seen


def test_an_environment_is_there_when_its_interpreter_is(tmp_path):
    python = ready.environment_python("jax", tmp_path)
    python.parent.mkdir(parents=True)
    python.touch()
    assert ready.environment("jax", tmp_path).status == "good"


def test_the_rating_table_is_there_when_its_file_is(tmp_path):
    path = tmp_path / "table.npz"
    missing = ready.table(path)
    assert (missing.status, missing.remedy) == ("warning", "`harness data prepare`")
    path.touch()
    assert ready.table(path).status == "good"
    assert ready.table(None).status == "unknown"


def test_thread_settings_of_the_shell_do_not_reach_a_trial():
    finding = ready.threads({"HOME": "/root", "OMP_NUM_THREADS": "1"})
    assert finding.status == "warning"
    assert "OMP_NUM_THREADS=1" in finding.seen
    assert "do not inherit" in finding.why
    assert "--threads" in finding.remedy


def test_a_shell_without_thread_settings_is_good():
    assert ready.threads({"HOME": "/root"}).status == "good"


def test_what_is_only_missing_disturbs_no_measurement(tmp_path):
    assert not ready.environment("jax", tmp_path).disturbs
