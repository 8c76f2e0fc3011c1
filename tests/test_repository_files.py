"""Files that others read by a fixed form: the citation, GitHub's forms, the pins."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import harness

ROOT = Path(__file__).parents[1]
FORMS = {
    "CITATION.cff": "vendor.citation-file-format",
    ".github/dependabot.yml": "vendor.dependabot",
    ".github/ISSUE_TEMPLATE/config.yml": "vendor.github-issue-config",
    ".github/ISSUE_TEMPLATE/bug.yml": "vendor.github-issue-forms",
    ".github/ISSUE_TEMPLATE/wrong-answer.yml": "vendor.github-issue-forms",
}


@pytest.fixture
def remake():
    """The script behind `tox -e pins`, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("remake", ROOT / "constraints" / "remake.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", FORMS)
def test_a_file_has_the_form_that_its_reader_expects(name):
    schema = ["--builtin-schema", FORMS[name]]
    check = [sys.executable, "-m", "check_jsonschema", *schema, str(ROOT / name)]
    subprocess.run(check, check=True, capture_output=True)


def test_every_issue_form_is_checked():
    there = {
        f".github/ISSUE_TEMPLATE/{p.name}" for p in (ROOT / ".github/ISSUE_TEMPLATE").iterdir()
    }
    assert there <= set(FORMS)


def test_the_citation_names_the_version():
    assert YAML(typ="safe").load(ROOT / "CITATION.cff")["version"] == harness.__version__


def test_every_file_of_pins_can_be_remade(remake):
    assert {path.stem for path in (ROOT / "constraints").glob("*.txt")} == set(remake.ENVIRONMENTS)


def test_remade_pins_name_no_build_of_one_machine_and_not_this_project(remake, monkeypatch):
    def package(name, version, **source):
        return {"metadata": {"name": name, "version": version}, "download_info": source}

    report = {
        "install": [
            package("torch", "2.13.0+cpu", archive_info={}),
            package("tensorflow_cpu", "2.21.0", archive_info={}),
            package("keras-backend-harness", "0.1.0", dir_info={}),
        ]
    }
    monkeypatch.setattr(remake, "_run", lambda *_: json.dumps(report))
    assert remake.resolved(["torch"]) == {
        "torch": "2.13.0",
        "tensorflow_cpu": "2.21.0",
        "tensorflow": "2.21.0",
    }


def test_pins_of_an_unknown_name_are_refused_with_the_valid_ones(remake):
    with pytest.raises(SystemExit, match=r"no such file: jaks\. Valid: data, jax"):
        remake.main(["jaks"])


def test_no_file_holds_the_marks_of_a_merge(project_files):
    marks = (b"\n<<<<<<< ", b"\n>>>>>>> ")
    held = [name for name in project_files if any(m in (ROOT / name).read_bytes() for m in marks)]
    assert held == []
