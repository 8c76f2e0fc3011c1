"""Is the step time of a program that of the same model as a scenario, measured in the same minute?

    python -m studies.programs.against_scenario jax [PAIRS] [SECONDS]

Trials of ``ranking`` and of ``studies/programs/ranking.py``, one beside the other in time and in
changing order. Prints each pair's ratio, program by scenario, the median, and the centre with its
95% interval: on a shared machine two processes differ by 20%, so that five pairs say little of 5%.
"""

from __future__ import annotations

import math
import statistics
import sys
from pathlib import Path

from harness.analysis.speed.interval import interval
from harness.analysis.step_time import step_time_s
from harness.cli.asking import as_scalars
from harness.data.prepare import prepare
from harness.launch import environments
from harness.launch.child import LocalLauncher
from harness.probe import provenance
from harness.records.cell import Cell
from harness.records.trial import Trial
from harness.scenario import find, parse_settings

PROGRAM = Path(__file__).with_name("ranking.py")


def main(backend: str, pairs: int = 5, budget_s: float = 6.0) -> None:
    """Measure and print."""
    interpreter = environments.find(backend)[0]
    table = str(prepare(report=print).path)
    ratios = []
    for number in range(1, pairs + 1):
        steps_s = {}
        names = ["ranking", str(PROGRAM)]
        for name in names if number % 2 else reversed(names):
            scenario = find(name)
            launcher = LocalLauncher(
                {interpreter.place: interpreter},
                program=None if name == "ranking" else name,
            )
            trial = Trial(
                cell=Cell(
                    scenario=scenario.name,
                    backend=interpreter.backend,
                    device="cpu",
                    settings=as_scalars(parse_settings(scenario)),
                ),
                seed=number,
                repetition=1,
                campaign="against-scenario",
                round=number,
                time_budget_s=budget_s,
                table=table,
                harness=provenance(),
            )
            record = launcher.run(trial)
            if record.failure is not None:
                raise SystemExit(f"{name}: {record.failure.reason}")
            steps_s[name] = step_time_s(record)
        ratio = steps_s[str(PROGRAM)] / steps_s["ranking"]
        ratios.append(ratio)
        told = ", ".join(f"{Path(name).name} {1e3 * s:.3f} ms" for name, s in steps_s.items())
        print(f"{backend} pair {number}: {told}, ratio {ratio:.3f}", flush=True)
    found = interval([math.log(ratio) for ratio in ratios])
    low, centre, high = (math.exp(end) for end in (found.low, found.estimate, found.high))
    told = f"median {statistics.median(ratios):.3f}, centre {centre:.3f} ({low:.3f} to {high:.3f})"
    print(f"{backend}: {told} of {pairs} pairs", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]), *map(float, sys.argv[3:4]))
