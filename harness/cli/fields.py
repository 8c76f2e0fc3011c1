"""A command whose options are the fields of a request."""

# Without `from __future__ import annotations`: texts would have to be evaluated at every start.

import inspect
import typing
from collections.abc import Callable, Collection
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

from harness.cli.options import Request

R = TypeVar("R", bound=Request)


def command(
    kind: type[R], without: Collection[str] = ()
) -> Callable[[Callable[[R], None]], Callable[..., None]]:
    """Makes a command for Typer of a function that is given a ``kind``: its fields are options.

    Fields ``without`` an option keep their defaults.
    """
    hints = typing.get_type_hints(kind, include_extras=True)
    parameters = [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_default(each),
            annotation=hints[each.name],
        )
        for each in fields(kind)
        if each.name not in without
    ]

    def decorate(function: Callable[[R], None]) -> Callable[..., None]:
        def called(**options: Any) -> None:
            function(kind(**{name: value for name, value in options.items() if value is not None}))

        called.__name__, called.__doc__ = function.__name__, function.__doc__
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {n: h for n, h in hints.items() if n not in without}
        return called

    return decorate


def _default(of: Field[Any]) -> Any:
    if of.default is not MISSING:
        return of.default
    return inspect.Parameter.empty if of.default_factory is MISSING else None
