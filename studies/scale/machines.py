"""What reading, study and report of a folder of many machines take; a script, not a test.

    python -m studies.scale.machines [MACHINES] [--rounds 6] [--keep FOLDER]

Each machine left a campaign of three backends below ``machines/``, and one of them is broken: all
its trials failed. Seconds are those of the machine that this runs on. ``--keep`` leaves the folder
with its report, to be looked at.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from harness.analysis.study import Study
from harness.cli.folder import studied
from harness.records.plan import Plan
from harness.report import html
from harness.report.outputs import markdown
from harness.report.plots import plots
from harness.report.sections.answer import answer
from harness.report.sections.compose import compose
from harness.store import folder as store
from tests.report.folders import write
from tests.report.made_up import cluster

Result = TypeVar("Result")


def fill(root: Path, machines: int, rounds: int) -> None:
    """The folder that a campaign on so many machines leaves."""
    made = cluster(machines, rounds=rounds, broken=machines - 1 if machines > 2 else None)
    for run_id, records in itertools.groupby(made, key=lambda one: one.run_id):
        folder, mine = root / "machines" / str(run_id).replace(" ", "-"), list(records)
        cells = {one.cell.digest: one.cell for one in mine}
        plan = Plan(
            run_id=str(run_id),
            started_at=mine[0].started_at,
            cells=list(cells.values()),
            seeds=sorted({one.seed for one in mine}),
            shuffle_seed=1,
            time_budget_s=1.0,
            margin=0.02,
            rounds=rounds,
        )
        folder.mkdir(parents=True)
        store.add_plan(folder, plan)
        write(folder, mine)


def timed(name: str, make: Callable[[], Result]) -> Result:
    """What ``make`` gives, with its time on a line."""
    began, spent = time.perf_counter(), time.process_time()
    made = make()
    print(_line(name, began, spent))
    return made


def _line(name: str, began: float, spent: float) -> str:
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - spent
    return f"{name:<24}{wall_s:7.2f} s {cpu_s:7.2f} s CPU"


def measure(root: Path) -> None:
    """Every stage from folder to page, one after the other."""
    began, spent = time.perf_counter(), time.process_time()
    study: Study = timed("reading", lambda: studied(store.load(root)))
    timed("groups", lambda: study.groups)
    timed("verdicts", lambda: study.verdicts)
    timed("combined", lambda: study.combined)
    timed("answers (and quality)", lambda: study.answers)
    timed("caveats", lambda: study.notes)
    print(timed("answer", lambda: answer(study)).sentence)
    document = timed("report", lambda: compose(study))
    text = timed("Markdown", lambda: markdown.render(document))
    timed("plots", lambda: plots(study))
    page = timed("page", lambda: html.render(document, study))
    print(_line("all", began, spent))
    print(f"{len(text.splitlines()):,} lines of Markdown, {len(page) / 1e6:.1f} MB page")
    (root / "report.md").write_text(text, "utf-8")
    (root / "report.html").write_text(page, "utf-8")


def main() -> None:
    """Make the records, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("machines", type=int, nargs="?", default=100)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--keep", type=Path, help="a new folder")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = asked.keep or Path(folder)
        fill(root, asked.machines, asked.rounds)
        measure(root)


if __name__ == "__main__":
    main()
