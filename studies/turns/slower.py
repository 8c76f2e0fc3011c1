"""Is a step that was slowed by 5% called slower within three minutes of turns?

    python studies/turns/slower.py FOLDER [--times 1] [--slowdown 0.05] [--budget 3m] [--env …]

One campaign for each backend each time: the step as it is, and the same slowed on purpose.
"""

from __future__ import annotations

from harness.backends import BACKENDS
from studies.turns.campaigns import NEVER, asked, campaign, show, table, verdicts
from studies.twins.slowed import as_asked, is_right


def main() -> None:
    """Run what is missing, and print the verdict on each."""
    study = asked(
        __doc__, times=1, budget={"default": "3m"}, slowdown={"type": float, "default": 0.05}
    )
    rows = []
    for number in range(1, study.times + 1):
        for backend in BACKENDS:
            results = study.folder / f"{number:02}-{backend}"
            options = ["--backend", backend, "--set", f"slowdown=0,{study.own.slowdown}"]
            options += ["--precision", NEVER, "--budget", study.own.budget, "--turns", "on"]
            campaign(results, [*options, *study.rest], scenario="slowed")
            for found in verdicts(results):
                given = as_asked(found)
                told = "no interval" if given is None else given.kind
                ends = (given.ratio, given.low, given.high) if given else ()
                shown = [f"{100 * (end - 1):+.1f}%" for end in ends] or ["–"] * 3
                right = "yes" if is_right(found, study.own.slowdown) else "NO"
                rows.append((number, backend, found.verdict.rounds, *shown, told, right))
    header = ("time", "backend", "rounds", "found", "low", "high", "verdict", "as expected")
    show(table(header, rows))


if __name__ == "__main__":
    main()
