"""What a command that measures ends with: a short table, the caveats in a line, then the answer."""

from __future__ import annotations

import itertools
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.analysis.rows import Row
from harness.analysis.study import Study
from harness.analysis.work import NOT_THE_SAME
from harness.report import format as fmt
from harness.report.naming import side
from harness.report.sections.answer import Answer, answer
from harness.report.table import machine_label, pair_name, settings
from harness.words import count

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from harness.cli.options import TypedAgain

MOST_LINES = 25
"""What a terminal of the usual height shows without scrolling; `harness report` has the rest."""

LEAST_ROWS = 3
"""Rows of the table that are shown however much else there is to say."""

NAMED = 4
"""Caveats and pairs that are named; the others are counted."""

FAILED = "failed-trials"
"""The code of the note on trials without a measurement."""

FIRST_CLAUSE = re.compile(r"[:;(]|\.(?:\s|$)|, (?:so|since|which|and may)\b")
"""Where the clause of a caveat ends that says what was seen."""

TOX_VARIABLE = "TOX_ENV_NAME"
"""Set where tox runs the command: its environments are not on the reader's path."""

IN_TOX = ["tox", "-e", "verdict"]
"""What ranks the backends there; options of the harness come after ``--``."""

Print = Callable[["Console"], None]


def show(
    study: Study,
    said: Iterable[str],
    root: Path,
    on: Console,
    typed: TypedAgain | None = None,
) -> None:
    """Print the end of a run: 25 lines at most, unless there is more to say of what went wrong.

    Args:
        study: all that the folder holds by now.
        said: lines on how the run ended.
        root: the results folder.
        on: where to print.
        typed: what the next command needs as this one did.
    """
    found = answer(study)

    def end(on: Console) -> None:
        for line in (*other_work(study), *failed_trials(study), *caveats(study)):
            paragraph(line, on)
        for line in said:
            paragraph(fmt.plain(line, limit=4_000), on)
        on.print()
        show_answer(found, on, typed)

    lines = _lines(end, on)
    if study.rows:
        room = MOST_LINES - lines - 3  # a blank line, the title and the table's head
        on.print()
        paragraph(f"All records in {root}: {count(study.trials, 'trial')}", on, style="bold")
        _show_rows(study, found, max(LEAST_ROWS, room), on)
    end(on)


def show_answer(found: Answer, on: Console, typed: TypedAgain | None = None) -> None:
    """Print the answer in a sentence, and the one command to run next where there is none."""
    paragraph(found.sentence, on, style="bold green" if found.settled else "bold yellow")
    if found.next_step:
        # Never broken, to be copied.
        command = as_run_here(found.next_step)
        if typed is not None:
            command = _as_typed(command, typed)
        on.print(f"Next: {command}", markup=False, soft_wrap=True)


def _as_typed(command: str, typed: TypedAgain) -> str:
    """``command`` with the script's path and the options of the one that was typed before.

    A record has the name of a script alone, and nothing of where environments and records lie.
    """
    before, dashes, behind = command.partition(" -- ")
    words = shlex.split(before)
    if in_tox := words[:3] == IN_TOX:  # options of the harness stand behind the dashes
        words += ["--", *shlex.split(behind)]
    elif words[:2] != ["harness", "run"]:
        return command
    elif words[2] == Path(typed.scenario).name:
        words[2] = typed.scenario
    lacking = [option for option in typed.options if option[0] not in words]
    words += itertools.chain.from_iterable(lacking)
    if in_tox:
        return shlex.join(words[:-1] if words[-1] == "--" else words)
    return shlex.join(words) + dashes + behind


def paragraph(text: str, on: Console, *, style: str = "") -> None:
    """Print a line that breaks between words on a terminal, and nowhere in a log.

    A line with a word that is longer than the terminal is wide is left to the terminal: a path or a
    command must stay in one piece.
    """
    from rich.text import Text

    longest = max((len(word) for word in text.split()), default=0)
    whole = not on.is_terminal or longest > on.width
    on.print(Text(text, style=style), soft_wrap=whole)


def as_run_here(command: str) -> str:
    """``command`` as the reader can type it: within tox there is no ``harness`` on the path."""
    words = shlex.split(command)
    if not os.environ.get(TOX_VARIABLE) or words[:3] != ["harness", "run", "ranking"]:
        return command
    kept = []
    options = iter(words[3:])
    for word in options:
        # What the environment does by itself, and the folder that tox and `harness report` share,
        # unless a campaign goes on in its own.
        if word in {"--backend", "--device", "--results"}:
            value = next(options, "")
            shared = None if "--resume" in words else value
            usual = {"--backend": "jax,tf,torch", "--device": "cpu", "--results": shared}
            kept += [] if value == usual[word] else [word, value]
        else:
            kept.append(word)
    if "--device" in kept:
        return command
    return shlex.join([*IN_TOX, *(["--", *kept] if kept else [])])


