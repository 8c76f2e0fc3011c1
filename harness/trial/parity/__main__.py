"""``python -m harness.trial.parity FOLDER``: a task on standard input, a record in the folder.

Leaves ``record.json`` and, if all went well, ``arrays.npz``. Exits with 0 for a record to compare,
with 1 for one that tells why there is none.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from harness.records.parity import ParityRecord, Task
from harness.trial import failure


def main() -> int:
    """Train, and write the arrays before the record that names them."""
    failure.first_to_go()
    variables = dict(os.environ)
    folder = Path(sys.argv[1])
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    try:
        from harness.trial.parity.train import train

        record, arrays = train(task, variables)
    except Exception as error:  # noqa: BLE001 - whatever a scenario or a framework raises becomes a record
        record = _failed(task, started_at, error)
    else:
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **arrays)
        (folder / "arrays.npz").write_bytes(content.getvalue())
        record = msgspec.structs.replace(
            record,
            arrays="arrays.npz",
            arrays_sha256=hashlib.sha256(content.getvalue()).hexdigest(),
        )
    (folder / "record.json").write_bytes(msgspec.json.encode(record))
    return 0 if record.status == "ok" else 1


def _failed(task: Task, started_at: str, error: Exception) -> ParityRecord:
    why = failure.failure(error, task.cell.scenario)
    sys.stderr.write(f"{failure.output(error) or why.reason}\n")
    return ParityRecord(
        status="failed",
        cell=task.cell,
        scenario_version=0,
        seed=task.seed,
        perturbations=task.perturbations,
        campaign=task.campaign,
        started_at=started_at,
        duration_s=(time.time_ns() - task.launched_at_ns) * 1e-9,
        harness=task.harness,
        failure=why,
    )


if __name__ == "__main__":
    sys.exit(main())
