"""Slow one backend's step on purpose, or give one thing two names, and see what the verdict is.

    python tests/campaign/slowed.py --backend jax --env jax=.tox/jax
    python tests/campaign/slowed.py --backend torch --slowdown 5% --precision 2% --budget 5m
    python tests/campaign/slowed.py --backend jax --twins

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

from harness import store
from harness.analysis.pairs import PairVerdict, judging, verdicts_within
from harness.cli.axes import parse_share
from harness.record import Cell

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
    right = is_right(found, slowdown)
    given = found.verdict
    if given.low is None or given.high is None:
        print(f"no interval after {given.rounds} rounds: {given.reason}")
        return False
    ratios = [given.low, given.ratio, given.high]
    kind = given.kind
    if _share(found.pair.first) < _share(found.pair.second):
        # The pair is told as the unslowed over the slowed; turned round, it is as it was asked.
        ratios = [1 / ratio for ratio in reversed(ratios)]
        kind = {"faster": "slower", "slower": "faster"}.get(kind, kind)
    low, ratio, high = (100 * (value - 1) for value in ratios)
    print(
        f"slowed by {slowdown:.1%}: found {ratio:+.2f}% ({low:+.2f} to {high:+.2f}) after "
        f"{given.rounds} rounds, {kind}: {'as expected' if right else 'NOT as expected'}"
    )
    return right


def is_right(found: PairVerdict, slowdown: float) -> bool:
    """Whether the verdict is the true one, and the interval holds the true ratio."""
    given = found.verdict
    if given.low is None or given.high is None:
        return False
    if not slowdown:
        return given.kind not in {"faster", "slower"}
    truth = (1 + _share(found.pair.first)) / (1 + _share(found.pair.second))
    return given.low <= truth <= given.high and given.kind == ("slower" if truth > 1 else "faster")


def _share(cell: Cell) -> float:
    return float(cell.settings.get("slowdown", 0.0))


if __name__ == "__main__":
    sys.exit(main())
