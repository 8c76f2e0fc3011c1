"""Everything that the command line says of a results folder, for tests that compare outputs."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from rich.console import Console
from typer.testing import CliRunner

from harness.analysis.study import study_of
from harness.cli import app, outcome, pages
from harness.cli.folder import about
from harness.launch.campaign.contracts import Outcome
from harness.launch.campaign.work import Work
from harness.records.plan import Plan
from harness.records.trial import Record
from harness.report.exports import FORMATS, export
from harness.report.naming import labels
from harness.report.sections import answer
from harness.store import folder as store
from tests.report.folders import write

WIDTH = 5_000
"""Columns of the terminal: nothing is wrapped, so that a line is a line."""

REFERENCE = Path(__file__).parents[2] / "results" / "reference"


class Outputs(NamedTuple):
    """What was said; ``page`` is empty where the packages that make it are not installed.

    ``run`` is what ``harness run --json`` ends with, ``ended`` what it prints in a terminal.
    """

    terminal: str
    markdown: str
    json: dict[str, Any]
    run: dict[str, Any]
    ended: str
    answer: answer.Answer
    labels: list[str]
    exports: dict[str, str]
    page: str


def reference(rounds: int = 6, backends: Iterable[str] = ("jax", "torch")) -> list[Record]:
    """The first rounds of the committed campaign."""
    wanted = set(backends)
    records = store.load(REFERENCE).records
    return sorted(
        (r for r in records if r.cell.backend in wanted and r.round <= rounds),
        key=lambda record: record.started_at,
    )


def said_of(folder: Path, records: Iterable[Record], *, page: bool = False) -> Outputs:
    """Write ``records`` below ``folder``, and ask every output about them."""
    root, aside = write(folder / "results", records), folder / "aside"
    page_path = aside / "report.html"
    environment = {"COLUMNS": str(WIDTH), "HARNESS_CACHE_DIR": str(folder / "cache")}
    common = [
        "report", str(root), "--no-titles", "--output", str(aside / "report.md"), "--html",
        str(page_path),
    ]  # fmt: skip
    draw = pages.write_html
    if not page:
        pages.write_html = lambda *_: ""
    try:
        told = CliRunner().invoke(app, common, env=environment)
        as_json = CliRunner().invoke(app, [*common, "--json"], env=environment)
    finally:
        pages.write_html = draw
    assert (told.exit_code, as_json.exit_code) == (0, 0), told.output + as_json.output
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None, highlight=False)
    ended, printed = _end_of_run(root, console)
    loaded = store.load(root).records
    known = about(loaded)
    study = study_of(loaded, about=known)
    exported = {}
    for name in ("pytest-benchmark", "github-action-benchmark", "bencher"):
        export(name, study, aside / FORMATS[name].file)
        exported[name] = (aside / FORMATS[name].file).read_text("utf-8")
    return Outputs(
        terminal=told.stdout.partition("Markdown: ")[0],
        markdown=(aside / "report.md").read_text("utf-8"),
        json=json.loads(as_json.stdout[: as_json.stdout.rindex("}") + 1]),
        run=printed,
        ended=ended,
        answer=answer.answer(study),
        labels=labels(study),
        exports=exported,
        page=page_path.read_text("utf-8") if page_path.exists() else "",
    )


def _end_of_run(root: Path, console: Console) -> tuple[str, dict[str, Any]]:
    """The end of a run that found these records in its folder."""
    nothing = Outcome(
        saved=[], interrupted=False, lost=[], planned=0, repeated=0, ended="done", standing=None,
        wall_s=1.0,
    )  # fmt: skip
    plan = Plan(
        run_id="run", started_at="", cells=[], seeds=[1], shuffle_seed=0, time_budget_s=0.0,
        margin=0.02, rounds=1,
    )  # fmt: skip
    said = outcome.show(nothing, Work(plan, []), root, console)
    out, sys.stdout = sys.stdout, io.StringIO()
    try:
        outcome.print_outcome(nothing, said, root, outcome.exit_code(nothing))
        printed = json.loads(sys.stdout.getvalue())
    finally:
        sys.stdout = out
    return console.file.getvalue(), printed  # type: ignore[attr-defined]


def changed(record: Record, **changes: Any) -> Record:
    """``record`` with other fields; ``hashes`` and ``packages`` take changes of their own."""
    hashes = changes.pop("hashes", {})
    packages = changes.pop("packages", {})
    if hashes:
        changes["hashes"] = msgspec.structs.replace(record.hashes, **hashes)
    if packages:
        environment = record.environment
        changes["environment"] = msgspec.structs.replace(
            environment, packages=environment.packages | packages
        )
    return msgspec.structs.replace(record, **changes)


def one_line(text: str) -> str:
    """Whatever was wrapped, on one line."""
    return " ".join(text.split())
