"""What many A/A campaigns say: each measured one thing under two names, so no verdict is true.

    for i in $(seq -w 1 20); do
      python tests/campaign/slowed.py --backend jax --twins --seeds 42-47 --time-budget 0.25 \
        --results results/reference-twins/$i
    done
    python tests/campaign/twins.py results/reference-twins > results/reference-twins/README.md

Prints the verdict of every campaign below a folder, as Markdown.
"""

from __future__ import annotations

import sys
from pathlib import Path

from harness import store
from harness.analysis.pairs import judging, verdicts_within


def main(folder: Path) -> None:
    rows = []
    wrong = holds = 0
    for campaign in sorted(path for path in folder.iterdir() if path.is_dir()):
        there = store.load(campaign)
        rule = judging(there.plans)
        (found,) = verdicts_within(there.records, margin=rule.margin, sequential=rule.sequential)
        given = found.verdict
        if given.low is None or given.high is None:
            rows.append(f"| {campaign.name} | {given.rounds} | – | – | no interval |")
            continue
        wrong += given.kind in {"faster", "slower"}
        holds += given.low <= 1 <= given.high
        rows.append(
            f"| {campaign.name} | {given.rounds} | {given.ratio:.3f} "
            f"| {given.low:.3f} to {given.high:.3f} | {given.kind} |"
        )
    print("# One backend under two names\n")
    print(
        f"{len(rows)} campaigns in which both cells are the same: {wrong} said `faster` or "
        f"`slower`; {holds} intervals hold the true ratio of 1. How they were measured stands in "
        "[`tests/campaign/twins.py`](../../tests/campaign/twins.py).\n"
    )
    print(
        "| campaign | rounds | ratio | 95% interval | verdict |\n| --- | ---: | ---: | ---: | --- |"
    )
    print("\n".join(rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
