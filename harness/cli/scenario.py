"""``harness scenario``: a first version of a scenario, to go on from."""

# Without `from __future__ import annotations`: texts would have to be evaluated at every start.

import keyword
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.command import Command
from harness.errors import HarnessError

app = typer.Typer(help="Write a scenario of your own.", no_args_is_help=True, rich_markup_mode=None)


@app.command(cls=Command)
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Of the scenario and its file, such as digits.")
    ],
    script: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="SCRIPT",
            help="Take data and model over from this Keras script, as far as they can be found "
            "by reading it.",
        ),
    ] = None,
) -> None:
    """Write the first version of a scenario.

    It is a small one that works, or is made of a Keras script. The file goes to the first folder
    of HARNESS_SCENARIO_PATH, else to ./scenarios. Nothing is overwritten. What cannot be taken over
    of a script is marked in the file with what to write, and `harness check NAME` names every mark
    that is left.

    \b
    Examples:
      harness scenario new digits
      harness scenario new digits --from train.py && harness check digits

    Exit codes: 0; 2 the name is taken or no name, or the script cannot be read; 3 the file cannot
    be written.
    """  # noqa: D301  click wants the real control character
    from harness import first_version, scenario_files
    from harness.words import count

    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise HarnessError(
            f"{name!r} is no name for a scenario: letters, digits and underscores, such as "
            "my_digits"
        )
    if (there := scenario_files.file_of(name)) is not None:
        raise HarnessError(f"there is a scenario {name} already: {there.path}")
    if script is None:
        text = first_version.minimal(name)
    else:
        text = first_version.of_script(name, scenario_files.program_file(str(script)).path)
    folders = scenario_files.search_path()
    path = (folders[0] if folders else Path("scenarios").absolute()) / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise HarnessError(f"{path} is there already, and nothing is overwritten") from None
    typer.echo(f"written: {path}")
    left = first_version.marks(text)
    for number, what in left:
        typer.echo(f"  line {number}: still to write: {what}")
    if scenario_files.file_of(name) is None:
        typer.echo(
            f"so that it is found: export {scenario_files.SEARCH_PATH_VARIABLE}={path.parent}"
        )
    then = f"after {count(len(left), 'mark')}, " if left else ""
    typer.echo(f"next: {then}harness check {name}")
