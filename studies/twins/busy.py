"""Run a command beside busy processes that come and go on the same cores.

    python -m studies.twins.busy python -m studies.twins.slowed --backend jax --twins …

Two processes each pause for some seconds and compute for some, at random but the same every time
(`--processes`, `--pause LEAST MOST`, `--compute LEAST MOST`, `--seed`). They end with the command,
whose exit code is given on. By default the machine is its command's own for about six tenths of
the time, so that some trials are disturbed and some are not.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import random
import subprocess
import sys
import time
from collections.abc import Iterator

Range = tuple[float, float]


def come_and_go(seed: int, pause_s: Range, compute_s: Range) -> None:
    """Pause and compute in turn, each for a random time, without an end."""
    rng = random.Random(seed)  # noqa: S311 - no secret, and the same every time
    while True:
        time.sleep(rng.uniform(*pause_s))
        until_s = time.monotonic() + rng.uniform(*compute_s)
        while time.monotonic() < until_s:
            sum(range(10_000))


@contextlib.contextmanager
def busy(
    seed: int,
    *,
    processes: int = 2,
    pause_s: Range = (10.0, 40.0),
    compute_s: Range = (3.0, 10.0),
) -> Iterator[None]:
    """Processes that come and go until the block ends."""
    others = [
        multiprocessing.Process(
            target=come_and_go, args=(seed + number, pause_s, compute_s), daemon=True
        )
        for number in range(processes)
    ]
    for process in others:
        process.start()
    try:
        yield
    finally:
        for process in others:
            process.kill()
            process.join()


def main() -> int:
    """Run the command beside them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--pause", type=float, nargs=2, default=(10.0, 40.0))
    parser.add_argument("--compute", type=float, nargs=2, default=(3.0, 10.0))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    with busy(
        options.seed,
        processes=options.processes,
        pause_s=options.pause,
        compute_s=options.compute,
    ):
        return subprocess.run(options.command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
