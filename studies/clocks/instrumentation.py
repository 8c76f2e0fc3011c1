"""What do the clocks of a trial cost `fit`? The same training with and without them, interleaved.

    KERAS_BACKEND=jax python -m studies.clocks.instrumentation [PROCESSES] [PAIRS]

Each process trains one model on and on: an epoch by a bare ``fit``, an epoch by the loop of a trial
with its clocks, in random order. It gives three figures, each a share of an epoch:

- *against bare fit*: the lower quartile with clocks over that without, for what disturbs an epoch
  only makes it longer. On two shared cores it scatters by more than what is looked for.
- *inside the clocks*: what passes in their hooks, waiting for the device included.
- *added*: by how much they lengthen an epoch of as many steps of a tiny model, as a share of an
  epoch of the real one. With next to nothing to compute, what Keras does for one callback more
  (calls, threads, logs) is all that there is, and no scatter of a computation hides it.

The last two leave nothing out but what a hook would change in the computation itself, and count
twice what they have in common. Intervals are over processes, of which four at least are needed.
Nothing else may run beside it.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from harness.analysis.speed.interval import MINIMUM_ROUNDS, interval
from harness.launch.variables import child_variables
from studies.clocks.ready import ready_to_fit

BACKEND = os.environ["KERAS_BACKEND"]
PROCESSES = 8
PAIRS = 60
TINY_PAIRS = 5
"""Pairs of the tiny model for one of the real model."""

# As many steps in an epoch as the tutorial's, of one example each.
TINY = {
    "data": "synthetic",
    "synthetic_ratings": "100",
    "synthetic_users": "10",
    "synthetic_movies": "10",
    "batch_size": "1",
    "embedding_dimension": "1",
    "first_layer": "1",
    "second_layer": "1",
}


class Epochs(NamedTuple):
    """Seconds of epochs without and with clocks, in pairs, and of the latter's hooks."""

    bare_s: list[float]
    clocked_s: list[float]
    inside_s: list[float]


class Shares(NamedTuple):
    """What one process found."""

    against_bare_fit: float
    inside: float
    added: float


def alternated(count: int, changed: Mapping[str, str]) -> Epochs:
    """Train in both ways, pair by pair, after epochs that warm up both."""
    from harness.trial.clock import EpochClock

    took = Epochs([], [], [])

    class Watched(EpochClock):
        """The clock of a trial, and a stopwatch on it."""

        def on_epoch_begin(self, epoch, logs=None) -> None:
            started = time.perf_counter()
            super().on_epoch_begin(epoch, logs)
            took.inside_s.append(time.perf_counter() - started)

        def on_epoch_end(self, epoch, logs=None) -> None:
            started = time.perf_counter()
            super().on_epoch_end(epoch, logs)
            took.inside_s[-1] += time.perf_counter() - started

    prepared, loop = ready_to_fit(BACKEND, changed)
    train = prepared.adapter.batches(prepared.data.train, prepared.settings.batch_size)

    def bare() -> None:
        prepared.chosen.fit(prepared.model, train, epochs=1)

    def clocked() -> None:
        clock = Watched(
            phase="timing",
            steps=prepared.steps,
            examples=len(prepared.data.train.labels),
            synchronize=loop.synchronize,
            budget_s=math.inf,
        )
        loop.train(epochs=1, callbacks=[clock])

    def seconds(train_once) -> float:
        loop.synchronize()
        started = time.perf_counter()
        train_once()
        loop.synchronize()
        return time.perf_counter() - started

    for warm_up in (clocked, bare) * 4:
        warm_up()
    took.inside_s.clear()
    both = [(bare, took.bare_s), (clocked, took.clocked_s)]
    # Drawn: what a machine does by turns could fall in step with an order that alternates.
    order = np.random.default_rng(count)
    for _ in range(count):
        for turn in order.permutation(2):
            train_once, times = both[turn]
            times.append(seconds(train_once))
    return took


def measured(count: int) -> Shares:
    """The figures of this process, from so many pairs of epochs."""
    real = alternated(count, {})
    tiny = alternated(count * TINY_PAIRS, TINY)
    bare_s, clocked_s = (statistics.quantiles(times, n=4)[0] for times in real[:2])
    added_s = statistics.median(
        clocked - bare for bare, clocked in zip(tiny.bare_s, tiny.clocked_s, strict=True)
    )
    return Shares(
        against_bare_fit=clocked_s / bare_s - 1,
        inside=statistics.median(real.inside_s) / bare_s,
        added=added_s / bare_s,
    )


def main(processes: int = PROCESSES, count: int = PAIRS) -> None:
    """Run the processes one after the other, and give the intervals."""
    if processes < MINIMUM_ROUNDS:
        raise SystemExit(f"{processes} processes give no interval: {MINIMUM_ROUNDS} are needed")
    found = []
    for number in range(1, processes + 1):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-m", "studies.clocks.instrumentation", "--pairs", str(count)],
                env=child_variables(
                    os.environ, backend=BACKEND, device="cpu", keras_home=Path(folder)
                ),
                stdout=subprocess.PIPE,
                check=True,
                text=True,
            )
        found.append(Shares(*map(float, done.stdout.splitlines()[-1].split())))
        told = ", ".join(f"{_name(key)} {share:+.3%}" for key, share in found[-1]._asdict().items())
        print(f"{BACKEND} process {number}: {told}", flush=True)
    print(f"{BACKEND}: {processes} processes of {count} pairs")
    for key, shares in zip(Shares._fields, zip(*found, strict=True), strict=True):
        over = interval(shares)
        print(f"  {_name(key)}: {over.estimate:+.3%} ({over.low:+.3%} to {over.high:+.3%})")


def _name(key: str) -> str:
    return key.replace("_", " ")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--pairs"]:
        print(*measured(int(sys.argv[2])))
    else:
        main(*map(int, sys.argv[1:]))
