"""Which names an expression or a statement of a script reads, defines or may change."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

TRAINS = {"fit", "evaluate", "predict", "predict_on_batch", "train_on_batch", "test_on_batch"}

SHOWS = {"print", "display", "show", "head", "info", "describe", "summary", "plot_model"}
"""Calls that change nothing of what they are given."""

WRITES = {"save", "save_weights", "export"}

PICTURES = {"plt", "sns", "logging", "pprint"}


def names_in(node: ast.AST) -> set[str]:
    """The names that an expression reads."""
    table = symtable.symtable(ast.unparse(node), "script", "eval")
    return {s.get_name() for s in table.get_symbols() if s.is_referenced()} | read_from_outside(
        table
    )


def read_from_outside(table: symtable.SymbolTable) -> set[str]:
    """Names that functions and classes within read from outside of them."""
    found: set[str] = set()
    for child in table.get_children():
        found |= {s.get_name() for s in child.get_symbols() if s.is_global() and s.is_referenced()}
        found |= read_from_outside(child)
    return found


def changed(node: ast.stmt, pictures: AbstractSet[str]) -> set[str]:
    """Names whose values a statement may change without defining them."""
    found: set[str] = set()
    if "KERAS_BACKEND" in ast.unparse(node):  # which comes from outside here
        return found
    for each in outside_functions(node):
        if isinstance(each, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            places = [t for t in targets if isinstance(t, ast.Subscript | ast.Attribute)]
            found |= {name for place in places if (name := root(place))}
        elif isinstance(each, ast.Expr) and isinstance(each.value, ast.Call):
            found |= changed_by(each.value, pictures)
        elif isinstance(each, ast.For) and (name := root(each.iter)):
            found.add(name)
    return found


def changed_by(call: ast.Call, pictures: AbstractSet[str]) -> set[str]:
    """Names whose values a call that stands alone may change."""
    name = root(call.func)
    if last(call.func) in TRAINS | SHOWS | WRITES or name in pictures:
        return set()
    given = [*call.args, *(each.value for each in call.keywords)]
    found = {one.id for one in given if isinstance(one, ast.Name)}
    if name is not None and isinstance(call.func, ast.Attribute):
        found.add(name)
    return found


def draws(function: ast.FunctionDef) -> bool:
    """Whether a function of the script makes pictures."""
    return any(isinstance(each, ast.Name) and each.id in PICTURES for each in ast.walk(function))


def outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what runs with it: not what is in functions and classes."""
    yield node
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
        return
    for child in ast.iter_child_nodes(node):
        yield from outside_functions(child)


def root(node: ast.AST | None) -> str | None:
    """``model`` of ``model.layers[0].kernel``."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def last(node: ast.AST) -> str:
    """``compile`` of ``model.compile``."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def is_call(node: ast.AST, method: str) -> bool:
    """Whether a node calls that method of something with a name."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
        and isinstance(node.func.value, ast.Name)
    )
