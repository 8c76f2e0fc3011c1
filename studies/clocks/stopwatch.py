"""Is the step time of a record that of the tutorial's own code? Pairs in the same minute.

    KERAS_BACKEND=jax python -m studies.clocks.stopwatch [PAIRS]

Each pair is a trial of the harness and the tutorial as a plain script (``tutorial.py``), in fresh
processes and in alternating order. Prints the ratio of each pair and their median; nothing else may
run beside it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from harness import probe, scenario
from harness.analysis.step_time import step_time_s
from harness.data.prepare import prepare
from harness.launch.child import run_task
from harness.launch.environments import Interpreter
from harness.launch.variables import child_variables
from harness.records.cell import Cell
from harness.records.trial import Record, Trial

BACKEND = os.environ["KERAS_BACKEND"]
EPOCHS = 30
"""Of the tutorial's script; a trial trains about as many on two cores at its default budget."""

WARM_UP_EPOCHS = 2


def harness_s(budget_s: float) -> float:
    """The step time that a record of the harness reports."""
    settings = scenario.parse_settings(scenario.find("ranking"))
    trial = Trial(
        cell=Cell(
            scenario="ranking",
            backend=BACKEND,
            device="cpu",
            init="keras",
            settings=msgspec.to_builtins(settings),
        ),
        seed=42,
        repetition=1,
        campaign="stopwatch",
        round=1,
        time_budget_s=budget_s,
        table=str(prepare().path),
        harness=probe.provenance(),
    )
    interpreter = Interpreter(backend=BACKEND, python=Path(sys.executable), origin="this one")
    record = run_task(trial, Record, interpreter, timeout_s=600).record
    step = step_time_s(record)
    assert step is not None, record.failure
    return step


def stopwatch_s() -> float:
    """The median epoch of the tutorial's script, per step."""
    with tempfile.TemporaryDirectory() as folder:
        variables = child_variables(
            os.environ, backend=BACKEND, device="cpu", keras_home=Path(folder)
        )
        script = Path(__file__).with_name("tutorial.py")
        done = subprocess.run(
            [sys.executable, str(script), str(EPOCHS)],
            env=variables,
            capture_output=True,
            check=True,
            text=True,
            cwd=folder,
        )
    return statistics.median(json.loads(done.stdout.splitlines()[-1])[WARM_UP_EPOCHS:])


def main(pairs: int) -> None:
    ratios = []
    for number in range(pairs):
        if number % 2:
            stopwatch = stopwatch_s()
            record = harness_s(budget_s=3.0)
        else:
            record = harness_s(budget_s=3.0)
            stopwatch = stopwatch_s()
        ratios.append(record / stopwatch)
        print(
            f"{BACKEND} pair {number + 1}: record {1e3 * record:.3f} ms, "
            f"stopwatch {1e3 * stopwatch:.3f} ms, ratio {ratios[-1]:.3f}",
            flush=True,
        )
    print(f"{BACKEND}: median ratio {statistics.median(ratios):.3f} of {pairs} pairs")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
