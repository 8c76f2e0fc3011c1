"""Is the step time of a program that of the same model as a scenario, measured in the same minute?

    python -m studies.programs.against_scenario jax [PAIRS] [SECONDS]

Trials of ``ranking`` and of ``studies/programs/ranking.py``, one beside the other in time and in
changing order. Prints each pair's ratio, program by scenario, and the median; 0.95 to 1.05 is good.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

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
        found = {}
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
            found[name] = step_time_s(record)
        ratio = found[str(PROGRAM)] / found["ranking"]
        ratios.append(ratio)
        told = ", ".join(f"{Path(name).name} {1e3 * s:.3f} ms" for name, s in found.items())
        print(f"{backend} pair {number}: {told}, ratio {ratio:.3f}", flush=True)
    print(f"{backend}: median {statistics.median(ratios):.3f} of {pairs} pairs", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *(int(word) for word in sys.argv[2:]))
