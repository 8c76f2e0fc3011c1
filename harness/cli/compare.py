"""``harness compare``: did it become slower, hungrier for memory, or less accurate?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import exit_codes
from harness.errors import GateCode, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.analysis.before_after.compare import Comparison
    from harness.analysis.before_after.gate import Finding
    from harness.store.folder import Results

EPILOG = f"""
\b
Rules of --fail-on, separated by commas:
  slower:5%      a step takes more than 5% longer after, the whole interval
  worse:0.002    the metric is worse by more than 0.002, the whole interval
  memory:10%     peak memory grew by more than 10%, the whole interval
  missing        a cell was measured before and has no measurement after
  inconclusive   one of the questions above cannot be answered for a cell

\b
Examples:
  harness compare results/before results/after
  harness compare results/before results/after --fail-on slower:5%,worse:0.002
  harness compare before after --fail-on slower:5%,missing --markdown comment.md

\b
Exit codes; of several findings the lowest, and all are printed:
    0  nothing to fail on
    2  a mistake in the command
    3  a folder is missing or empty, or a file cannot be written
{exit_codes.lines(GateCode)}
"""


def compare(
    before: Annotated[
        Path, typer.Argument(metavar="BEFORE", help="Folder of records, such as a campaign's.")
    ],
    after: Annotated[
        Path, typer.Argument(metavar="AFTER", help="Folder of records to hold against it.")
    ],
    *,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-on",
            metavar="RULES",
            help="What a script is to fail on, such as slower:5%,worse:0.002; repeatable.",
        ),
    ] = None,
    margin: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE",
            help="Differences in step time up to this are none; the limit of slower, else 2%.",
            show_default=False,
        ),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.md",
            help="Also write it as Markdown, for a comment in CI.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the comparison as JSON instead of the tables.")
    ] = False,
) -> None:
    """Hold two campaigns of one machine against each other, cell by cell.

    Package versions that differ are listed. Cells of different machines are never ranked; what
    they learned is compared all the same.
    """
    # Imported here, so that `harness --help` does not wait for it.
    from harness.analysis.before_after import gate
    from harness.analysis.before_after.compare import compare as compared
    from harness.cli import fail_on as rules_of
    from harness.cli.folder import about as known
    from harness.report.outputs import markdown as md
    from harness.report.outputs import terminal
    from harness.report.sections import comparison as report

    rules = rules_of.parse(fail_on) if fail_on else gate.Rules()
    limits = rules_of.limits(rules, margin=rules_of.share(margin) if margin else None)
    first, second = _load(before), _load(after)
    about = known([*first.records, *second.records])
    made = compared(
        first.records,
        second.records,
        limits=limits,
        tolerances={name: one.metric.tolerance for name, one in about.items()},
    )
    findings = gate.findings(made, rules)
    code = gate.exit_code(findings)
    document = report.compose(
        made,
        findings,
        about=about,
        names=(str(before), str(after)),
        unsettled=len(gate.open_questions(made, rules)) if fail_on else None,
    )
    log = terminal.console(stderr=as_json)
    if markdown is not None:
        _write(markdown, md.render(document))
    if as_json:
        typer.echo(_json(made, findings, code))
    else:
        terminal.show(document, terminal.console())
        log.print()
    for file in (*first.broken, *second.broken):
        log.print(f"left out: {file.path} ({file.reason})", markup=False, soft_wrap=True)
    if markdown is not None:
        log.print(f"Markdown: {markdown}", markup=False, soft_wrap=True)
    raise typer.Exit(code)


def _load(folder: Path) -> Results:
    from harness.cli.folder import results_folder
    from harness.store.folder import load

    results = load(results_folder(folder))
    if not results.records:
        broken = f" ({len(results.broken)} files cannot be read)" if results.broken else ""
        raise UnavailableError(
            f"the results folder {folder} holds no record{broken}: "
            f"make some with harness run SCENARIO --results {folder}"
        )
    return results


def _json(made: Comparison, findings: Sequence[Finding], code: int) -> str:
    import msgspec

    answer = {"exit_code": code, "findings": findings} | msgspec.structs.asdict(made)
    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnavailableError(
            f"the Markdown cannot be written to {path}: {error.strerror or error}. "
            "Name another file with --markdown"
        ) from None
