"""``harness export``: the records of a folder in the format of another tool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import completion
from harness.cli.command import OUTPUT
from harness.report.exports import ALL, FORMATS
from harness.words import plain

EPILOG = "\n".join(
    [
        "\b",
        "Formats:",
        *(f"  {name:<24}  {one.summary}" for name, one in FORMATS.items()),
        f"  {ALL:<24}  as many of these as can be, in a folder",
        "",
        "\b",
        "Examples:",
        "  harness export results/local --format parquet --output samples.parquet",
        "  harness export results/local --format pytest-benchmark --output steps.json",
        "  harness export results/ci --format all --output exports",
    ]
)


def export(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER",
            help="Folder of records, at any depth; results/local if none is named.",
            show_default=False,
        ),
    ] = None,
    *,
    name: Annotated[
        str,
        typer.Option(
            "--format",
            help="One of the formats below.",
            metavar="FORMAT",
            autocompletion=completion.formats,
            rich_help_panel=OUTPUT,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            help=f"The file to write, over one that is there; a folder for {ALL}.",
            metavar="PATH",
            rich_help_panel=OUTPUT,
        ),
    ],
) -> None:
    """Write the records of a folder in the format of another tool.

    Figures are those of `harness report`, unrounded. Failed trials and synthetic data are in every
    format; what a format cannot hold is counted and said.

    Exit codes: 0 it was written; 2 there is no such format; 3 there is no such folder or no record
    in it, a package is missing, or the output cannot be written.
    """
    # Imported here, so that `harness --help` does not wait for it.
    from harness.analysis.study import study_of
    from harness.cli.folder import results_folder
    from harness.report import exports
    from harness.report.exports.content import warnings
    from harness.store.folder import load

    exports.check(name)
    results = load(results_folder(folder))
    study = study_of(results.records, broken=results.broken)
    for written in exports.export(name, study, output):
        where = "left out" if written.path is None else str(written.path)
        typer.echo(plain(f"{written.format}: {where}", limit=4_000))
        for sentence in written.said:
            typer.echo(f"  {plain(sentence)}")
    for warning in warnings(study):
        typer.echo(plain(warning))
