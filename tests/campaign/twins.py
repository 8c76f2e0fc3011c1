"""What many A/A campaigns say: each measured one thing under two names, so no verdict is true.

    for i in $(seq -w 1 20); do
      python tests/campaign/slowed.py --backend jax --twins --seeds 42-47 --time-budget 0.25 \
        --results results/reference-twins/$i
    done
    python tests/campaign/twins.py results/reference-twins > results/reference-twins/README.md

Prints the verdict of every campaign below a folder, as Markdown. The same beside two busy processes
that come and go, into another folder:

    for i in $(seq -w 1 20); do
      python tests/campaign/busy.py --seed $((100 + 10#$i * 2)) \
        python tests/campaign/slowed.py --backend jax --twins --seeds 42-47 --time-budget 0.25 \
        --results results/reference-twins-busy/$i
    done
"""

from __future__ import annotations

import sys
from pathlib import Path

from harness.analysis.speed import disturbed
from harness.analysis.speed.pairs import judging, verdicts_within
from harness.store import folder as store


def main(folder: Path) -> None:
    rows = []
    wrong = holds = without = flagged = trials = 0
    for campaign in sorted(path for path in folder.iterdir() if path.is_dir()):
        there = store.load(campaign)
        rule = judging(there.plans)
        (found,) = verdicts_within(there.records, margin=rule.margin, sequential=rule.sequential)
        given = found.verdict
        noisy = sum(why is not None for why in disturbed.reasons(there.records))
        flagged, trials = flagged + noisy, trials + len(there.records)
        counts = f"| {campaign.name} | {noisy} of {len(there.records)} | {given.rounds} "
        if given.low is None or given.high is None:
            without += 1
            rows.append(f"{counts}| – | – | no interval |")
            continue
        wrong += given.kind in {"faster", "slower"}
        holds += given.low <= 1 <= given.high
        rows.append(
            f"{counts}| {given.ratio:.3f} | {given.low:.3f} to {given.high:.3f} | {given.kind} |"
        )
    print("# One backend under two names\n")
    print(
        f"{len(rows)} campaigns in which both cells are the same: {wrong} said `faster` or "
        f"`slower`; {holds} of {len(rows) - without} intervals hold the true ratio of 1. "
        f"{flagged} of {trials} trials were flagged as disturbed, and {without} campaigns were "
        "left with too few undisturbed rounds for an interval. How they were measured stands in "
        "[`tests/campaign/twins.py`](../../tests/campaign/twins.py).\n"
    )
    print(
        "| campaign | disturbed trials | rounds | ratio | 95% interval | verdict |\n"
        "| --- | ---: | ---: | ---: | ---: | --- |"
    )
    print("\n".join(rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
