"""Every command of the documentation works as it is written, or the page says that nobody runs it.

A command of the harness is run for what it does on made-up records and with fake interpreters;
`run` and `sweep` as far as their plan, since `tests/cli/test_exit_codes.py` trains. Of tox it is
checked that each environment and label exists.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import places
from harness.launch import env_cache, env_make, environments
from harness.launch.environments import Installed
from tests.cli.world import WRITERS, World
from tests.cli.world import commands as all_commands
from tests.docs.pages import PAGES, ROOT, Command, commands, read

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts"),
]

ELSEWHERE = {
    # Each row of this page is a case of its own.
    "docs/exit-codes.md": "tests/cli/test_exit_codes.py",
    # Made by its own command.
    "docs/findings.md": "tests/snapshots/test_outputs.py",
}
RUN_BY = {
    "bash .ci/run": "tests/test_workflows.py",
    "python -m pip install tox": "tests/test_workflows.py",
    "python -m harness.report.exports.dictionary > docs/columns.md": "tests/test_notebook.py",
}
SETUP = {"export", "mkdir", "source"}
"""What a shell does before a command of the harness; its effect is made by the test."""
NEEDS = {"parquet": "polars", "mlflow": "mlflow"}
"""A package without which a command says what to install."""
EVERY = [each for page in PAGES if page not in ELSEWHERE for each in commands(page)]
UNIQUE = sorted({each.text: each for each in EVERY}.values())


def is_form(command: Command) -> bool:
    """Whether it is no command to type: a bare name, or one with a placeholder such as ``NAME``."""
    placeholder = any(re.fullmatch(r"[A-Z][A-Z_]+", word) for word in command.words[1:])
    named = any(command.words[1:] == words for words in all_commands())
    alone = named and command.words[1:] not in ALONE
    lacking = (
        command.words[1:2] in ([each] for each in TRAINING)
        and command.words[2:3]
        and (command.words[2].startswith("-"))
    )
    return placeholder or alone or bool(lacking)


TRAINING = ("run", "sweep", "parity", "anatomy")
"""Commands that need a scenario."""


ALONE = [["doctor"], ["list"], ["data", "prepare"], ["data", "verify"], ["data", "sources"]]
"""Commands that need no argument."""

OF_HARNESS = [each for each in UNIQUE if each.words[0] == "harness" and each.excuse is None]
RUN = [each for each in OF_HARNESS if not is_form(each)]
FORMS = [each for each in OF_HARNESS if is_form(each)]
OF_TOX = [each for each in UNIQUE if each.words[0] == "tox"]


SCRIPT = """
import keras
import numpy as np

x = np.ones((64, 8), "float32")
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, x[:, :1])
"""


@pytest.fixture
def world(tmp_path, monkeypatch, make_campaign):
    """A folder with what the pages have made before: records and a scenario."""
    made = World(tmp_path, monkeypatch, make_campaign).prepared()
    made.offline()
    for name in ("local", "before", "after", "a", "b"):
        made.campaign(f"results/{name}", rounds=4)
    page = read("docs/your-model.md")
    (source,) = re.findall(r"<!-- file: \S+ -->\n```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "scenarios" / "digits.py").write_text(source, encoding="utf-8")
    return made


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A user's folder: a script, environments of two versions, a checkout of Keras beside it.

    The user agrees to make environments; the fake installer leaves a fake interpreter.
    """
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    for name in ("before", "after"):
        WRITERS["trial"](tmp_path / "envs" / name / "bin" / "python")
    (tmp_path.parent / "keras").mkdir(exist_ok=True)
    project = tmp_path.parent / "keras" / "pyproject.toml"
    project.write_text('[project]\nname = "keras"\n', encoding="utf-8")

    def install(_recipe, folder, *_):
        WRITERS["trial"](env_cache.python_in(folder))

    monkeypatch.setattr(places, "_agreed", lambda *_: True)
    monkeypatch.setattr(env_make, "_install", install)
    monkeypatch.setattr(env_make, "interpreter", lambda _: Path(sys.executable))
    packages = Installed(packages={"keras": "3.15.1", "jax": "0.10.2"})
    monkeypatch.setattr(environments, "installed", lambda _: packages)


