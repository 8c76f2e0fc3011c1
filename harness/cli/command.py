"""A subcommand whose options say something once, in a help text that groups them."""

from __future__ import annotations

from collections import Counter
from typing import Any, TypeGuard

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

LISTS = {"NAMES", "NUMBERS", "SEEDS", "VALUES"}
"""The placeholders of options that take several values, separated by commas."""

ARGUMENTS, AXES, WHAT, HOW_LONG, MACHINE, CLUSTER, WHERE, OUTPUT, OTHER = PANELS = (
    "Arguments",
    "Axes",
    "What",
    "How long",
    "Machine",
    "Cluster",
    "Where",
    "Output",
    "Other",
)
"""The groups of a help text, in their order."""

MEASURE, READ, CHECK, SET_UP = COMMAND_PANELS = ("Measure", "Read", "Check", "Set up")
"""The groups of commands, in their order."""

WIDEST = 30
"""The widest first column of a help text; after a wider one Click breaks the line."""


class Group(TyperGroup):
    """Lists its commands in their groups."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Each command with its summary, below what it is for; those of no group come last."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                panel = getattr(command, "rich_help_panel", None) or OTHER
                groups.setdefault(panel, []).append((name, command.get_short_help_str(limit=60)))
        width = max((len(name) for rows in groups.values() for name, _ in rows), default=0)
        for title in sorted(groups, key=(*COMMAND_PANELS, OTHER).index):
            with formatter.section(title):
                formatter.write_dl([(f"{name:<{width}}", text) for name, text in groups[title]])


class Command(TyperCommand):
    """Refuses an option with a value that is given twice, where Click lets the last one win.

    Repeatable options take all that they are given; a switch such as ``--no-wait`` may be repeated.
    """

    # Some releases of Typer bring a Click of their own, whose context is another type.
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, and end with exit code 2 where an option is given twice."""
        if args and not ctx.resilient_parsing:
            _, _, order = self.make_parser(ctx).parse_args(args=list(args))
            for parameter, times in Counter(order).items():
                if times > 1 and _takes_one_value(parameter):
                    ctx.fail(f"{parameter.opts[0]} is given {times} times: {_instead(parameter)}")
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, then the options in their groups, with one first column for all."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is not None:
                name, text = record
                # Typer adds the type of an argument: `FOLDER <list[Path]>`.
                groups.setdefault(_group(parameter), []).append((name.partition(" <")[0], text))
        width = min(WIDEST, max(len(name) for rows in groups.values() for name, _ in rows))
        for title in sorted(groups, key=PANELS.index):
            alone = title == OTHER and not set(groups) - {OTHER, ARGUMENTS}
            with formatter.section("Options" if alone else title):
                formatter.write_dl([(f"{name:<{width}}", help_) for name, help_ in groups[title]])


def _group(parameter: object) -> str:
    if isinstance(parameter, TyperArgument):
        return ARGUMENTS
    return getattr(parameter, "rich_help_panel", None) or OTHER


def _takes_one_value(parameter: object) -> TypeGuard[TyperOption]:
    return (
        isinstance(parameter, TyperOption)
        and not parameter.multiple
        and not parameter.is_flag
        and not parameter.count
    )


def _instead(option: TyperOption) -> str:
    return "write its values with commas" if option.metavar in LISTS else "give it once"
