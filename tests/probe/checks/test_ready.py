"""What must be in place for a run."""

from __future__ import annotations

import pytest

from harness.probe.checks import ready


@pytest.mark.parametrize(("backend", "name"), [("jax", "jax"), ("tensorflow", "tf")])
def test_a_missing_environment_is_told_with_the_command_that_makes_it(backend, name):
    finding = ready.environment(backend, [], "no interpreter has it")
    assert (finding.check, finding.status) == (f"environment {name}", "warning")
    assert f"`harness env make {name}`" in finding.remedy
    assert finding.seen == "no interpreter has it"


def test_the_environment_that_is_shown_is_the_one_that_a_run_takes():
    finding = ready.environment("jax", ["/one/python (--env)", "/other/python (.tox/jax)"])
    assert (finding.status, finding.seen) == ("good", "/one/python (--env)")


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


def test_what_is_only_missing_disturbs_no_measurement():
    assert not ready.environment("jax", [], "no interpreter has it").disturbs
