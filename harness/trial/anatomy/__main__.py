"""``python -m harness.trial.anatomy FOLDER``: a task on standard input, a record in the folder.

Leaves ``record.json``. Exits with 0 for a measurement, with 1 for a record that tells why there is
none.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from harness.records.anatomy import AnatomyRecord, Task
from harness.trial import failure


def main() -> int:
    """Measure, and write the record."""
    failure.first_to_go()
    variables = dict(os.environ)
    folder = Path(sys.argv[1])
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    try:
        from harness.trial.anatomy.dissect import dissect

        record = dissect(task, variables)
    except Exception as error:  # noqa: BLE001 - whatever a scenario or a framework raises becomes a record
        record = _failed(task, started_at, error)
    (folder / "record.json").write_bytes(msgspec.json.encode(record))
    return 0 if record.status == "ok" else 1


def _failed(task: Task, started_at: str, error: Exception) -> AnatomyRecord:
    why = failure.failure(error, task.cell.scenario)
    sys.stderr.write(f"{failure.output(error) or why.reason}\n")
    return AnatomyRecord(
        status="failed",
        cell=task.cell,
        scenario_version=0,
        seed=task.seed,
        process=task.process,
        campaign=task.campaign,
        run_id=task.run_id,
        started_at=started_at,
        duration_s=(time.time_ns() - task.launched_at_ns) * 1e-9,
        harness=task.harness,
        failure=why,
    )


if __name__ == "__main__":
    sys.exit(main())
