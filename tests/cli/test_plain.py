"""Whatever a stranger named, no command draws it on the terminal."""

from __future__ import annotations

import os

import msgspec
import pytest

from harness.launch.lock import Holder, only_campaign
from harness.probe import doctor
from harness.probe.checks import Finding
from tests.cli.world import World

ESCAPE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\r"
"""Sets the title, clears the screen, colours, turns the direction of writing, goes to the start."""


@pytest.fixture
def world(tmp_path, monkeypatch, make_campaign):
    return World(tmp_path, monkeypatch, make_campaign)


def drawn(text):
    """The characters of an output that are neither printable nor the end of a line."""
    return {sign for sign in text if not sign.isprintable() and sign != "\n"}


@pytest.fixture
def folder(world, tmp_path):
    """Records, and files with names that draw where a record, a plan or a run should be."""
    root = tmp_path / world.campaign()
    record = next((root / "records").rglob("seed-*.json"))
    for name in (ESCAPE, "bytes-\udcff"):
        for place in (
            "records/ranking/x",
            "benchmarks",
            "parity/ranking/seed-1-1",
            "anatomy/a/r-1",
        ):
            (root / place).mkdir(parents=True, exist_ok=True)
            (root / place / f"{name}.json").write_bytes(b"{")
        (root / name).mkdir()
        (root / name / "campaign.json").write_bytes(b"[")
    changed = record.read_bytes().replace(b'"status": "ok"', b'"status": "\\u001b[2J"')
    record.write_bytes(changed)
    return "results"


COMMANDS = {
    "report": ["report", "results"],
    "history": ["report", "results", "--history"],
    "compare": ["compare", "results", "results"],
    "export": ["export", "results", "--format", "csv", "--output", "out"],
    "merge": ["merge", "results", "--into", "all"],
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", COMMANDS)
def test_names_of_files_draw_nothing(world, capsys, command):
    world.harness(*COMMANDS[command])
    said = capsys.readouterr()
    assert drawn(said.out) == set()
    assert drawn(said.err) == set()


@pytest.mark.usefixtures("folder")
def test_what_cannot_be_read_is_named_harmlessly_by_a_merge(world, capsys):
    world.harness("merge", "results", "--into", "all")
    assert r"\x1b]0;owned\x07" in capsys.readouterr().err


@pytest.mark.parametrize("field", ["command", "since"])
def test_whoever_holds_the_machine_draws_nothing(world, tmp_path, capsys, field):
    fields = {"pid": 1, "command": "harness run", "since": "today"} | {field: ESCAPE}
    with only_campaign(wait=False, say=print):
        (tmp_path / "lock" / "holder.json").write_bytes(msgspec.json.encode(Holder(**fields)))
        assert world.harness("run", *world.trial(), "--no-wait") == 3
    said = capsys.readouterr()
    assert "another campaign measures" in said.err
    assert drawn(said.err + said.out) == set()


@pytest.mark.parametrize("content", [b"\xff", b"[" * 100_000, b"", b'{"pid": "x"}'])
def test_a_holder_that_cannot_be_read_is_a_holder_all_the_same(world, tmp_path, content):
    with only_campaign(wait=False, say=print):
        (tmp_path / "lock" / "holder.json").write_bytes(content)
        assert world.harness("run", *world.trial(), "--no-wait") == 3


def test_the_name_of_another_program_draws_nothing(world, monkeypatch, capsys):
    finding = Finding(
        check="other processes",
        group="quiet",
        status="warning",
        seen=f"1.0 cores: {ESCAPE}",
        why=ESCAPE,
        remedy=f"end {ESCAPE}",
    )
    monkeypatch.setattr(doctor, "examine", lambda **_: [finding])
    world.harness("doctor")
    assert drawn(capsys.readouterr().out) == set()


@pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts")
def test_what_a_trial_prints_and_raises_draws_nothing(world, capsys):
    child = f"print({ESCAPE!r}); raise RuntimeError({ESCAPE!r})"
    world.harness("run", *world.trial(child))
    said = capsys.readouterr()
    assert drawn(said.err + said.out) == set()
