"""Trains every case of the zoo on every backend and judges all pairs.

    python studies/zoo/run.py FOLDER                        all cases, fit, three backends
    python studies/zoo/run.py FOLDER --case LSTM            one of them, or all that begin so: LSTM*
    python studies/zoo/run.py FOLDER --mode fit,custom_loop  the modes of each backend too

One process trains many cases in turn, on one thread; a process that ends in the middle of a case
leaves that case as failed, and another one goes on. What FOLDER holds is not trained again, but for
failed cases with --again. Prints the table, and writes it as FOLDER/zoo.csv.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]
os.environ["HARNESS_SCENARIO_PATH"] = str(HERE / "scenarios")

from verdicts import cases_of, write_table  # noqa: E402 - a study is a folder, no package
from worker import failed, keep  # noqa: E402

from harness import scenario  # noqa: E402
from harness.backends import BACKENDS  # noqa: E402
from harness.launch import environments  # noqa: E402
from harness.launch.variables import child_variables  # noqa: E402
from harness.records.cell import Cell, Mode  # noqa: E402
from harness.records.parity import ParityTask  # noqa: E402
from harness.records.trial import Provenance  # noqa: E402

AT_ONCE = 40
"""Cases of one process: compiled code piles up in it."""

QUICK_XLA = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
"""What is traced and lowered stays the same; LLVM makes slower code of it in less time."""


def main() -> None:
    """Parse, train, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--case", default="*", help="names or patterns, separated by commas")
    parser.add_argument("--backend", default=",".join(BACKENDS))
    parser.add_argument("--mode", default="fit")
    parser.add_argument("--perturbations", type=int, default=2)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--limit", type=float, default=120.0, help="seconds of a case")
    parser.add_argument("--processes", type=int, default=1, help="at a time, for each backend")
    parser.add_argument("--again", action="store_true", help="train failed cases again")
    parser.add_argument("--mended", action="store_true", help="with the lines of mends.py")
    parser.add_argument(
        "--quick-compile",
        action="store_true",
        help="PyTorch's graphs without inductor, XLA without LLVM's optimizations",
    )
    parser.add_argument("--judge-only", action="store_true")
    asked = parser.parse_args()
    patterns = asked.case.split(",")
    cases = [name for name in cases_of() if any(fnmatchcase(name, p) for p in patterns)]
    backends, modes = asked.backend.split(","), asked.mode.split(",")
    if not asked.judge_only:
        # Those without a variant in their name first, so that every class has been seen early.
        cases_in_turn = sorted(cases, key=lambda name: "-" in name)
        parts = [
            (backend, cases_in_turn[number :: asked.processes])
            for backend, number in itertools.product(backends, range(asked.processes))
        ]
        with ThreadPoolExecutor(len(parts)) as pool:
            list(pool.map(lambda part: _train_all(asked, part[0], modes, part[1]), parts))
    write_table(asked.folder, cases, sys.stdout)


def _train_all(
    asked: argparse.Namespace, backend: str, modes: list[Mode], cases: list[str]
) -> None:
    """All cases of one backend, one process after another."""
    tasks = [
        task
        for case, mode in itertools.product(cases, modes)
        if not _done(asked.folder, task := _task(asked, backend, mode, case), again=asked.again)
    ]
    (interpreter,) = environments.find(backend, {})[:1]
    while tasks:
        batch = tasks[:AT_ONCE]
        started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        launched_at_ns = time.monotonic_ns()
        with tempfile.TemporaryDirectory() as keras_home:
            ended = subprocess.run(
                [
                    str(interpreter.python),
                    "-W",
                    "ignore",
                    str(HERE / "worker.py"),
                    str(asked.folder),
                    str(asked.limit),
                    *(["mended"] if asked.mended else []),
                    *(["quick-compile"] if asked.quick_compile else []),
                ],
                input=msgspec.json.encode(batch),
                env=child_variables(
                    os.environ,
                    backend=backend,
                    device="cpu",
                    keras_home=Path(keras_home),
                    threads=1,
                )
                | {"OMP_WAIT_POLICY": "PASSIVE"}
                | _cache(asked.folder)
                | ({"XLA_FLAGS": QUICK_XLA} if asked.quick_compile else {}),
                stderr=subprocess.PIPE,
                check=False,
                start_new_session=True,
            )
        left = [task for task in batch if not _written(asked.folder, task, started_at)]
        if left:
            output = ended.stderr.decode(errors="replace")
            reason = f"the process ended with {ended.returncode} after {asked.limit:.0f} s or less"
            case = str(left[0].cell.settings["case"])
            lost = msgspec.structs.replace(left[0], launched_at_ns=launched_at_ns)
            keep(asked.folder / case, failed(lost, started_at, reason, output))
            print(f"{backend} {case}: {reason}", flush=True)
            left = left[1:]
        tasks = left + tasks[AT_ONCE:]


def _cache(folder: Path) -> dict[str, str]:
    """JAX compiles the same step for each training of a case, and again in each run of all."""
    return {
        "JAX_COMPILATION_CACHE_DIR": str(folder.resolve() / ".jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def _task(asked: argparse.Namespace, backend: str, mode: Mode, case: str) -> ParityTask:
    zoo = scenario.find("zoo")
    settings = msgspec.to_builtins(scenario.parse_settings(zoo, {"case": case}))
    return ParityTask(
        cell=Cell(
            scenario="zoo",
            backend=backend,  # type: ignore[arg-type]
            device="cpu",
            mode=mode,
            threads=1,
            settings=settings,
        ),
        seed=asked.seed,
        perturbations=asked.perturbations,
        campaign=asked.folder.name,
        table=None,
        harness=Provenance(version="study"),
    )


def _path(folder: Path, task: ParityTask) -> Path:
    mode = "" if task.cell.mode == "fit" else f"-{task.cell.mode}"
    return folder / str(task.cell.settings["case"]) / f"{task.cell.backend}-cpu{mode}.json"


def _done(folder: Path, task: ParityTask, *, again: bool) -> bool:
    path = _path(folder, task)
    if not path.exists():
        return False
    return not again or b'"failed"' not in path.read_bytes()[:200]


def _written(folder: Path, task: ParityTask, since: str) -> bool:
    path = _path(folder, task)
    if not path.exists():
        return False
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return written >= datetime.fromisoformat(since)


if __name__ == "__main__":
    main()
