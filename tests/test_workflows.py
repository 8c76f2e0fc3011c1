"""The workflow files are valid, and the very commands that they hold do what CI needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MATRIX = "${{ matrix.environment }}"


def commands(workflow: str, job: str) -> list[str]:
    """What the steps of a job run, in order."""
    content = YAML(typ="safe").load(ROOT / ".github" / "workflows" / workflow)
    return [step["run"] for step in content["jobs"][job]["steps"] if "run" in step]


def test_the_workflow_files_are_what_github_accepts():
    names = [str(path) for path in WORKFLOWS]
    check = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.github-workflows",
    ]
    subprocess.run([*check, *names], check=True)


def test_the_tests_job_runs_what_ci_runs():
    assert commands("tests.yml", "tests") == ["bash .ci/run"]
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_the_matrix_names_environments_and_pythons_that_exist():
    content = YAML(typ="safe").load(ROOT / ".github" / "workflows" / "benchmark.yml")
    matrix = content["jobs"]["measure"]["strategy"]["matrix"]
    listed = subprocess.run(
        [sys.executable, "-m", "tox", "list", "--no-desc", "-c", str(ROOT / "tox.ini")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert set(matrix["environment"]) <= set(listed)
    assert matrix["python"] == ["3.11", "3.12", "3.13"]
    assert content["jobs"]["report"]["if"] == "always()"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of this checkout, without anything that git ignores."""
    target = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


@pytest.fixture(scope="module")
def run_as_ci(checkout):
    """Runs a command of a workflow in the copy, with a Python of its own first on the path."""
    # tox comes with virtualenv, which takes a second where venv takes nine to bring pip along.
    subprocess.run([sys.executable, "-m", "virtualenv", "-q", checkout / ".ci-python"], check=True)
    summary = checkout / "summary.md"
    variables = {
        name: value
        for name, value in os.environ.items()
        # Not TOX_*: this test runs inside tox, and the inner tox must not use its folder.
        if name in {"HOME", "LANG", "TMPDIR"} or name.startswith(("PIP_", "HARNESS_", "SSL_"))
    }
    variables |= {
        "PATH": f"{checkout / '.ci-python' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(summary),
        "CI": "true",
        # As tox.ini says of the tests' own environments. To pip this zero means yes.
        "PIP_NO_COMPILE": "0",
    }

    def run(command: str) -> str:
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", command],
            cwd=checkout,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    return run


@pytest.mark.long
@pytest.mark.network
def test_a_matrix_job_and_the_report_job_work_as_written(checkout, run_as_ci):
    for command in commands("benchmark.yml", "measure"):
        run_as_ci(command.replace(MATRIX, "jax"))
    records = list((checkout / "results" / "local").rglob("seed-*.json"))
    assert len(records) == 3

    # What upload-artifact and download-artifact do between the jobs.
    artifact = checkout / "results" / "ci" / "records-jax-py3.11"
    shutil.copytree(checkout / "results" / "local", artifact)
    for command in commands("benchmark.yml", "report"):
        run_as_ci(command)
    summary = (checkout / "summary.md").read_text(encoding="utf-8")
    assert "| jax" in summary
    assert summary.count("missing") >= 2
    assert (checkout / "results" / "ci" / "report.md").exists()
