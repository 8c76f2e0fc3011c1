"""``harness check``: does a scenario keep the contract?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from harness import defaults
from harness.cli import fields, options
from harness.errors import ExitCode, HarnessError

if TYPE_CHECKING:
    from harness.cli.asking import Say
    from harness.records.check import Answer, Line
    from harness.scenario_files import ScenarioFile

EPILOG = """
\b
Examples:
  harness check digits
  harness check my-scenarios/digits.py --backend jax
  harness check ranking --set data=synthetic --json

\b
Exit codes:
  0 it keeps the contract; 1 it breaks a rule; 2 a mistake in the command, or
  no such scenario; 3 the ratings, an environment or a device is missing;
  130 Ctrl-C.
"""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CheckRequest(options.Request):
    """What ``harness check`` was asked."""

    seed: options.Seed = defaults.SEED


@fields.command(CheckRequest)
def check(request: CheckRequest) -> None:
    """Show whether a scenario keeps the contract, by its name or the path of its file.

    The file is loaded; then, on every backend that has an environment, data and model are made
    twice, a few steps are trained, and each mode is asked whether it can train this model. Nothing
    is timed or kept. Every rule has a line: ok, not ok with the reason, or a note.
    docs/scenarios.md has the contract.
    """
    # Imported here, like all that a training needs, so that `harness --help` does without.
    import msgspec

    from harness.cli import asking
    from harness.report.outputs import terminal

    console = terminal.console(stderr=request.as_json)
    say = asking.speaker(console)
    lines: list[Line] = []
    for line in _lines(request, say):
        lines.append(line)
        if not request.as_json:
            say(_told(line))
    broken = sum(line.status == "not ok" for line in lines)
    if request.as_json:
        document = {"scenario": request.scenario, "keeps_contract": not broken, "lines": lines}
        typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    elif broken:
        say(f"{broken} of {len(lines)} not ok")
    else:
        say("it keeps the contract")
    raise typer.Exit(ExitCode.TRIAL_FAILED if broken else ExitCode.OK)


def _told(line: Line) -> str:
    where = f"{line.place}: " if line.place else ""
    return f"{line.status:<7} {line.rule:<11} {where}{line.seen}"


def _lines(request: CheckRequest, say: Say) -> Iterator[Line]:
    """Every line, as soon as it is known; the file's own rules first."""
    from importlib.util import decode_source

    from harness import scenario_files
    from harness.cli import asking, parse
    from harness.first_version import marks
    from harness.launch import check as checking
    from harness.records.check import Line
    from harness.regular_files import source
    from harness.scenario import find
    from harness.scenario_files import ScenarioFileError
    from harness.source_line import source_line

    file, new_folder = _file(request.scenario)
    try:
        scenario = find(file.name)
    except ScenarioFileError as error:
        origin = None if error.__cause__ is None else source_line(error.__cause__, file.folder)
        yield Line(rule="file", status="not ok", seen=str(error), origin=origin)
        return
    yield Line(rule="file", status="ok", seen=f"{file.path}, version {scenario.version}")
    for number, text in marks(decode_source(source(file.path))):
        seen = f"{file.path.name}, line {number}: still to write: {text}"
        yield Line(rule="to write", status="not ok", seen=seen)
    if new_folder:
        seen = (
            f"{file.folder} is not searched for scenarios: other commands find {file.name} by "
            f"{scenario_files.SEARCH_PATH_VARIABLE}={file.folder}"
        )
        yield Line(rule="folder", status="note", seen=seen)
    settings = asking.point(scenario, request, "a check tries one")
    shown = ", ".join(f"{name}={value}" for name, value in asking.as_scalars(settings).items())
    yield Line(rule="settings", status="ok", seen=shown)
    asking.check_source(request)
    parse.parse_threads(request.threads)
    placements = asking.placements(request, say, variable=None)
    table = asking.table(request, scenario, [settings], say)
    seen = "not needed" if table is None else f"prepared: {table}"
    yield Line(rule="ratings", status="ok", seen=seen)
    answers: dict[str, Answer] = {}
    for place, placement in placements.items():
        cell = checking.cell_of(scenario.name, placement, asking.as_scalars(settings))
        answers[place] = checking.ask(
            cell, placement, seed=request.seed, table=table, pass_env=request.pass_env
        )
        yield from answers[place].lines
    yield from checking.together(answers)


def _file(asked: str) -> tuple[ScenarioFile, bool]:
    """The file of a scenario by its name or path, and whether its folder was not searched before.

    Raises:
        HarnessError: if there is none, several have its name, or it is a script.
    """
    from harness import scenario_files
    from harness.scenario import require_file

    if not scenario_files.is_program(asked):
        return require_file(asked), False
    file = scenario_files.scenario_file(asked)
    if not scenario_files.defines_scenario(file):
        raise HarnessError(
            f"{asked} defines no SCENARIO, so it is a script, which keeps no contract: "
            f"`harness run {asked}` measures it as it is, and "
            f"`harness scenario new NAME --from {asked}` makes a scenario of it"
        )
    # So that the children find it too, wherever it lies.
    new_folder = scenario_files.also_search(file.folder)
    return require_file(file.name), new_folder
