"""The steps of ``harness anatomy``: check everything, measure in turns, analyse, show."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from harness import probe
from harness.analysis.anatomy import Anatomy, anatomies
from harness.analysis.notes.sources import is_changed
from harness.analysis.study import About
from harness.cli import asking, parse, ratings
from harness.cli.failure import SOURCE_CHANGED, FailureLines
from harness.errors import ExitCode, HarnessError
from harness.launch import devices
from harness.launch.child import LocalLauncher
from harness.launch.devices import Placement
from harness.launch.interrupts import ends_as_interrupt
from harness.launch.lock import only_campaign
from harness.records.anatomy import ANATOMY_SCHEMA_VERSION, AnatomyRecord, AnatomyTask
from harness.records.trial import Cell, Scalar, Struct
from harness.report import anatomy_answer
from harness.report import format as fmt
from harness.report.outputs import terminal
from harness.scenario import find, parse_settings
from harness.store import runs

if TYPE_CHECKING:
    from rich.console import Console

EPOCHS = 2
"""Timed epochs of a visit, after one of warm-up: more rounds tell more than longer visits."""


class Request(Struct, frozen=True, kw_only=True):
    """What was asked on the command line, as it was typed. Times are in seconds."""

    scenario: str
    backends: Sequence[str] = ()
    device: str = "auto"
    processes: int = 4
    rounds: int = 6
    steps: int | None = None
    seed: int = 42
    settings: Sequence[str] = ()
    threads: int | None = None
    timeout_s: float = 600.0
    memory_limit: str | None = None
    environments: Sequence[str] = ()
    pass_env: Sequence[str] = ()
    results: Path = Path("results/local")
    source: str = "auto"
    wait: bool = True
    as_json: bool = False


def carry_out(asked: Request) -> ExitCode:
    """Do what was asked; whatever can be known to fail fails before the first process.

    Raises:
        HarnessError: for a mistake in the request or something missing; nothing was measured then.
    """
    say = terminal.console(stderr=asked.as_json)
    try:
        with ends_as_interrupt():
            return _carry_out(asked, say)
    except KeyboardInterrupt:
        say.print("interrupted: records of finished processes stay")
        return ExitCode.INTERRUPTED


def _carry_out(asked: Request, say: Console) -> ExitCode:
    scenario = find(asked.scenario)
    sets = parse.parse_setting_sets(scenario, asked.settings)
    if len(sets) > 1:
        raise HarnessError(
            f"--set names {len(sets)} sets of settings; a step is taken apart at one: "
            "give each setting one value"
        )
    wish = parse.parse_one("device", asked.device, devices.WISHES)
    memory_limit_bytes = parse.parse_memory_limit(asked.memory_limit)
    found = asking.candidates(
        asking.Request(
            scenario=asked.scenario, backends=asked.backends, environments=asked.environments
        ),
        say,
    )
    placements = {
        backend: devices.place(wish, candidates, gpus=probe.gpus)
        for backend, candidates in found.items()
    }
    table = ratings.prepared(scenario, sets[0], asked.source, lambda line: _say(line, say))
    folder = runs.anatomy_folder(asked.results, asked.scenario)
    launcher = LocalLauncher(
        {backend: placement.interpreter for backend, placement in placements.items()},
        timeout_s=asked.timeout_s,
        memory_limit_bytes=memory_limit_bytes,
        pass_env=asked.pass_env,
    )
    records, failures = [], FailureLines()
    with only_campaign(wait=asked.wait, say=lambda line: _say(line, say)):
        for task in _tasks(asked, sets[0], placements, table):
            _say(f"{task.cell.backend} {task.cell.device}, process {task.process} …", say)
            record = launcher.dissect(task)
            runs.save_anatomy(folder, record)
            _say_end(record, failures, say)
            records.append(record)
    return _conclude(asked, sets[0], folder, records, say)


def _tasks(
    asked: Request,
    settings: dict[str, Scalar],
    placements: Mapping[str, Placement],
    table: Path | None,
) -> Iterator[AnatomyTask]:
    """One process of every backend after the other, in another order each time."""
    run_id, order = secrets.token_hex(4), random.Random(asked.seed)  # noqa: S311 - an order
    for process in range(1, asked.processes + 1):
        for backend in order.sample(list(placements), len(placements)):
            yield AnatomyTask(
                cell=Cell(
                    scenario=asked.scenario,
                    backend=backend,  # type: ignore[arg-type]  # a name that was checked
                    device=placements[backend].device,
                    threads=asked.threads,
                    settings=settings,
                ),
                seed=asked.seed,
                process=process,
                rounds=asked.rounds,
                epochs=EPOCHS,
                steps=asked.steps,
                campaign=asked.results.resolve().name,
                run_id=run_id,
                table=None if table is None else str(table),
                harness=probe.provenance(),
            )


def _conclude(
    asked: Request,
    settings: dict[str, Scalar],
    folder: Path,
    records: Sequence[AnatomyRecord],
    say: Console,
) -> ExitCode:
    found = anatomies(records)
    failed = [record for record in records if record.status != "ok"]
    good = bool(found) and not failed and all(anatomy.adds_up for anatomy in found)
    code = ExitCode.OK if good else ExitCode.TRIAL_FAILED
    if asked.as_json:
        told = _encode(asked, records, found, settings=settings, folder=folder, code=code)
        typer.echo(told.decode())
    else:
        say.print()
        about = {asked.scenario: _about(asked.scenario)}
        terminal.show(anatomy_answer.compose(asked.scenario, found, failed, about), say)
        say.print()
    if is_changed(records):
        _say(SOURCE_CHANGED, say)
    _say(f"records: {folder}", say)
    return code


def _about(name: str) -> About:
    scenario = find(name)
    return About(metric=scenario.metric, defaults=msgspec.to_builtins(parse_settings(scenario)))


def _encode(
    asked: Request,
    records: Sequence[AnatomyRecord],
    found: Sequence[Anatomy],
    *,
    settings: Mapping[str, Scalar],
    folder: Path,
    code: ExitCode,
) -> bytes:
    answer = {
        "schema": ANATOMY_SCHEMA_VERSION,
        "scenario": asked.scenario,
        "settings": settings,
        "exit_code": int(code),
        "folder": str(folder),
        "anatomies": [_told(anatomy) for anatomy in found],
        "failures": [
            {
                "backend": record.cell.backend,
                "process": record.process,
                "status": record.status,
                "reason": record.failure.reason if record.failure else None,
            }
            for record in records
            if record.status != "ok"
        ],
    }
    return msgspec.json.format(msgspec.json.encode(answer), indent=1)


def _told(anatomy: Anatomy) -> dict[str, Any]:
    return msgspec.structs.asdict(anatomy) | {
        "sum_s": anatomy.sum_s,
        "misses": anatomy.misses,
        "adds_up": anatomy.adds_up,
    }


def _say(line: str, say: Console) -> None:
    say.print(fmt.plain(line, limit=4_000), markup=False, soft_wrap=True)


def _say_end(record: AnatomyRecord, failures: FailureLines, say: Console) -> None:
    if record.failure is None:
        _say(f"  {record.duration_s:.0f} s", say)
        return
    name = f"{record.cell.backend}, process {record.process}"
    said, below = failures.of(record.status, record.failure, name)
    for line in (f"  {said}", *below):
        _say(line, say)
