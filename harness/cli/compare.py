"""``harness compare``: did it become slower, hungrier for memory, or less accurate?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness import defaults
from harness.cli import exit_codes, values
from harness.cli.command import OUTPUT, WHAT
from harness.cli.report import STEP_SUMMARY_VARIABLE, append_to_step_summary
from harness.errors import GateCode, HarnessError, UnavailableError

if TYPE_CHECKING:
    from harness.analysis.before_after.compare import Comparison, Limits
    from harness.analysis.before_after.gate import Finding, Rules
    from harness.analysis.study import About
    from harness.report.sections.behind import Repeat
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
  harness compare results/before results/after --fail-on slower:5%
  harness compare before after --fail-on missing --markdown comment.md
  harness compare before after --fail-on slower:10% --step-summary

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
        Path, typer.Argument(metavar="AFTER", help="Folder of records to compare with it.")
    ],
    *,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-on",
            metavar="RULES",
            help="What a script is to fail on, such as slower:5%,worse:0.002; repeatable.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    margin: Annotated[
        float | None,
        values.share(
            "--margin",
            "Differences in step time up to this are none; the limit of slower, else "
            f"{defaults.MARGIN:.0%}.",
            WHAT,
        ),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.md",
            help="Also write it as Markdown, for a comment in CI.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    step_summary: Annotated[
        bool,
        typer.Option(
            "--step-summary",
            help=f"Also append what changed, in short, to the file in {STEP_SUMMARY_VARIABLE}.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the comparison as JSON instead of the tables.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
) -> None:
    """Compare two campaigns of one machine, cell by cell.

    Package versions that differ are listed. Cells of different machines are never ranked; what
    they learned is compared all the same.
    """
    # Imported here, so that `harness --help` does not wait for it.
    from harness.analysis.before_after import gate
    from harness.analysis.before_after.compare import compare as compared
    from harness.cli.folder import about as known
    from harness.report.outputs import markdown as md
    from harness.report.outputs import terminal
    from harness.report.sections import comment
    from harness.report.sections import comparison as report

    rules = parse_rules(fail_on) if fail_on else gate.Rules()
    limits = limits_of(rules, margin=margin)
    first, second = _load(before), _load(after)
    about = known([*first.records, *second.records])
    made = compared(
        first.records,
        second.records,
        limits=limits,
        tolerances={name: one.metric.tolerance for name, one in about.items()},
        settings_before={name: one.before for name, one in about.items()},
    )
    findings = gate.findings(made, rules)
    code = gate.exit_code(findings)
    names = str(before), str(after)
    unsettled = len(gate.open_questions(made, rules)) if fail_on else None
    document = report.compose(
        made,
        findings,
        about=about,
        names=names,
        unsettled=unsettled,
        repeat=_again(first, about),
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
    if step_summary:
        short = comment.compose(made, findings, about=about, names=names, unsettled=unsettled)
        log.print(append_to_step_summary(md.render(short)), markup=False, soft_wrap=True)
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


def _again(results: Results, about: Mapping[str, About]) -> Repeat | None:
    """What measures a campaign once more, where it was of one scenario."""
    from harness.analysis.rows import grouped
    from harness.report.repeat import command

    scenarios = {record.cell.scenario for record in results.records}
    if len(scenarios) != 1:
        return None
    known = about.get(scenarios.pop())
    return lambda options: command(grouped(results.records), known, results.plans, options)


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


LIMITS = {"slower": "5%", "memory": "10%", "worse": "0.002"}
FLAGS = ("missing", "inconclusive")
RULES = ["slower", "worse", "memory", *FLAGS]

WORST = 100.0
"""A limit on a metric beyond which it is none."""


def parse_rules(texts: Iterable[str]) -> Rules:
    """The rules that texts such as ``slower:5%,missing`` name.

    Raises:
        HarnessError: for an unknown rule, with the nearest that is known; a limit that is lacking,
            out of place or no number; a rule named twice.
    """
    from harness.analysis.before_after.gate import Rules
    from harness.words import unknown

    asked: dict[str, float | bool] = {}
    for part in (part.strip() for text in texts for part in text.split(",")):
        if not part:
            continue
        name, colon, limit = (piece.strip() for piece in part.partition(":"))
        if name not in RULES:
            raise HarnessError(unknown("rule of --fail-on", name, RULES))
        if name in asked:
            raise HarnessError(f"--fail-on names {name} twice: give it one limit")
        if name in FLAGS and colon:
            raise HarnessError(f"--fail-on {part}: {name} takes no limit; write {name}")
        asked[name] = True if name in FLAGS else _limit(name, limit)
    if not asked:
        examples = ",".join([*(f"{name}:{limit}" for name, limit in LIMITS.items()), *FLAGS])
        raise HarnessError(f"--fail-on names no rule. Valid: {examples}")
    return Rules(**asked)  # type: ignore[arg-type]


def limits_of(rules: Rules, *, margin: float | None = None) -> Limits:
    """The limits to compare with, so that the table says what the gate says.

    Args:
        rules: What the gate asks.
        margin: That of the verdict on speed, as a share, where the gate does not set it.

    Raises:
        HarnessError: if both set it, and not alike.
    """
    from harness.analysis.before_after.compare import Limits

    if None not in {margin, rules.slower} and margin != rules.slower:
        raise HarnessError(
            "--margin and the limit of slower are two margins for one verdict: leave --margin out"
        )
    usual = Limits()
    chosen = margin if rules.slower is None else rules.slower
    return Limits(
        margin=usual.margin if chosen is None else chosen,
        memory_margin=usual.memory_margin if rules.memory is None else rules.memory,
        tolerance=rules.worse,
    )


def _limit(name: str, text: str) -> float:
    """The limit of a rule: a share, or for ``worse`` a number in the metric's own unit."""
    from harness.cli import parse

    if not text:
        raise HarnessError(f"--fail-on {name} names no limit: write {name}:{LIMITS[name]}")
    if name != "worse":
        return parse.parse_share(f"--fail-on {name}", text, rule=True)
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= WORST:
        # 2% of a metric is no difference in its unit.
        raise HarnessError(
            f"--fail-on worse:{text} is not a difference: write a number in the metric's own unit, "
            f"such as worse:0.002; above 0 and up to {WORST:.0f}"
        )
    return value
