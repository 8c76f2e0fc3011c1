"""``python -m harness.trial RECORD``: a cell's JSON on standard input, a record's JSON in a file.

Exits with 0 for a measurement, with 1 for a record that tells why there is none. The launcher
writes the record of a process that leaves no file.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import msgspec

from harness.records.trial import Record, Trial
from harness.trial import failure


def main() -> int:
    """Measure, and write the record under a temporary name first."""
    failure.first_to_go()
    variables = dict(os.environ)
    target = Path(sys.argv[1])
    trial = msgspec.json.decode(sys.stdin.buffer.read(), type=Trial)
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    try:
        from harness.trial.measure import measure

        record = measure(trial, variables)
    except Exception as error:  # noqa: BLE001 - whatever a scenario or a framework raises becomes a record
        record = _failed(trial, started_at, error)
    partial = target.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(msgspec.json.encode(record))
    partial.replace(target)
    return 0 if record.status == "ok" else 1


def _failed(trial: Trial, started_at: str, error: Exception) -> Record:
    why = failure.failure(error, trial.cell.scenario)
    print(failure.output(error) or why.reason, file=sys.stderr)
    return Record(
        status="failed",
        cell=trial.cell,
        scenario_version=0,
        seed=trial.seed,
        repetition=trial.repetition,
        campaign=trial.campaign,
        round=trial.round,
        started_at=started_at,
        duration_s=(time.time_ns() - trial.launched_at_ns) * 1e-9,
        harness=trial.harness,
        run_id=trial.run_id,
        failure=why,
    )


def leave(code: int) -> NoReturn:
    """End this process at once.

    The record is written, and what Python and the frameworks do at their exit takes 0.4 s (JAX) to
    0.8 s (TensorFlow) in which nothing is measured: a tenth of a campaign.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
