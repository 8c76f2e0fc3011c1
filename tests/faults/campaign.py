"""A campaign of fake trials in a process of its own, for a test to attack."""

from __future__ import annotations

import subprocess
import sys

from tests.launch.fake_python import write_fake_python

PROGRAM = """
import os, signal, sys
from harness.cli import campaign
campaign.speed_probe = lambda: 0.2
campaign.examine = lambda **_: []  # two seconds and more, in which nothing can be lost
campaign.rates = None
{first}
from harness.__main__ import main
main()
"""


def command(folder, child="leave(good)", *, seeds="1-4", first="", more=()):
    """The words of a campaign of one cell below ``folder``, whose trials run ``child``."""
    python = write_fake_python(folder / "jax" / "bin" / "python", child)
    return [
        sys.executable, "-c", PROGRAM.format(first=first), "run", "throwaway", "--seeds", seeds,
        "--backend", "jax", "--env", f"jax={python}", "--results", str(folder / "results"), *more,
    ]  # fmt: skip


def start(words, **options):
    """Start it; what it says is dropped."""
    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        **({"stderr": subprocess.DEVNULL} | options),
    )
