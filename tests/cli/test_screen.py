"""Whatever becomes of the screen, what was measured is kept, and no traceback shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import ExitCode
from tests.cli.world import QUIET, TINY, World

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts")


@pytest.fixture
def world(tmp_path, monkeypatch, make_campaign):
    return World(tmp_path, monkeypatch, make_campaign)


def harness(*words, **options):
    started = subprocess.Popen(
        [sys.executable, "-c", QUIET, *map(str, words)],
        **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options),
    )
    out, err = started.communicate()
    return started.returncode, (out or b"").decode(), (err or b"").decode()


def records(root="results"):
    return [*Path(root).rglob("seed-*.json")]


ENCODINGS = ["ascii", "latin-1", "utf-16"]
COMMANDS = ["report", "compare", "help"]


def words_of(command, world):
    results = world.campaign("results")
    return {
        "report": ["report", results],
        "compare": ["compare", results, results],
        "help": ["run", "--help"],
    }[command]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("command", COMMANDS)
def test_an_output_of_few_signs_gets_others_in_their_place(world, monkeypatch, command, encoding):
    words = words_of(command, world)
    monkeypatch.delenv("PYTHONUTF8")
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    done = subprocess.run([sys.executable, "-c", QUIET, *words], capture_output=True, check=False)
    code, out, err = done.returncode, done.stdout, done.stderr
    assert code == 0
    assert b"Traceback" not in err
    assert out.strip()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_or_a_reader_that_has_gone_ends_in_a_code_of_its_own(world, command):
    words = words_of(command, world)
    with Path("/dev/full").open("w") as full:
        code, _, err = harness(*words, stdout=full)
    assert code == ExitCode.NOT_SHOWN
    assert "No space left on device" in err
    assert "Traceback" not in err
    reading, writing = os.pipe()
    os.close(reading)
    code, _, err = harness(*words, stdout=writing)
    os.close(writing)
    assert code == ExitCode.NOT_SHOWN
    assert err == ""


def test_a_report_is_written_though_nobody_can_see_it(world):
    results = world.campaign()
    with Path("/dev/full").open("w") as full:
        code, _, _ = harness("report", results, stdout=full, stderr=full)
    assert code == ExitCode.NOT_SHOWN
    assert (Path(results) / "report.md").stat().st_size > 1000


def test_a_campaign_goes_on_when_its_reader_has_gone(world):
    reading, writing = os.pipe()
    words = [TINY, "--seeds", "1-4", *world.fake("trial")]
    started = subprocess.Popen(
        [sys.executable, "-c", QUIET, "run", *words], stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    os.read(reading, 1)  # as `| head -1` does
    os.close(reading)
    err = started.communicate()[1].decode()
    assert len(records()) == 4
    assert started.returncode == ExitCode.NOT_SHOWN
    assert err == ""


@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1, 2)])
def test_closed_streams_cost_no_record(world, closed):
    words = ["run", TINY, "--seeds", "1", *world.fake("trial")]
    program = "import os, sys\nfor n in {}: os.close(n)\nos.execv(sys.executable, sys.argv[1:])"
    subprocess.run(
        [sys.executable, "-c", program.format(closed), sys.executable, "-c", QUIET, *words],
        check=False,
        capture_output=True,
    )
    assert len(records()) == 1
    assert b"Traceback" not in records()[0].read_bytes()


def test_colour_is_asked_for_and_a_log_is_not_drawn_anew(world, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    code, out, _ = harness("run", TINY, "--seeds", "1-3", *world.fake("trial"))
    assert code == 0
    moves = set(re.findall(r"\x1b\[[0-9;?]*([A-Za-ln-z])", out))  # all but colours
    assert moves == set()


LOADING = (
    "import signal, sys\n"
    "class Press:\n"
    "    def find_spec(self, name, path=None, target=None):\n"
    "        if name == {name!r}: signal.raise_signal(signal.SIGINT)\n"
    "sys.meta_path.insert(0, Press())\n"
    "from harness.__main__ import main\nmain()"
)


@pytest.mark.parametrize("name", ["harness.cli", "typer", "harness.cli.campaign", "msgspec"])
def test_ctrl_c_while_the_command_loads_says_nothing_of_its_own(world, name):
    words = [sys.executable, "-c", LOADING.format(name=name), "run", *world.trial()]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.INTERRUPTED
    assert "Traceback" not in done.stderr


def test_a_fault_of_the_harness_has_a_code_of_its_own():
    program = "from harness import scenario; scenario.names = None\n" + LOADING.split("\n")[-2]
    words = [sys.executable, "-c", f"{program}\nmain()", "list"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.FAULT
    assert "Traceback" in done.stderr
    assert "this is a fault of the harness itself" in done.stderr
