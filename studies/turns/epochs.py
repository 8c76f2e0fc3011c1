"""The epochs of a trial under pyperf's clock, in the environment of one backend.

Run by ``against_pyperf.py``; ``STUDY_BACKEND`` names the backend, the options are those of pyperf.
"""

from __future__ import annotations

import os
import time
from functools import cache

import pyperf

from studies.clocks.ready import ready_to_fit


@cache
def ready(backend: str):
    """The prepared trial and its loop, made in pyperf's workers alone."""
    return ready_to_fit(backend)


def seconds_per_step(loops: int) -> float:
    """Seconds that a step of ``loops`` epochs takes, times the loops, as pyperf divides by them."""
    prepared, loop = ready(os.environ["STUDY_BACKEND"])
    loop.synchronize()
    started_s = time.perf_counter()
    loop.train(epochs=loops, callbacks=[])
    loop.synchronize()
    return (time.perf_counter() - started_s) / prepared.steps


if __name__ == "__main__":
    runner = pyperf.Runner()
    runner.bench_time_func("step", seconds_per_step)
