"""What do the clocks of a trial cost `fit`? The same training with and without them, interleaved.

    KERAS_BACKEND=jax python tests/benchmark/instrumentation.py [PROCESSES] [PAIRS]

Each process trains one model on and on: an epoch by a bare ``fit``, an epoch by the loop of a trial
with its clocks, in alternating order. A process gives one ratio, that of the lower quartiles of
both, for what disturbs an epoch only makes it longer: TensorFlow's epochs scatter by 10 to 50%. The
interval is over processes, of which four at least are needed. Beside it stands the share of an
epoch that passes inside the clocks, waiting for the device included: no scatter hides that, but it
leaves out what they change elsewhere. Nothing else may run beside it.
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

from harness.analysis.interval import MINIMUM_ROUNDS, interval
from harness.launch.variables import child_variables

sys.path.append(str(Path(__file__).parent))

from ready import ready_to_fit

BACKEND = os.environ["KERAS_BACKEND"]
PROCESSES = 8
PAIRS = 100
EPOCHS = 1


def measured(count: int) -> tuple[float, float]:
    """Time with clocks over time without, and the share inside them, from so many pairs."""
    from harness.trial.clock import EpochClock

    inside_s: list[float] = []

    class Watched(EpochClock):
        """The clock of a trial, and a stopwatch on it."""

        def on_epoch_begin(self, epoch, logs=None) -> None:
            started = time.perf_counter()
            super().on_epoch_begin(epoch, logs)
            inside_s.append(time.perf_counter() - started)

        def on_epoch_end(self, epoch, logs=None) -> None:
            started = time.perf_counter()
            super().on_epoch_end(epoch, logs)
            inside_s[-1] += time.perf_counter() - started

    prepared, loop = ready_to_fit(BACKEND)
    train = prepared.adapter.batches(prepared.data.train, prepared.settings.batch_size)

    def bare() -> None:
        prepared.chosen.fit(prepared.model, train, epochs=EPOCHS)

    def clocked() -> None:
        clock = Watched(
            phase="timing",
            steps=prepared.steps,
            examples=len(prepared.data.train.labels),
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
    took: dict[str, list[float]] = {"bare": [], "clocked": []}
    for number in range(count):
        order = [bare, clocked] if number % 2 else [clocked, bare]
        for each in order:
            took[each.__name__].append(seconds(each))
    bare_s, clocked_s = (statistics.quantiles(times, n=4)[0] for times in took.values())
    return clocked_s / bare_s, statistics.median(inside_s) / (clocked_s / EPOCHS)


def main(processes: int = PROCESSES, count: int = PAIRS) -> None:
    """Run the processes one after the other, and give the interval."""
    if processes < MINIMUM_ROUNDS:
        raise SystemExit(f"{processes} processes give no interval: {MINIMUM_ROUNDS} are needed")
    ratios = []
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
        ratio, share = map(float, done.stdout.splitlines()[-1].split())
        ratios.append(ratio)
        print(f"{BACKEND} process {number}: {ratio:.4f}, {share:.3%} inside the clocks", flush=True)
    found = interval([math.log(ratio) for ratio in ratios])
    low, middle, high = (math.exp(x) for x in (found.low, found.estimate, found.high))
    print(
        f"{BACKEND}: {middle:.4f} ({low:.4f} to {high:.4f}), {processes} processes of {count} pairs"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--pairs"]:
        print(*measured(int(sys.argv[2])))
    else:
        main(*map(int, sys.argv[1:]))
