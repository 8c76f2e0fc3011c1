"""Run a command beside busy processes that come and go on the same cores.

    python tests/campaign/busy.py python tests/campaign/slowed.py --backend jax --twins …

Two processes each compute for some seconds and pause for some, at random but the same every time
(`--processes`, `--seconds LEAST MOST`, `--seed`). They end with the command, whose exit code is
given on.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import subprocess
import sys
import time


def come_and_go(seed: int, least_s: float, most_s: float) -> None:
    """Compute and pause in turn, each for a random time, without an end."""
    rng = random.Random(seed)  # noqa: S311 - no secret, and the same every time
    while True:
        until_s = time.monotonic() + rng.uniform(least_s, most_s)
        while time.monotonic() < until_s:
            sum(range(10_000))
        time.sleep(rng.uniform(least_s, most_s))


def main() -> int:
    """Start the processes, run the command, end them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, nargs=2, default=(5.0, 30.0))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    busy = [
        multiprocessing.Process(
            target=come_and_go, args=(options.seed + number, *options.seconds), daemon=True
        )
        for number in range(options.processes)
    ]
    for process in busy:
        process.start()
    return subprocess.run(options.command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
