"""No byte of an output changes by accident: every published folder, in every form that it takes."""

from __future__ import annotations

import hashlib
import json

import pytest
from typer.main import get_command

from harness.cli import app

FOLDERS = [
    "reference",
    "reference-again",
    "reference-ladder",
    "reference-sweeps/batch-size",
    "reference-sweeps/embedding-rows",
    "reference-gpu",
    "reference-twins/01",
    "reference-twins-busy/01",
]

NAMES = [folder.replace("/", "-") for folder in FOLDERS]

COMMANDS = [
    "",
    "run",
    "sweep",
    "bisect",
    "report",
    "findings",
    "export",
    "merge",
    "compare",
    "parity",
    "anatomy",
    "data",
    "data prepare",
    "data verify",
    "data sources",
    "env",
    "env make",
    "env list",
    "env remove",
    "env update",
    "cluster",
    "cluster up",
    "cluster join",
    "scenario",
    "scenario new",
    "list",
    "check",
    "doctor",
]


@pytest.fixture
def report(harness, tmp_path):
    """`harness report` of a folder: what it prints on standard output, and its Markdown."""

    def make(folder, *options):
        written = tmp_path / "report.md"
        page = tmp_path / "report.html"
        names = ["--no-titles", "--output", written, "--html", page]
        done = harness("report", f"results/{folder}", *names, *options)
        assert done.exit_code == 0, done.output
        return done.stdout, written.read_text(encoding="utf-8")

    return make


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_the_terminal(report, shown, folder):
    text, _ = report(folder)
    # Where the files went, and which packages the page would need, differs between machines.
    text, _, _ = text.partition("\nMarkdown: ")
    assert text.rstrip() + "\n" == shown


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_the_markdown(report, shown, folder):
    _, text = report(folder)
    assert text == shown


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_the_json(report, shown, folder):
    text, _ = report(folder, "--json")
    assert outlined(json.loads(text)) == shown


@pytest.mark.parametrize("name", ["pytest-benchmark", "github-action-benchmark", "bencher"])
def test_an_export(harness, tmp_path, shown, name):
    written = tmp_path / "exported"
    done = harness("export", "results/reference", "--format", name, "--output", written)
    assert done.exit_code == 0, done.output
    assert outlined(json.loads(written.read_text(encoding="utf-8"))) == shown


def test_the_comparison_of_two_campaigns(harness, shown):
    done = harness("compare", "results/reference", "results/reference-again")
    assert f"exit code {done.exit_code}\n{done.stdout}" == shown


def test_the_findings(harness, shown):
    done = harness("findings", *(f"results/{name}" for name in FOLDERS[2:5]))
    assert done.exit_code == 0, done.output
    assert done.stdout == shown


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help(harness, monkeypatch, shown, command):
    monkeypatch.setenv("COLUMNS", "80")
    done = harness(*command.split(), "--help")
    assert done.exit_code == 0
    assert done.stdout == shown


def test_every_command_has_its_help_kept():
    assert sorted(["", *commands(get_command(app))]) == sorted(COMMANDS)


def commands(group, before=""):
    """The words of every command, those of groups included: ``data``, ``data prepare``."""
    for name, command in group.commands.items():
        words = f"{before} {name}".strip()
        yield words
        if hasattr(command, "commands"):
            yield from commands(command, words)


def outlined(value, depth=2):
    """JSON whose difference a person can read: deeper than ``depth``, a digest of what is there."""
    return json.dumps(_outline(_rounded(value), depth), indent=1, ensure_ascii=False) + "\n"


def _rounded(value):
    """Ten digits of every figure: the last ones are another processor's."""
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return float(f"{value:.10g}") if isinstance(value, float) else value


def _outline(value, depth):
    if not isinstance(value, dict | list) or len(json.dumps(value)) < 2_000:
        return value
    if depth == 0:
        return f"{len(value)} parts, sha256 {digest(json.dumps(value, sort_keys=True))[:16]}"
    if isinstance(value, dict):
        return {name: _outline(part, depth - 1) for name, part in value.items()}
    return [_outline(part, depth - 1) for part in value]


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()
