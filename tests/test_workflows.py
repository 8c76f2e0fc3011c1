"""The workflow files are valid, and the very commands that they hold do what CI needs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.launch.conftest import SCENARIO
from tests.launch.fake_python import write_fake_python

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CLAIMED = re.findall(
    r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text("utf-8")
)
MATRIX = "${{ matrix.environment }}"


def commands(workflow: str, job: str) -> list[str]:
    """What the steps of a job run, in order."""
    content = YAML(typ="safe").load(ROOT / ".github" / "workflows" / workflow)
    return [step["run"] for step in content["jobs"][job]["steps"] if "run" in step]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_a_workflow_uses_is_pinned_and_gets_no_credentials(path):
    jobs = YAML(typ="safe").load(path)["jobs"].values()
    steps = [step for job in jobs for step in job["steps"]]
    uses = [step["uses"] for step in steps if "uses" in step]
    assert uses
    pinned = re.compile(r"[\w./-]+@[0-9a-f]{40}|\./")  # ./ is the action of this checkout
    assert [one for one in uses if not pinned.fullmatch(one)] == []
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_what_ci_installs_first_is_pinned_with_hashes():
    for path in (*WORKFLOWS, ROOT / ".ci" / "run"):
        for line in path.read_text("utf-8").splitlines():
            if "pip install" in line:
                assert re.search(r"--require-hashes -r \.ci/(requirements|audit)\.txt", line)


@pytest.mark.parametrize(("name", "tool"), [("requirements", "tox"), ("audit", "pip_audit")])
def test_every_pin_of_ci_has_its_hash(name, tool):
    pins = (ROOT / ".ci" / f"{name}.txt").read_text("utf-8").replace("\\\n", "")
    lines = [line for line in pins.splitlines() if line and not line.startswith("#")]
    assert any(line.startswith(f"{tool}==") for line in lines)
    assert all(re.fullmatch(r"\S+==\S+ +--hash=sha256:[0-9a-f]{64}", line) for line in lines)


def test_every_pin_is_asked_about_for_vulnerabilities(tmp_path):
    folder, programs = tmp_path / "constraints", tmp_path / "programs"
    for made in (folder, programs):
        made.mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / name).touch()
    audit = programs / "pip-audit"
    audit.write_text('#!/bin/sh\necho "asked $*"\n[ "${4}" != constraints/a.txt ]\n', "utf-8")
    audit.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    script = commands("tests.yml", "audit")[-1]
    done = subprocess.run(
        ["bash", "-e", "-c", script], cwd=tmp_path, env=os.environ | {"PATH": path},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "asked --no-deps --disable-pip -r constraints/b.txt" in done.stdout
    assert done.returncode == 1, "one of them had a vulnerability"


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


@pytest.fixture
def ci_run(tmp_path):
    """Runs `.ci/run` with a path of fakes only; gives its outcome, and what tox was asked for."""
    script, programs = tmp_path / ".ci" / "run", tmp_path / "programs"
    for folder in (script.parent, programs):
        folder.mkdir()
    shutil.copy2(ROOT / ".ci" / "run", script)
    for name in ("bash", "dirname", "mkdir", "chmod"):
        (programs / name).symlink_to(shutil.which(name))
    asked = tmp_path / "asked"
    fake(
        programs / "python3",
        "mkdir -p .ci/venv/bin",
        f"printf '#!/bin/bash\\necho \"tox $*\" >> {asked}' > .ci/venv/bin/tox",
        "printf '#!/bin/bash' > .ci/venv/bin/python",
        "chmod +x .ci/venv/bin/tox .ci/venv/bin/python",
    )

    def run(pythons):
        for path in pythons:
            answer = f"echo {tmp_path / path}"
            fake(tmp_path / path, f'case "$2" in *venv*) ;; *) {answer} ;; esac')
        done = subprocess.run(
            [programs / "bash", script],
            env={"PATH": str(programs), "HOME": str(tmp_path), "HARNESS_CHROMIUM": "/a/browser"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done, asked.read_text(encoding="utf-8").splitlines() if asked.exists() else []

    return run


def fake(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/bash", *lines]), encoding="utf-8")
    path.chmod(0o755)


def test_ci_runs_the_two_commands_of_the_readme_then_the_other_pythons_the_docs_and_the_lint(
    ci_run, tmp_path
):
    pythons = ["programs/python3.12", ".pyenv/versions/3.13.0/bin/python"]
    # What pyenv puts on the path for a version that is not chosen.
    fake(tmp_path / "programs" / "python3.13", "exit 127")
    done, asked = ci_run(pythons)
    assert done.returncode == 0, done.stderr
    found = " ".join(str(tmp_path / path) for path in pythons)
    in_pairs = "tox run-parallel --parallel 2 --parallel-no-spinner"
    discover = f"--discover {found} --skip-missing-interpreters=false"
    assert asked == [
        f"{in_pairs} --notest",
        f"{in_pairs} --notest -m test pythons {discover}",
        "tox -e data",
        "tox -m test",
        f"tox run -m pythons {discover}",
        f"{in_pairs} -e docs,lint",
    ]


@pytest.mark.parametrize("there", [[], ["programs/python3.12"]])
def test_ci_fails_at_once_where_a_python_that_is_claimed_is_missing(there, ci_run):
    done, asked = ci_run(there)
    missing = "3.13" if there else "3.12"
    assert done.returncode == 1
    assert f"no Python {missing} was found" in done.stderr
    assert f"pyenv install {missing}" in done.stderr
    assert asked == []


@pytest.mark.parametrize(
    ("workflow", "job"), [("benchmark.yml", "measure"), ("tests.yml", "pythons")]
)
def test_the_jobs_run_on_every_python_that_is_claimed(workflow, job):
    content = YAML(typ="safe").load(ROOT / ".github" / "workflows" / workflow)
    assert content["jobs"][job]["strategy"]["matrix"]["python"] == CLAIMED


def test_every_python_that_is_claimed_is_there_for_what_ci_runs():
    content = YAML(typ="safe").load(ROOT / ".github" / "workflows" / "tests.yml")
    steps = content["jobs"]["tests"]["steps"]
    (setup,) = (step for step in steps if "python-version" in step.get("with", {}))
    *others, first = setup["with"]["python-version"].split()
    assert [first, *others] == CLAIMED


def test_the_matrix_names_environments_that_exist():
    content = YAML(typ="safe").load(ROOT / ".github" / "workflows" / "benchmark.yml")
    matrix = content["jobs"]["measure"]["strategy"]["matrix"]
    listed = subprocess.run(
        [sys.executable, "-m", "tox", "list", "--no-desc", "-c", str(ROOT / "tox.ini")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert set(matrix["environment"]) <= set(listed)
    assert content["jobs"]["report"]["if"] == "always()"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, project_files):
    """A copy of this checkout, without anything that git ignores."""
    target = tmp_path_factory.mktemp("checkout")
    for name in project_files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)
    return target


@pytest.fixture(scope="module")
def run_as_ci(checkout, started_with):
    """Runs a command of a workflow in the copy, with a Python of its own first on the path."""
    # tox comes with virtualenv, which takes a second where venv takes nine to bring pip along.
    subprocess.run([sys.executable, "-m", "virtualenv", "-q", checkout / ".ci-python"], check=True)
    summary = checkout / "summary.md"
    variables = {
        name: value
        for name, value in started_with.items()
        # The home with pip's settings and cache, the cache with the ratings, and the way out.
        # Not TOX_*: this test runs inside tox, and the inner tox must not use its folder.
        if name in {"HOME", "TMPDIR", "HARNESS_CACHE_DIR", "REQUESTS_CA_BUNDLE"}
        or name.startswith(("PIP_", "SSL_"))
        or name.lower().endswith("_proxy")
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
    assert len(records) == 1  # the environment `verdict` measures more, all backends together

    # What upload-artifact and download-artifact do between the jobs.
    artifact = checkout / "results" / "ci" / "records-jax-py3.11"
    shutil.copytree(checkout / "results" / "local", artifact)
    for command in commands("benchmark.yml", "report"):
        run_as_ci(command)
    summary = (checkout / "summary.md").read_text(encoding="utf-8")
    assert "| jax" in summary
    assert summary.count("missing") >= 2
    assert (checkout / "results" / "ci" / "report.md").exists()


ACTION = YAML(typ="safe").load(ROOT / "action.yml")


def test_the_action_is_what_github_accepts():
    schema = ["--builtin-schema", "vendor.github-actions", str(ROOT / "action.yml")]
    subprocess.run([sys.executable, "-m", "check_jsonschema", *schema], check=True)


def test_no_input_of_the_action_is_written_into_a_script():
    scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]
    assert len(scripts) == 3
    assert not any("${{" in script for script in scripts)


@pytest.fixture
def runner(tmp_path, monkeypatch):
    """A folder of a runner where `python -m venv` makes environments with fake interpreters."""
    for name in ("scenarios", "temp", "programs"):
        (tmp_path / name).mkdir()
    (tmp_path / "scenarios" / "throwaway.py").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.setenv("HARNESS_LOCK_FOLDER", str(tmp_path / "lock"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


QUIET = """
from harness.cli import campaign, main
from harness.probe import noise
campaign.speed_probe, campaign.rates = lambda: 0.2, None
campaign.examine = lambda **_: []
noise.difference = lambda *_: None
main()
"""
MADE_UP = """
import random
from harness.records.machine import Cpu, Environment
cpu = Cpu(model="", architecture="", logical_cores=2, physical_cores=1, affinity=None)
machine = Environment(
    machine_id="runner", hostname="", os="", python="3.11.7", cpu=cpu, gpus=[],
    memory_total_bytes=1, memory_available_bytes=1, load_average=0.1, thread_pools=[],
    packages={{"keras": "3.15.1", "jax": "1.0"}}, variables={{}},
)
wall_s = 10 * {step_time_s} * random.Random(trial.seed).uniform(0.99, 1.01)
epoch = msgspec.structs.replace(good.epochs[0], wall_s=wall_s)
leave(msgspec.structs.replace(good, epochs=[epoch], environment=machine))
"""


def environment(folder, installed, step_time_s):
    """An environment with the real command line, and an interpreter whose trials are made up.

    What else runs on this machine is not looked at.
    """
    fake(folder / "bin" / "harness", f"exec {sys.executable} -c '{QUIET}' \"$@\"")
    write_fake_python(folder / "bin" / "trial", MADE_UP.format(step_time_s=step_time_s))
    pip = f'if [ "$2" = pip ]; then echo "$@" >> {installed}; exit; fi'
    fake(folder / "bin" / "python", pip, f'exec {folder / "bin" / "trial"} "$@"')


def act(runner, *, after_s, **inputs):
    """Runs the action's scripts as GitHub does; gives its exit code, its summary, what pip did."""
    chosen = {name: str(about.get("default", "")) for name, about in ACTION["inputs"].items()}
    chosen |= {"scenario": "throwaway", "scenarios": str(runner / "scenarios")} | inputs
    installed, summary, output = (runner / name for name in ("pip", "summary.md", "output"))
    for side, step_time_s in (("report", 1), ("before", 0.002), ("after", after_s)):
        environment(runner / "temp" / f"harness-{side}", installed, step_time_s)
    fake(runner / "programs" / "python", f'echo "$@" >> {installed}')
    code = 0
    for step in ACTION["runs"]["steps"]:
        if "run" not in step:
            continue
        variables = {
            name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda match: chosen[match[1]], value)
            for name, value in step["env"].items()
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=runner,
            env=os.environ
            | variables
            | {
                "GITHUB_ACTION_PATH": str(ROOT),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(summary),
                "RUNNER_TEMP": str(runner / "temp"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        code = done.returncode
        if code:
            break
    told = done.stdout + done.stderr
    assert summary.exists(), told
    return code, summary.read_text("utf-8"), output.read_text("utf-8"), installed.read_text("utf-8")


@pytest.mark.long
def test_the_action_fails_where_the_new_packages_are_slower(runner):
    requirements = runner / "new.txt"
    code, summary, output, installed = act(
        runner, after_s=0.003, turns="2", after=str(requirements)
    )
    assert code == 11
    assert summary.startswith("# 1 slower\n")
    assert "exit-code=11" in output
    assert f"-r {requirements}" in installed
    assert f"{ROOT}[jax] -c {ROOT}/constraints/jax.txt" in installed
    results = runner / "temp" / "harness-results"
    assert (results / "comparison.md").exists()
    begun = sorted(
        (record["started_at"], side, record["seed"])
        for side in ("before", "after")
        for path in (results / side).rglob("seed-*.json")
        for record in [json.loads(path.read_text("utf-8"))]
    )
    assert len(begun) == 8


@pytest.mark.long
def test_the_action_without_rules_reports_and_does_not_fail(runner):
    code, summary, output, _ = act(runner, after_s=0.003, turns="1", **{"fail-on": ""})
    assert code == 0
    assert summary.startswith("# 1 not settled\n")
    assert "exit-code=0" in output


@pytest.mark.long
def test_the_job_that_ranks_leaves_an_answer_in_the_summary(runner):
    installed, summary = runner / "pip", runner / "summary.md"
    for name, step_time_s in (("jax", 0.001), ("tf", 0.002), ("torch", 0.004), ("report", 1)):
        environment(runner / ".tox" / name, installed, step_time_s)
    for program in ("python", "tox"):
        fake(runner / "programs" / program, f'echo "{program} $@" >> {installed}')
    told = ""
    for command in commands("benchmark.yml", "rank"):
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", command.replace("ranking", "throwaway")],
            cwd=runner,
            env=os.environ
            | {
                "GITHUB_STEP_SUMMARY": str(summary),
                "HARNESS_SCENARIO_PATH": str(runner / "scenarios"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        told += done.stdout + done.stderr
        assert done.returncode == 0, told
    assert "tox -e jax,tf,torch,report --notest" in installed.read_text("utf-8")
    assert "JAX is fastest here" in summary.read_text("utf-8")
    assert (runner / "results" / "rank" / "report.md").exists()