def interpreters(folder: Path, kind: str) -> None:
    """Interpreters where tox would have built them, for tasks of one kind."""
    for name in ("jax", "tf", "torch"):
        WRITERS[kind](folder / ".tox" / name / "bin" / "python")


def done(words: list[str], world: World, folder: Path) -> int:
    """The exit code of a command, whose measurements are planned and not made."""
    command = words[0]
    if command == "anatomy" and "--processes" not in words:
        words += ["--processes", "1"]
    if command in {"run", "sweep"} and "--dry-run" not in words:
        words.insert(1, "--dry-run")
    if command == "env" and words[1] != "list":
        words.append("--yes")
    if words[:2] == ["env", "remove"]:
        assert world.harness("env", "make", *words[2:]) == 0
    if words[:2] == ["scenario", "new"]:
        (folder / "scenarios" / f"{words[2]}.py").unlink()
    if "results/reference" in words:
        shutil.copytree(ROOT / "results" / "reference", folder / "results" / "reference")
    if command == "doctor":
        return world.doctor(*words[1:])
    if command == "check":
        return world.checked(scenario=words[1])
    return world.harness(*words)


@pytest.mark.parametrize("command", RUN, ids=lambda each: each.text)
def test_a_command_of_the_harness_does_what_its_page_says(command, world, tmp_path):
    for option, package in NEEDS.items():
        if option in command.words and importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    words = shlex.split(command.text)[len(command.text.split()) - len(command.words) + 1 :]
    interpreters(tmp_path, words[0] if words[0] in WRITERS else "trial")
    assert done(words, world, tmp_path) == 0


@pytest.mark.parametrize("command", FORMS, ids=lambda each: each.text)
def test_a_form_names_a_command_and_options_that_exist(command, world, capsys):
    words = command.words[1:]
    known = [each for each in all_commands() if words[: len(each)] == each]
    if words[0] in {"COMMAND", "--help"}:
        return
    assert known
    world.harness(*known[0], "--help")
    shown = capsys.readouterr().out
    for option in re.findall(r"--[a-z-]+", command.text):
        assert option in shown


@pytest.fixture(scope="module")
def menu():
    """Every environment and every label of tox.ini."""
    run = [sys.executable, "-m", "tox", "-c", str(ROOT / "tox.ini")]
    listed = subprocess.run(
        [*run, "list", "--no-desc"], check=True, capture_output=True, text=True
    ).stdout.split()
    labels = re.findall(
        r"^    (\w+) = ", (ROOT / "tox.ini").read_text(encoding="utf-8"), re.MULTILINE
    )
    return {*listed, *labels}


@pytest.mark.parametrize("command", OF_TOX, ids=lambda each: each.text)
def test_a_command_of_tox_names_environments_and_labels_that_exist(command, menu):
    for option, names in re.findall(r" (-e|-m) (\S+)", command.text.split(" -- ")[0]):
        assert option
        assert set(names.split(",")) <= menu


@pytest.mark.parametrize("page", sorted({each.page for each in EVERY}))
def test_what_no_test_runs_is_marked_as_not_run(page):
    for each in commands(page):
        if each.words[0] not in {"harness", "tox", *SETUP} and each.text not in RUN_BY:
            assert each.excuse, f"{each.text}: run it in a test, or mark it: <!-- not run: … -->"


@pytest.mark.parametrize("page", PAGES)
def test_every_mark_excuses_something(page):
    marks = re.findall(r"<!-- not run: (.+?): ", read(page))
    texts = [each.text for each in commands(page)]
    assert all(any(text.startswith(mark) for text in texts) for mark in marks)


def test_the_pages_elsewhere_have_their_tests():
    for page, test in ELSEWHERE.items():
        assert Path(page).stem in (ROOT / test).read_text(encoding="utf-8"), page


def test_the_output_that_a_page_shows_is_that_of_its_command(world, tmp_path, capsys):
    shutil.copytree(ROOT / "results" / "reference", tmp_path / "results" / "reference")
    assert world.harness("report", "results/reference") == 0
    told = " ".join(capsys.readouterr().out.split())
    (shown,) = re.findall(
        r"<!-- output -->\n```text\n(.*?)```", read("docs/quickstart.md"), re.DOTALL
    )
    for line in shown.splitlines():
        assert line.strip() in told
