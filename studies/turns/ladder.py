"""How narrow is "best Keras rung over native" on a ladder of twelve rungs in turns?

python studies/turns/ladder.py FOLDER [--times 1] [--budget 20m] [--env jax=.tox/jax …]
"""

from __future__ import annotations

from harness.analysis.ladder.ladder import ladders
from harness.analysis.rows import grouped
from harness.analysis.speed.pairs import judging, reasons_by_id
from harness.backends import BACKENDS
from harness.records.cell import MODES
from harness.store import folder as store
from studies.turns.campaigns import NEVER, asked, campaign, show, table

BOUND = 0.10


def main() -> None:
    """Run what is missing, and print the ratio of each backend with its interval."""
    study = asked(__doc__, times=1, budget={"default": "20m"}, modes={"default": ",".join(MODES)})
    rows = []
    for number in range(1, study.times + 1):
        results = study.folder / f"{number:02}"
        options = ["--backend", ",".join(BACKENDS), "--mode", study.own.modes]
        options += ["--precision", NEVER, "--budget", study.own.budget, "--turns", "on"]
        campaign(results, [*options, *study.rest])
        there = store.load(results)
        rule = judging(there.plans)
        found = ladders(
            grouped(there.records),
            reasons_by_id(there.records),
            margin=rule.margin,
            sequential=rule.sequential,
        )
        for best in (best for ladder in found for best in ladder.best):
            given = best.over_native
            row = (number, best.backend, best.mode, given.rounds, f"{given.ratio:.3f}")
            if given.ratio is None or given.low is None or given.high is None:
                rows.append((*row, "–", "–", "NO"))
                continue
            low, high = given.low / given.ratio - 1, given.high / given.ratio - 1
            held = "yes" if low >= -BOUND and high <= BOUND else "NO"
            rows.append((*row, f"{100 * low:+.1f}%", f"{100 * high:+.1f}%", held))
    header = ("time", "backend", "rung", "rounds", "over native", "low", "high", "within ±10%")
    show(table(header, rows))


if __name__ == "__main__":
    main()
