"""Whatever signal comes in whatever phase: what was measured is kept, and nothing still runs."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from harness.errors import ExitCode
from harness.launch.interrupts import ENDING
from harness.store import folder as store
from tests.faults import campaign
from tests.faults.conftest import times

pytestmark = [
    pytest.mark.usefixtures("throwaway_scenario"),
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
]

NAMES = ["SIGINT", "SIGTERM", "SIGHUP"]

RAISE = "signal.raise_signal(signal.{name})"

PHASES = {
    # Where: (lines before the harness starts, lines of the trial, whether it was measured)
    "start": (
        (
            "import subprocess\n"
            "class Popen(subprocess.Popen):\n"
            "    def __init__(self, words, **how):\n"
            "        super().__init__(words, **how)\n"
            "        if 'trial' in words: {raised}\n"
            "subprocess.Popen = Popen"
        ),
        "signal.pause()",
        False,
    ),
    "training": ("", "os.kill(os.getppid(), signal.{name})\nsignal.pause()", False),
    "end": ("", "leave(good)\nos.kill(os.getppid(), signal.{name})\nos._exit(0)", True),
    "probe": (
        (
            "made = []\n"
            "def probe():\n"
            "    made.append(1)\n"
            "    if len(made) == 3: {raised}\n"
            "    return 0.2\n"
            "campaign.speed_probe = probe"
        ),
        "leave(good)",
        True,
    ),
    "save": (
        (
            "from harness.store import atomic\n"
            "link = os.link\n"
            "def linked(one, other):\n"
            "    if 'seed-' in str(other): {raised}\n"
            "    link(one, other)\n"
            "os.link = linked"
        ),
        "leave(good)",
        True,
    ),
    "between": (
        (
            "from harness.launch.campaign import loop\n"
            "why = loop._Campaign._why_to_stop\n"
            "def stop(self):\n"
            "    if self._saved: {raised}\n"
            "    return why(self)\n"
            "loop._Campaign._why_to_stop = stop"
        ),
        "leave(good)",
        True,
    ),
}


@pytest.mark.parametrize("share", times("signals"))
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("phase", PHASES)
def test_a_signal_ends_a_campaign_and_costs_no_measurement(
    tmp_path, left_running, phase, name, share
):
    first, child, measured = PHASES[phase]
    raised = RAISE.format(name=name)
    # Whoever runs the tests under `nohup` has SIGHUP ignored, and what is ignored stays so.
    first = f"signal.signal(signal.SIGHUP, signal.SIG_DFL)\n{first.format(raised=raised)}"
    for number in range(share.count):
        folder = tmp_path / str(number)
        words = campaign.command(folder, child.format(name=name), first=first)
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        results = store.load(folder / "results")
        assert done.returncode == ExitCode.INTERRUPTED, done.stderr
        assert "Traceback" not in done.stderr
        assert results.broken == []
        good = [record for record in results.records if record.status == "ok"]
        if measured:
            assert good, f"{phase}: {done.stdout}{done.stderr}"
        assert left_running() == []


@pytest.mark.parametrize("name", sorted(set(ENDING) - set(NAMES)))
def test_other_signals_that_end_a_campaign_cost_no_measurement(tmp_path, left_running, name):
    first, child, _ = PHASES["save"]
    words = campaign.command(tmp_path, child, first=first.format(raised=RAISE.format(name=name)))
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.INTERRUPTED, done.stderr
    assert [one.status for one in store.load(tmp_path / "results").records] == ["ok"]
    assert left_running() == []


@pytest.mark.parametrize("name", NAMES)
def test_what_was_interrupted_goes_on(tmp_path, name):
    child = f"if trial.seed == 2: os.kill(os.getppid(), signal.{name}); signal.pause()\nleave(good)"
    first = "signal.signal(signal.SIGHUP, signal.SIG_DFL)"
    words = campaign.command(tmp_path, child, first=first, seeds="1-3")
    assert subprocess.run(words, capture_output=True, check=False).returncode == 130
    words = campaign.command(tmp_path, seeds="1-3", more=["--resume"])
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
    good = [one.seed for one in store.load(tmp_path / "results").records if one.status == "ok"]
    assert sorted(good) == [1, 2, 3]
    assert signal.Signals[name]
