"""Options that take a share, a duration or a whole number, and say so alike in every command."""

from __future__ import annotations

import importlib
from typing import Any, cast

import typer

from harness.cli.command import HOW_LONG, WHAT


def reading(kind: str, option: str, **rules: int) -> dict[str, Any]:
    """How an option reads what was typed, by the function of that name in ``harness.cli.parse``."""

    def read(typed: str | float) -> float:
        if not isinstance(typed, str):  # a default
            return typed
        # Imported here, so that `harness --help` does not wait for it.
        parse = importlib.import_module("harness.cli.parse")
        return cast("float", getattr(parse, f"parse_{kind}")(option, typed, **rules))

    return {"parser": read}


def share(option: str, help_: str, panel: str = HOW_LONG) -> Any:
    """An option that takes a share: ``2%`` or ``0.02``."""
    return typer.Option(
        option,
        metavar="SHARE",
        help=help_,
        rich_help_panel=panel,
        show_default=False,
        **reading("share", option),
    )


def duration(option: str, help_: str, *, zero: bool = False) -> Any:
    """An option that takes a duration: ``90``, ``90s`` or ``10m``."""
    return typer.Option(
        option,
        metavar="DURATION",
        help=help_,
        rich_help_panel=HOW_LONG,
        show_default=False,
        **reading("duration_s", option, zero=zero),
    )


def number(option: str, help_: str, panel: str, *, least: int = 1, most: int) -> Any:
    """An option that takes a whole number from ``least`` to ``most``."""
    return typer.Option(
        option,
        metavar="NUMBER",
        help=help_,
        rich_help_panel=panel,
        **reading("number", option, least=least, most=most),
    )


def spelled(seconds: float) -> str:
    """A duration as an option takes it: ``10m``."""
    return f"{seconds / 3600:g}h" if seconds >= 3600 else f"{seconds / 60:g}m"


def timeout_option(default_s: float) -> Any:
    """The option ``--timeout`` of a command whose default is that."""
    return duration(
        "--timeout",
        f"End a process that is still running after this. Default: {spelled(default_s)}.",
    )


def seeds_option(default: str, note: str = "") -> Any:
    """The option ``--seeds`` of a command whose default is that."""
    return typer.Option(
        "--seeds",
        metavar="SEEDS",
        help=f"Such as 1,2,3 or 1-5; one for each round, in turn. Default: {default}.{note}",
        rich_help_panel=WHAT,
    )
