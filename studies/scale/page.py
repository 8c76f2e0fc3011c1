"""Measures how long a large report takes and how large it is; a script, not a test.

    python -m studies.scale.page [RECORDS EPOCHS]

Without arguments: 300 records of 30 epochs, then 10,000 records of 100. Bounds: 300 records in
under 5 s; 10,000 records with a million samples in under 20 s and under 15 MB. Each report is made
by a process of its own, from command to file, as a user would make it.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path
from subprocess import run

from tests.report.folders import operations, write
from tests.report.made_up import campaign, failed

BOUNDS = {300: (5.0, 15.0), 10_000: (20.0, 15.0)}
"""Seconds and megabytes."""


def measure(records: int, epochs: int, folder: Path) -> None:
    """Write so many records into ``folder``, make their report, and print what it took."""
    made = list(campaign(rounds=-(-records // 3), epochs=epochs - 5))[:records]
    # One in a hundred failed, as they do.
    write(folder, [failed(one) if i % 100 == 99 else one for i, one in enumerate(made)])
    operations(folder)
    started, spent_s = time.perf_counter(), cpu_s()
    command = [sys.executable, "-m", "harness", "report", str(folder), "--no-titles"]
    done = run(command, check=False, capture_output=True, text=True)
    seconds, spent_s = time.perf_counter() - started, cpu_s() - spent_s
    if done.returncode:
        sys.exit(done.stderr)
    size_mb = (folder / "report.html").stat().st_size / 1e6
    samples = sum(len(one.epochs) for one in made)
    bounds = BOUNDS.get(records)
    verdict = ""
    if bounds:
        verdict = "  ok" if seconds < bounds[0] and size_mb < bounds[1] else f"  OVER {bounds}"
    print(
        f"{records:>7,} records {samples:>10,} samples {seconds:6.1f} s wall {spent_s:6.1f} s CPU "
        f"{size_mb:6.2f} MB{verdict}"
    )


def cpu_s() -> float:
    """Of all children so far: on a machine that others use too, the wall tells of them as well."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure what was asked for, or both bounds of the issue."""
    given = [int(argument) for argument in sys.argv[1:]]
    sizes = [(given[0], given[1])] if given else [(300, 30), (10_000, 100)]
    for records, epochs in sizes:
        with tempfile.TemporaryDirectory() as folder:
            measure(records, epochs, Path(folder))


if __name__ == "__main__":
    main()