def other_work(study: Study) -> Iterator[str]:
    """Why pairs have no verdict that did not do the same work; of many pairs the first."""
    found = [
        f"No verdict on {pair_name(pair)}: {pair.why}"
        for pair in study.answers.pairs
        if pair.why is not None and pair.why.startswith(NOT_THE_SAME)
    ]
    yield from found[:NAMED]
    if len(found) > NAMED:
        yield f"and {len(found) - NAMED} more pairs did not do the same work"


def failed_trials(study: Study) -> Iterator[str]:
    """What failed and why, in a line."""
    for note in study.notes:
        if note.code == FAILED:
            yield fmt.plain(note.text, limit=400)


def caveats(study: Study) -> Iterator[str]:
    """One line that says what each other caveat saw; the report explains them."""
    clauses = list(
        dict.fromkeys(
            fmt.plain(_lower_first(FIRST_CLAUSE.split(note.text, maxsplit=1)[0].strip()), limit=120)
            for note in study.notes
            if note.code != FAILED
        )
    )
    if not clauses:
        return
    told = clauses[:NAMED]
    if len(clauses) > NAMED:
        told.append(f"{len(clauses) - NAMED} more in the report")
    yield f"Caveats: {'; '.join(told)}."


def _show_rows(study: Study, found: Answer, room: int, on: Console) -> None:
    from rich.text import Text

    rows, names = study.rows, _names(study)
    shown = rows if len(rows) <= room else rows[: room - 1]
    table = _table(study, found, shown, names)
    unbounded = on.options.update_width(10 * on.width)
    if on.measure(table, options=unbounded).maximum > on.width:
        table = _table(study, found, shown, names, ranges=False)
    on.print(table)
    if len(shown) < len(rows):
        on.print(Text(f"and {len(rows) - len(shown)} more in the report"))


def _names(study: Study) -> list[str]:
    """The rows by what tells them apart; what all that measured have in common, a report says."""
    rows = study.rows
    facts: dict[int, list[str]] = {}
    for scenario in dict.fromkeys(row.cell.scenario for row in rows):
        mine = [row for row in rows if row.cell.scenario == scenario]
        told = settings(mine, study.about.get(scenario))
        for row, lines in zip(mine, told, strict=True):
            facts[id(row)] = [*lines, scenario, row.cell.device]
            if row.machine_id is not None:
                facts[id(row)].append(f"on {machine_label(row.machine_id)}")
    measured = [row for row in rows if row.good] or rows
    common = set.intersection(*(set(facts[id(row)]) for row in measured))
    return [
        fmt.plain(" ".join([row.name, *(f for f in facts[id(row)] if f not in common)]), limit=200)
        for row in rows
    ]


def _table(
    study: Study,
    found: Answer,
    rows: Sequence[Row],
    names: Sequence[str],
    *,
    ranges: bool = True,
) -> Table:
    """A row for each cell: its step time, how it compares, what it learned."""
    from rich.table import Table
    from rich.text import Text

    labels_of = {row.cell.scenario: study.about.get(row.cell.scenario) for row in rows}
    metrics = {about.metric.label for about in labels_of.values() if about is not None}
    relative = _relative(study, found)
    heads = ["step time", *(["lowest–highest"] if ranges else [])]
    heads += ["relative"] if relative else []
    heads += [metrics.pop() if len(metrics) == 1 else "test quality", "trials"]
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True, overflow="ellipsis")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for row, name in zip(rows, names, strict=False):
        time, learned = row.step_time_s, row.quality
        failed = f", {fmt.count(row.failed)} failed" if row.failed else ""
        cells = [
            fmt.duration(time.value) if time else (fmt.NOTHING if row.good else "failed"),
            *([fmt.duration_range(time.low, time.high, of=time.value) if time else ""] * ranges),
            *([relative.get(id(row), "")] if relative else []),
            fmt.quality(learned.value) if learned else fmt.NOTHING,
            f"{fmt.count(row.good)}{failed}",
        ]
        table.add_row(Text(name), *map(Text, cells))
    return table


def _relative(study: Study, found: Answer) -> dict[int, str]:
    """Step time over that of the fastest with its interval, by the row; empty without a fastest."""
    leads = {lead.over: lead for lead in found.leads}
    contest = next(
        (
            one
            for one in study.contests
            if found.fastest in {side(group.row.cell, group.row.apart) for group in one.groups}
        ),
        None,
    )
    if found.fastest is None or contest is None:
        return {}
    told = {}
    margin = study.rule.margin
    for group in contest.groups:
        name = side(group.row.cell, group.row.apart)
        if name == found.fastest:
            told[id(group.row)] = "1.00"
        elif name in leads:
            lead = leads[name]
            told[id(group.row)] = fmt.inline(
                *fmt.ratio(lead.ratio, lead.low, lead.high, margin=margin)
            )
    return told


def _lower_first(text: str) -> str:
    """As within a sentence: a name such as TensorFlow or JAX keeps its capitals."""
    first = text.partition(" ")[0]
    return text if any(map(str.isupper, first[1:])) else text[:1].lower() + text[1:]


def _lines(print_: Print, on: Console) -> int:
    """How many lines that takes on this console."""
    with on.capture() as captured:
        print_(on)
    return captured.get().count("\n")
