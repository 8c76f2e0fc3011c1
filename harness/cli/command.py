"""A subcommand whose options say something once: of two values none is dropped in silence."""

from __future__ import annotations

from collections import Counter
from typing import Any, TypeGuard

from typer.core import TyperCommand, TyperOption

LISTS = {"NAMES", "NUMBERS", "SEEDS", "VALUES"}
"""The placeholders of options that take several values, separated by commas."""


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


def _takes_one_value(parameter: object) -> TypeGuard[TyperOption]:
    return (
        isinstance(parameter, TyperOption)
        and not parameter.multiple
        and not parameter.is_flag
        and not parameter.count
    )


def _instead(option: TyperOption) -> str:
    return "write its values with commas" if option.metavar in LISTS else "give it once"
