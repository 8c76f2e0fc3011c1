"""How fast this machine multiplies matrices and copies memory: the two rates of a step's floor."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from harness.probe.cpu import usable
from harness.records.machine import Rates

MATRIX = 1_024
"""Rows and columns of the product: 2.1 GFLOP, which is ten times the work of the tutorial's step,
and 4 MB for each matrix, more than a core's own caches hold."""

COPIED_BYTES = 64_000_000
"""Of the copy's source, and as much of its target: together more than the last cache of nearly
every machine that a few threads run on."""

SPAN_S = 0.05
"""Seconds for which each of the two is repeated, beyond the first time that is not counted."""

LEAST = 2
"""Repetitions that count, however long they take."""


def rates(threads: int | None = None, clock: Callable[[], float] = time.perf_counter) -> Rates:
    """Measure both rates, in about 0.2 s; call it while nothing else runs.

    The best repetition counts: only disturbance makes one slower. Buffers are allocated and threads
    started before the clock. The copy runs on as many threads as the BLAS, each with a slice of its
    own (NumPy lets go of the interpreter meanwhile), since one thread cannot use all of a memory's
    bandwidth, and a framework's threads together can.

    Args:
        threads: of both; ``None`` for as many as there are CPUs that this process may use, which is
            what the frameworks start by themselves.
        clock: tells the time in seconds.
    """
    import numpy as np  # the command line starts without it
    from threadpoolctl import threadpool_info, threadpool_limits

    # Not what the pool has by itself: variables of the user's shell reach it, but no trial.
    count = threads or len(usable())
    with threadpool_limits(limits=count, user_api="blas"), ThreadPoolExecutor(count) as pool:
        pools = {p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"}

        # Halves stay halves in every product's terms: no overflow and no slow denormal numbers.
        matrix = np.full((MATRIX, MATRIX), 0.5, dtype=np.float32)
        product = np.empty_like(matrix)
        product_s = _best_s(lambda: np.matmul(matrix, matrix, out=product), clock)

        source = np.ones(COPIED_BYTES // 4, dtype=np.float32)
        target = np.empty_like(source)
        slices = list(
            zip(np.array_split(target, count), np.array_split(source, count), strict=True)
        )
        copy_s = _best_s(lambda: list(pool.map(lambda pair: np.copyto(*pair), slices)), clock)
    return Rates(
        matmul_flops_per_s=2 * MATRIX**3 / product_s,
        copy_bytes_per_s=2 * source.nbytes / copy_s,
        # Of a BLAS that nobody can set (Apple's) the number is not known.
        threads=count if pools == {count} else None,
    )


def _best_s(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """Seconds that ``work`` takes at best."""
    work()  # touches the memory and starts the threads
    times_s: list[float] = []
    while len(times_s) < LEAST or sum(times_s) < SPAN_S:
        start = clock()
        work()
        times_s.append(clock() - start)
    return min(times_s)
