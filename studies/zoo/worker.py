"""Trains many cases in one process of one backend; ``run.py`` starts it in that environment.

Reads tasks on standard input, a JSON list, and leaves a record and its arrays for each, in the
folder of its case. Whatever a case raises becomes a record; a case that takes longer than its limit
ends the process, which then leaves none.
"""

from __future__ import annotations

import faulthandler
import functools
import gc
import io
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import mends
import msgspec
import numpy as np

from harness.records.header import record_of
from harness.records.parity import ParityRecord, ParityTask
from harness.records.trial import Failure
from harness.store.runs import save_parity
from harness.trial import failure


def main() -> None:
    """Train the tasks in turn: ``worker.py FOLDER LIMIT_IN_SECONDS [mended] [quick-compile]``."""
    folder, limit_s = Path(sys.argv[1]), float(sys.argv[2])
    variables = dict(os.environ)
    import keras

    if "mended" in sys.argv:
        mends.apply(keras.backend.backend())
    if "quick-compile" in sys.argv and keras.backend.backend() == "torch":
        import torch

        # Dynamo and AOTAutograd trace the step as they always do; eager kernels then run the graph.
        torch.compile = functools.partial(torch.compile, backend="aot_eager")
    for task in msgspec.json.decode(sys.stdin.buffer.read(), type=list[ParityTask]):
        keras.utils.clear_session()
        gc.collect()
        faulthandler.dump_traceback_later(limit_s, exit=True)
        case = str(task.cell.settings["case"])
        asked = msgspec.structs.replace(task, launched_at_ns=time.monotonic_ns())
        record, arrays = _train(asked, variables)
        faulthandler.cancel_dump_traceback_later()
        keep(folder / case, record, arrays)
        print(f"{task.cell.backend} {case}: {_short(record)}", flush=True)


def keep(folder: Path, record: ParityRecord, arrays: bytes | None = None) -> None:
    """Write a record and its arrays in the place of earlier ones."""
    folder.mkdir(parents=True, exist_ok=True)
    cell = record.cell
    stem = f"{cell.backend}-{cell.device}" + ("" if cell.mode == "fit" else f"-{cell.mode}")
    for suffix in ("json", "npz"):
        (folder / f"{stem}.{suffix}").unlink(missing_ok=True)
    save_parity(folder, record, arrays)


def _train(task: ParityTask, variables: dict[str, str]) -> tuple[ParityRecord, bytes | None]:
    from harness.trial.parity.train import train

    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    try:
        record, arrays = train(task, variables)
    except Exception as error:  # noqa: BLE001 - one case must not stop the others
        return failed(task, started_at, failure.reason(error), failure.output(error)), None
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return record, content.getvalue()


def failed(task: ParityTask, started_at: str, reason: str, output: str = "") -> ParityRecord:
    """The record of a case that could not be trained."""
    return record_of(
        task,
        ParityRecord,
        status="failed",
        scenario_version=0,
        started_at=started_at,
        duration_s=task.since_launch_s,
        failure=Failure(reason=reason, exit_code=1, output_tail=failure.tail(output or reason)),
    )


def _short(record: ParityRecord) -> str:
    if record.failure is None:
        return f"{len(record.trainings)} trainings in {record.duration_s:.1f} s"
    return record.failure.reason.partition("\n")[0][:200]


if __name__ == "__main__":
    main()
