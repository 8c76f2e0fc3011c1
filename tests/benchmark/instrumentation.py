"""What do the clocks of a trial cost `fit`? The same training with and without them, interleaved.

    KERAS_BACKEND=jax python tests/benchmark/instrumentation.py [PROCESSES] [PAIRS]

Each process trains one model on and on: some epochs by a bare ``fit``, as many by the loop of a
trial with its clocks, in alternating order. A process gives one ratio, the median of its pairs; the
interval is over processes. Nothing else may run beside it.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.analysis.interval import interval
from harness.launch.variables import child_variables

BACKEND = os.environ["KERAS_BACKEND"]
PROCESSES = 8
PAIRS = 30
EPOCHS = 4


def pairs(count: int) -> list[float]:
    """Time with clocks over time without, pair by pair, in this process."""
    from harness import data as rating_data
    from harness import scenario
    from harness.data.prepare import prepare
    from harness.trial import backends, loops
    from harness.trial.clock import EpochClock
    from harness.trial.initial import initialised
    from harness.trial.prepared import Prepared

    adapter = backends.load(BACKEND)
    adapter.use("cpu", None)
    chosen = scenario.find("ranking")
    settings = scenario.parse_settings(chosen)
    data = chosen.data(settings, rating_data.load(prepare(report=lambda _: None).path))
    model = initialised(chosen, settings, data, "common", 42)
    loop = loops.make(
        "fit",
        Prepared(chosen=chosen, settings=settings, data=data, adapter=adapter, model=model),
    )
    train = adapter.batches(data.train, settings.batch_size)

    def bare() -> None:
        chosen.fit(model, train, epochs=EPOCHS)

    def clocked() -> None:
        clock = EpochClock(
            phase="timing",
            steps=80,
            examples=80_000,
            synchronize=loop.synchronize,
            budget_s=math.inf,
        )
        loop.train(epochs=EPOCHS, callbacks=[clock])

    def seconds(train_once) -> float:
        loop.synchronize()
        started = time.perf_counter()
        train_once()
        loop.synchronize()
        return time.perf_counter() - started

    for warm_up in (clocked, bare, clocked, bare):
        warm_up()
    ratios = []
    for number in range(count):
        order = [bare, clocked] if number % 2 else [clocked, bare]
        took = {each.__name__: seconds(each) for each in order}
        ratios.append(took["clocked"] / took["bare"])
    return ratios


def main(processes: int = PROCESSES, count: int = PAIRS) -> None:
    """Run the processes one after the other, and give the interval."""
    medians = []
    for number in range(1, processes + 1):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, __file__, "--pairs", str(count)],
                env=child_variables(
                    os.environ, backend=BACKEND, device="cpu", keras_home=Path(folder)
                ),
                capture_output=True,
                check=True,
                text=True,
            )
        medians.append(float(done.stdout.splitlines()[-1]))
        print(f"{BACKEND} process {number}: {medians[-1]:.4f}", flush=True)
    found = interval([math.log(ratio) for ratio in medians])
    low, middle, high = (math.exp(x) for x in (found.low, found.estimate, found.high))
    print(
        f"{BACKEND}: {middle:.4f} ({low:.4f} to {high:.4f}), {processes} processes of {count} pairs"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--pairs"]:
        print(statistics.median(pairs(int(sys.argv[2]))))
    else:
        main(*map(int, sys.argv[1:]))
