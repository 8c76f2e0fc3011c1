"""Whether a scenario reads the rating table, so that nobody waits for data that are not read.

Most scenarios take no MovieLens ratings, and their authors do not think of a table at all. So the
code of :meth:`Scenario.data` is looked at: what never mentions its parameter cannot read it.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from types import FunctionType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from harness.scenario import Scenario

Use = Literal["nothing", "handed on", "anything"]
"""What a function does with a parameter. ``handed on``: only to the same method of ``super()``."""

TABLE = 2
"""The position of the table in ``data(self, settings, table)``."""

_SEE_EVERY_NAME = {"locals", "vars", "eval", "exec"}
_SEE_EVERY_FRAME = {"_getframe", "currentframe"}
"""Calls that can read a variable without its name: functions, and what modules have."""


def needs_table(scenario: Scenario, settings: Any) -> bool:
    """Whether ``data`` of ``scenario`` has to be given the table.

    The code of ``data`` answers where it never mentions the table, also where it hands it on to a
    ``data`` that does not. Otherwise :meth:`Scenario.needs_table` is asked, and so it is where a
    class overrides it that is at least as derived as the one with ``data``: its author knows.
    """
    classes = type(scenario).__mro__
    asked = next(i for i, owner in enumerate(classes) if "needs_table" in vars(owner))
    for owner in classes[:asked]:
        if "data" in vars(owner):
            use = use_of(vars(owner)["data"], TABLE)
            if use == "nothing":
                return False
            if use == "anything":
                break
    return scenario.needs_table(settings)


def use_of(function: object, position: int) -> Use:
    """What ``function`` does with its parameter at ``position``; ``anything`` where in doubt.

    In doubt are decorated functions, ``*args``, code whose source is not there, and code that looks
    at variables by other means than their names.
    """
    tree = _tree(function)
    if tree is None:
        return "anything"
    parameters = [*tree.args.posonlyargs, *tree.args.args]
    if position >= len(parameters):
        return "anything"
    name = parameters[position].arg
    words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    if words & _SEE_EVERY_NAME or (words | attributes) & _SEE_EVERY_FRAME:
        return "anything"
    read = [node for node in ast.walk(tree) if _reads(node, name)]
    if not read:
        return "nothing"
    handed_on = [
        argument
        for node in ast.walk(tree)
        if _is_same_method_above(node, tree.name)
        for argument in _arguments(node)
        if _reads(argument, name)
    ]
    return "handed on" if len(handed_on) == len(read) else "anything"


def _tree(function: object) -> ast.FunctionDef | None:
    """The syntax tree of a plain function, ``None`` where it cannot be had for certain."""
    if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
        return None
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    if not isinstance(tree, ast.FunctionDef) or tree.name != function.__name__:
        return None
    parameters = [parameter.arg for parameter in (*tree.args.posonlyargs, *tree.args.args)]
    code = function.__code__
    # The file may have changed since it was run.
    same = parameters == list(code.co_varnames[: code.co_argcount])
    return tree if same else None


def _reads(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)


def _is_same_method_above(node: ast.AST, method: str) -> bool:
    """Whether ``node`` is ``super().data(…)``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
        and isinstance(node.func.value, ast.Call)
        and isinstance(node.func.value.func, ast.Name)
        and node.func.value.func.id == "super"
    )


def _arguments(node: ast.AST) -> list[ast.AST]:
    if not isinstance(node, ast.Call):
        return []
    return [*node.args, *(keyword.value for keyword in node.keywords)]
