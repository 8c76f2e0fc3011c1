"""The busy processes are busy beside the command, and go with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil

BUSY = Path(__file__).parents[2] / "studies" / "twins" / "busy.py"

COMMAND = """
import os, sys, time, psutil
time.sleep(1.5)
mine = os.getpid()
for child in psutil.Process(os.getppid()).children():
    if child.pid != mine:
        print(child.pid, child.cpu_times().user)
sys.exit(7)
"""


def test_they_compute_beside_the_command_and_end_with_it():
    # fmt: off
    done = subprocess.run(
        [sys.executable, BUSY, "--processes", "2", "--pause", "0", "0", "--compute", "60", "60",
         sys.executable, "-c", COMMAND],
        capture_output=True, check=False, text=True, timeout=60,
    )
    # fmt: on
    assert done.returncode == 7, done.stderr
    seen = [line.split() for line in done.stdout.splitlines()]
    used_s = {int(pid): float(user) for pid, user in seen}
    assert sum(seconds > 0.05 for seconds in used_s.values()) == 2
    assert not any(psutil.pid_exists(pid) for pid in used_s)
