"""How many threads the numerical libraries use, and which environment variables decide it."""

from __future__ import annotations

from collections.abc import Mapping

from harness.records.machine import ThreadPool

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_PROC_BIND",
    "KMP_AFFINITY",
    "GOMP_CPU_AFFINITY",
)
"""Variables by which a shell changes how many threads a framework starts, or where they run."""


def thread_pools() -> list[ThreadPool]:
    """The BLAS and OpenMP pools loaded in this process so far, by library name.

    Call it when the framework is imported: a pool is seen only once its library is loaded.
    ``library`` is the library's file name without version and suffix (``libscipy_openblas``).
    """
    try:
        # Imported only here: looking through the loaded libraries is of no use to the command line.
        from threadpoolctl import threadpool_info

        found = threadpool_info()
    except Exception:  # noqa: BLE001  it loads foreign libraries; what they do is beyond us
        return []
    pools = [
        ThreadPool(
            library=str(pool.get("prefix") or pool.get("internal_api") or "unknown"),
            threads=int(pool.get("num_threads") or 0),
            version=pool.get("version"),
            architecture=pool.get("architecture"),
        )
        for pool in found
    ]
    return sorted(pools, key=lambda pool: (pool.library, pool.threads))


def thread_settings(variables: Mapping[str, str]) -> dict[str, str]:
    """Those of ``variables`` that change the number or the place of threads, by name."""
    return {name: variables[name] for name in THREAD_VARIABLES if name in variables}
