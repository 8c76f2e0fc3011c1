"""What every command and every option keep to, also those that are added later."""

from __future__ import annotations

import dataclasses

import pytest
import typer
from typer.testing import CliRunner

from harness import cli
from harness.cli import options
from harness.cli.anatomy import AnatomyRequest
from harness.cli.command import COMMAND_PANELS, PANELS, Command
from harness.cli.parity import ParityRequest
from harness.cli.sweep import SweepRequest
from harness.errors import HarnessError


def all_commands(group=None, words=()):
    """Every command by its words, groups such as ``data`` included."""
    group = group or typer.main.get_command(cli.app)
    yield words, group
    for name, command in getattr(group, "commands", {}).items():
        yield from all_commands(command, (*words, name))


COMMANDS = dict(all_commands())
LEAVES = {words: each for words, each in COMMANDS.items() if not hasattr(each, "commands")}
OPTIONS = [
    pytest.param(words, option, id=f"{' '.join(words)} {option.opts[0]}")
    for words, command in LEAVES.items()
    for option in command.params
    if option.opts[0].startswith("--")
]
TRAINING = {
    "run": options.CampaignRequest,
    "sweep": SweepRequest,
    "parity": ParityRequest,
    "anatomy": AnatomyRequest,
}


def read(words, option, text):
    """What the command is given where ``text`` was typed for ``option``."""
    command = LEAVES[words]
    rest = []
    for each in command.params:
        if each.required and each is not option:
            rest += ["x"] if each.opts[0] == each.name else [each.opts[0], "x"]
    return command.make_context("x", [*rest, option.opts[0], text]).params[option.name]


def shown(words, monkeypatch, columns=80):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "dumb")
    done = CliRunner().invoke(cli.app, [*words, "--help"])
    assert done.exit_code == 0
    return done.stdout.splitlines()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_help_text_fits_into_80_columns(words, monkeypatch):
    assert [line for line in shown(words, monkeypatch) if len(line) > 80] == []


def summaries(words, monkeypatch):
    """Each command that a group lists, with its summary."""
    lines = shown(words, monkeypatch)
    listed = [line.split(maxsplit=1) for line in lines if line.startswith("  ")]
    named = COMMANDS[words].commands
    return {name: text for name, text in (one for one in listed if len(one) == 2) if name in named}


@pytest.mark.parametrize("words", sorted(set(COMMANDS) - set(LEAVES)), ids=" ".join)
def test_no_summary_is_cut(words, monkeypatch):
    found = summaries(words, monkeypatch)
    assert set(found) == set(COMMANDS[words].commands)
    assert [s for s in found.values() if not s.endswith(".") or s.endswith("...")] == []


def test_commands_are_listed_by_what_they_are_for_in_six_words_each(monkeypatch):
    lines = shown((), monkeypatch)
    headings = [line.rstrip(":") for line in lines if line.rstrip(":") in COMMAND_PANELS]
    assert headings == list(COMMAND_PANELS)
    assert {command.rich_help_panel for command in COMMANDS[()].commands.values()} <= set(headings)
    found = summaries((), monkeypatch)
    assert {name: text for name, text in found.items() if len(text.split()) > 6} == {}
    at = {name: lines.index(f"{name}:") for name in COMMAND_PANELS}
    for name, command in COMMANDS[()].commands.items():
        (place,) = [i for i, line in enumerate(lines) if line.split()[:1] == [name]]
        above = max((at[panel], panel) for panel in at if at[panel] < place)
        assert above[1] == command.rich_help_panel


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_every_command_refuses_what_is_given_twice_and_groups_its_options(words):
    assert isinstance(LEAVES[words], Command)


@pytest.mark.parametrize("name", TRAINING)
def test_the_options_of_a_command_that_trains_are_in_groups(name, monkeypatch):
    lines = shown([name], monkeypatch)
    found = [line.rstrip(":") for line in lines if line.rstrip(":") in PANELS]
    assert found == [panel for panel in PANELS if panel in found]
    assert {"What", "How long", "Machine", "Where", "Output"} <= set(found)
    alone = lines[lines.index("Other:") + 1 :]
    assert [line.split()[0] for line in alone if line.startswith("  -")] == ["-h,"]


@pytest.mark.parametrize("name", TRAINING)
def test_what_every_command_that_trains_takes_is_declared_once(name):
    taken = {option.name for option in LEAVES[name,].params}
    assert taken >= {field.name for field in dataclasses.fields(options.Request)}
    assert taken - {"help"} <= {field.name for field in dataclasses.fields(TRAINING[name])}


@pytest.mark.parametrize(("words", "option"), OPTIONS)
def test_shares_and_durations_and_sizes_are_written_alike_everywhere(words, option):
    spellings = {
        "SHARE": {"2%": 0.02, "0.02": 0.02, " 2 % ": 0.02},
        "DURATION": {"90": 90, "90s": 90, "1m30s": 90, "10m": 600, "500ms": 0.5, "1h": 3600},
        "NUMBER": {"7": 7, " 7": 7},
        "SIZE": {"16GB": 16e9, "16 gb": 16e9, "16GiB": 16 * 2**30},
    }
    wrong = {"SHARE": "5", "DURATION": "5x", "SIZE": "5", "NUMBER": "1.5"}
    if option.name == "threads":  # a number, or auto
        return
    if option.metavar not in spellings:
        # No number with a point is read in a grammar of its own.
        assert option.metavar != "SECONDS"
        assert "float" not in str(option.type_descriptor.annotation)
        words_of = set(option.opts[0].strip("-").split("-"))
        assert not words_of & {"margin", "budget", "timeout", "limit", "tolerance", "precision"}
        return
    for text, value in spellings[option.metavar].items():
        assert read(words, option, text) == pytest.approx(value)
    kind, text = option.metavar, wrong[option.metavar]
    with pytest.raises(HarnessError) as error:
        read(words, option, text)
    what = "whole number" if kind == "NUMBER" else kind.lower()
    assert str(error.value).startswith(f"{option.opts[0]} {text} is not a {what}")
    assert ": write " in str(error.value)
