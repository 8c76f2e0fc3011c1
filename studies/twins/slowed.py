"""Slow one backend's step on purpose, or give one thing two names, and see what the verdict is.

    python -m studies.twins.slowed --backend jax --env jax=.tox/jax
    python -m studies.twins.slowed --backend torch --slowdown 5% --precision 2% --budget 5m
    python -m studies.twins.slowed --backend jax --twins

The first two measure the backend as it is and slowed, interleaved, and should end with `slower` and
an interval that contains the slowdown. With `--twins` both are the same and it should not be
`faster` or `slower`. Whatever else is given goes to `harness run`; by default that is
`--precision 2% --budget 5m`, and a results folder of its own below `results/`.

Exit codes: 0 as expected; 1 the verdict is another one; else that of `harness run`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from harness.analysis.speed.pairs import PairVerdict, judging, verdicts_within
from harness.cli.parse import parse_share
from harness.records.cell import Cell
from harness.store import folder as store

SCENARIOS = Path(__file__).with_name("scenarios")


def main() -> int:
    """Run the campaign, print the verdict, and tell whether it is the expected one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--backend", required=True)
    parser.add_argument("--slowdown", default="5%")
    parser.add_argument("--twins", action="store_true")
    parser.add_argument("--results", type=Path)
    options, rest = parser.parse_known_args()
    slowdown = 0.0 if options.twins else parse_share("--slowdown", options.slowdown)
    results = options.results or Path("results") / f"slowed-{int(time.time())}"
    if not {"--precision", "--budget", "--seeds", "--repetitions"} & set(rest):
        rest += ["--precision", "2%", "--budget", "5m"]
    varied = "twin=a,b" if options.twins else f"slowdown=0,{slowdown}"
    # fmt: off
    command = [
        sys.executable, "-m", "harness", "run", "slowed", "--backend", options.backend,
        "--set", varied, "--results", str(results), *rest,
    ]
    # fmt: on
    done = subprocess.run(
        command, env=os.environ | {"HARNESS_SCENARIO_PATH": str(SCENARIOS)}, check=False
    )
    if done.returncode:
        return done.returncode
    return 0 if as_expected(results, slowdown) else 1


def as_expected(results: Path, slowdown: float) -> bool:
    """Print the verdict in `results`, and tell whether it is right about `slowdown`."""
    there = store.load(results)
    rule = judging(there.plans)
    (found,) = verdicts_within(there.records, margin=rule.margin, sequential=rule.sequential)
    given = as_asked(found)
    if given is None:
        print(f"no interval after {found.verdict.rounds} rounds: {found.verdict.reason}")
        return False
    right = is_right(found, slowdown)
    low, ratio, high = (100 * (value - 1) for value in (given.low, given.ratio, given.high))
    print(
        f"slowed by {slowdown:.1%}: found {ratio:+.2f}% ({low:+.2f} to {high:+.2f}) after "
        f"{found.verdict.rounds} rounds, {given.kind}: "
        f"{'as expected' if right else 'NOT as expected'}"
    )
    return right


def is_right(found: PairVerdict, slowdown: float) -> bool:
    """Whether the verdict is the true one, and the interval holds the true ratio."""
    given = as_asked(found)
    if given is None:
        return False
    if not slowdown:
        return given.kind not in {"faster", "slower"}
    return given.low <= 1 + slowdown <= given.high and given.kind == "slower"


class AsAsked(NamedTuple):
    """The verdict on the slowed cell against the other, whichever of them stands first."""

    low: float
    ratio: float
    high: float
    kind: str


def as_asked(found: PairVerdict) -> AsAsked | None:
    """The verdict as it was asked for, or none if there is no interval."""
    given = found.verdict
    if given.low is None or given.ratio is None or given.high is None:
        return None
    if _share(found.pair.first) >= _share(found.pair.second):
        return AsAsked(given.low, given.ratio, given.high, given.kind)
    turned = {"faster": "slower", "slower": "faster"}.get(given.kind, given.kind)
    return AsAsked(1 / given.high, 1 / given.ratio, 1 / given.low, turned)


def _share(cell: Cell) -> float:
    return float(cell.settings.get("slowdown", 0.0))


if __name__ == "__main__":
    sys.exit(main())
