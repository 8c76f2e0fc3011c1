"""A Keras script, read and not run: its statements, and those that a value hangs on.

What a statement defines, changes and reads is found by its names (:mod:`symtable`), in the order in
which the statements stand. Nothing is known of what a function does to its arguments; a call that
stands alone and is given a value is therefore taken to change it, unless it only shows something.
"""

from __future__ import annotations

import ast
import dataclasses
import symtable
import sys
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

from harness.first_version.names import (
    PICTURES,
    changed,
    draws,
    is_call,
    last,
    names_in,
    outside_functions,
    read_from_outside,
    root,
)

FIT = (
    "x",
    "y",
    "batch_size",
    "epochs",
    "verbose",
    "callbacks",
    "validation_split",
    "validation_data",
    "shuffle",
    "class_weight",
    "sample_weight",
    "initial_epoch",
    "steps_per_epoch",
    "validation_steps",
)
"""The parameters of ``keras.Model.fit``, in their order."""

EVALUATE = ("x", "y", "batch_size", "verbose", "sample_weight")
"""The same of ``keras.Model.evaluate``."""

UNPACKS = {"extractall", "unpack_archive", "urlretrieve", "makedirs", "mkdir", "system"}
"""Calls that leave files for others to read, which no name tells."""

SEEDS = {"set_random_seed", "seed", "set_seed"}


class UnreadableError(ValueError):
    """A script whose training cannot be followed by reading it."""


@dataclasses.dataclass(frozen=True, eq=False)
class Statement:
    """One statement. ``plain`` is what may be made twice: an import, a definition, a constant."""

    node: ast.stmt
    text: str
    defines: frozenset[str]
    changes: frozenset[str]
    reads: frozenset[str]
    plain: bool

    @property
    def replaces(self) -> bool:
        """Whether nothing of the earlier value of what it defines is left."""
        simple = (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom)
        return isinstance(self.node, (*simple, ast.FunctionDef, ast.ClassDef))

    @property
    def block(self) -> str:
        """What it stands together with: imports, definitions, or the rest."""
        if isinstance(self.node, ast.Import | ast.ImportFrom):
            return "import"
        return "definition" if isinstance(self.node, ast.FunctionDef | ast.ClassDef) else "rest"

    @property
    def is_seed(self) -> bool:
        """Whether it does nothing but seed a random generator."""
        call = self.node.value if isinstance(self.node, ast.Expr) else None
        return isinstance(call, ast.Call) and last(call.func) in SEEDS

    @property
    def unpacks(self) -> bool:
        """Whether it leaves files that later statements may read."""
        return any(
            isinstance(each, ast.Call) and last(each.func) in UNPACKS
            for each in outside_functions(self.node)
        )

    def affects(self, names: AbstractSet[str]) -> bool:
        """Whether one of ``names`` is another value after it."""
        return bool((self.defines | self.changes) & names)


@dataclasses.dataclass(frozen=True)
class Chain:
    """The statements that some values hang on, and the names that they take from elsewhere."""

    statements: list[Statement]
    taken: list[str]

    @property
    def lines(self) -> list[str]:
        """Their text, imports first, with an empty line around definitions."""
        rest = [one for one in self.statements if one.block != "import"]
        found = _sorted_imports([one.node for one in self.statements if one.block == "import"])
        for before, each in zip([None, *rest], rest, strict=False):
            apart = before is None or "definition" in {before.block, each.block}
            found += [*([""] if apart and found else []), *each.text.splitlines()]
        return found


class Reading:
    """A script's statements as they run, with its last training.

    Args:
        text: the script.

    Raises:
        SyntaxError: if it is no Python.
        UnreadableError: if no ``fit`` is called where its statements run one after the other.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        module = ast.parse(text)
        self._functions = {n.name: n for n in ast.walk(module) if isinstance(n, ast.FunctionDef)}
        self._constants: set[str] = set()
        drawing = (name for name, each in self._functions.items() if draws(each))
        self._pictures = {*PICTURES, *drawing}
        self._taken_lines = _lines_of_several(module)
        self.statements = list(self._read(module.body))
        self.fits = self._calls("fit")
        compiled = {name for _, call in self._calls("compile") if (name := root(call.func))}
        fits = [one for one in self.fits if root(one[1].func) in compiled] or self.fits
        if not fits:
            raise UnreadableError(
                "it calls no model.fit at its top level or in a function that it calls from there"
            )
        self.at, call = fits[-1]
        self.model = root(call.func) or ""
        self.fit = _arguments(call, FIT)
        tests = [one for one in self._calls("evaluate") if root(one[1].func) == self.model]
        self.test_at, test = tests[-1] if tests else (self.at, None)
        self.test = _arguments(test, EVALUATE) if test is not None else {}

    def chain(
        self,
        wanted: Iterable[tuple[int, ast.AST | str]],
        *,
        without: Chain | None = None,
        first: bool = False,
    ) -> Chain:
        """The statements on which expressions hang.

        Args:
            wanted: each with the place of the statement that reads it.
            without: another chain, whose values are taken as they are at its end.
            first: whether what seeds random generators and unpacks files belongs to it.
        """
        asked = [(at, {e} if isinstance(e, str) else names_in(e)) for at, e in wanted]
        live: set[str] = set()
        found: list[Statement] = []
        taken: set[str] = set()
        theirs = [one for one in without.statements if not one.plain] if without else []
        for place in range(max((at for at, _ in asked), default=0), -1, -1):
            live = live.union(*(names for at, names in asked if at == place + 1))
            statement = self.statements[place]
            prepares = statement.is_seed or statement.unpacks
            if not (first if prepares else statement.affects(live)):
                continue
            mine = (statement.defines | statement.changes) & live
            if statement in theirs:
                later = theirs[theirs.index(statement) + 1 :]
                if not any(one.affects(mine) for one in later):
                    taken |= mine
                    live -= mine
                    continue
            found.append(statement)
            if statement.replaces:
                live -= statement.defines
            live |= statement.reads
        return Chain(found[::-1], sorted(taken))

    def _read(self, body: list[ast.stmt]) -> Iterator[Statement]:
        for node in body:
            if _is_main(node):
                yield from self._read(node.body)  # type: ignore[attr-defined]
            elif (inner := self._trains_inside(node)) is not None:
                call, function = inner
                yield from self._bound(call, function)
                yield from self._read([n for n in function.body if not isinstance(n, ast.Return)])
            elif isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    yield self._statement(_import(node, alias))
            else:
                yield self._statement(node)

    def _trains_inside(self, node: ast.stmt) -> tuple[ast.Call, ast.FunctionDef] | None:
        """The call of a function of the script in which ``fit`` is called, if that is ``node``."""
        call = getattr(node, "value", None)
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            return None
        function = self._functions.get(call.func.id)
        if function is None or not any(is_call(n, "fit") for n in ast.walk(function)):
            return None
        return call, function

    def _bound(self, call: ast.Call, function: ast.FunctionDef) -> Iterator[Statement]:
        """The function's parameters with the arguments of its call, as assignments."""
        parameters = [each.arg for each in function.args.args]
        defaults = function.args.defaults
        values: dict[str, ast.AST] = dict(
            zip(parameters[len(parameters) - len(defaults) :], defaults, strict=True)
        )
        values |= dict(zip(parameters, call.args, strict=False))
        values |= {each.arg: each.value for each in call.keywords if each.arg is not None}
        for name, value in values.items():
            text = f"{name} = {ast.unparse(value)}"
            if text != f"{name} = {name}":
                yield self._statement(ast.parse(text).body[0], text)

    def _statement(self, node: ast.stmt, text: str | None = None) -> Statement:
        if text is None:
            text = self._as_written(node)
        table = symtable.symtable(ast.unparse(node), "script", "exec")
        symbols = table.get_symbols()
        defines = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}
        reads = {s.get_name() for s in symbols if s.is_referenced()} | read_from_outside(table)
        plain = self._is_plain(node)
        if plain and isinstance(node, ast.Assign):
            self._constants |= defines
        return Statement(
            node=node,
            text=text,
            defines=frozenset(defines),
            changes=frozenset(changed(node, self._pictures) - defines),
            reads=frozenset(reads),
            plain=plain,
        )

    def _is_plain(self, node: ast.stmt) -> bool:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
            return True
        parts = ast.walk(node.value) if isinstance(node, ast.Assign) else [node]
        return all(
            isinstance(one, _OF_CONSTANTS)
            or (isinstance(one, ast.Name) and one.id in self._constants)
            for one in parts
        )

    def _as_written(self, node: ast.stmt) -> str:
        """Its lines, moved to the margin; made anew where they cannot be moved."""
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        last = node.end_lineno or first
        if first in self._taken_lines or _has_long_text(node):
            return ast.unparse(node)
        lines = self._text.splitlines()[first - 1 : last]
        margin = " " * node.col_offset
        return "\n".join(line.removeprefix(margin) for line in lines)

    def _calls(self, method: str) -> list[tuple[int, ast.Call]]:
        """Statements that call a method and do little else, by their place."""
        found = []
        for place, statement in enumerate(self.statements):
            value = getattr(statement.node, "value", None)
            for node in ast.walk(value) if isinstance(value, ast.AST) else ():
                if isinstance(node, ast.Call) and is_call(node, method):
                    found.append((place, node))  # noqa: PERF401 - two conditions and two loops
        return found


_OF_CONSTANTS = (
    ast.Constant,
    ast.Tuple,
    ast.List,
    ast.Dict,
    ast.BinOp,
    ast.UnaryOp,
    ast.operator,
    ast.unaryop,
    ast.expr_context,
)


def _arguments(call: ast.Call, parameters: Iterable[str]) -> dict[str, ast.expr]:
    if any(isinstance(each, ast.Starred) for each in call.args) or any(
        each.arg is None for each in call.keywords
    ):
        raise UnreadableError(f"line {call.lineno}: its arguments are unpacked by a star")
    found = dict(zip(parameters, call.args, strict=False))
    return found | {each.arg: each.value for each in call.keywords if each.arg is not None}


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {
        "__name__ == '__main__'",
        "'__main__' == __name__",
    }


def _import(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> ast.stmt:
    """One name of an import; Keras within TensorFlow is Keras."""
    made: ast.stmt
    if isinstance(node, ast.Import):
        name = alias.name.removeprefix("tensorflow.") if "tensorflow.keras" in alias.name else None
        made = ast.Import([ast.alias(name or alias.name, alias.asname)])
    elif node.module == "tensorflow" and alias.name == "keras":
        made = ast.Import([ast.alias("keras", alias.asname)])
    else:
        module = (node.module or "").replace("tensorflow.keras", "keras", 1)
        made = ast.ImportFrom(module, [alias], node.level)
    return ast.copy_location(ast.fix_missing_locations(made), node)


def _sorted_imports(nodes: list[ast.stmt]) -> list[str]:
    """Their lines, those of the standard library first, names of one module on one line."""
    plain: set[tuple[bool, str]] = set()
    names: dict[tuple[bool, str], set[str]] = {}
    for node in nodes:
        module = getattr(node, "module", None) or node.names[0].name  # type: ignore[attr-defined]
        foreign = module.partition(".")[0] not in sys.stdlib_module_names
        if isinstance(node, ast.Import):
            plain.add((foreign, ast.unparse(node)))
        elif isinstance(node, ast.ImportFrom):
            text = ast.unparse(node.names[0])
            names.setdefault((foreign, "." * node.level + (node.module or "")), set()).add(text)
    lines: list[str] = []
    for foreign in (False, True):
        block = sorted(text for of, text in plain if of == foreign)
        block += [
            f"from {module} import {', '.join(sorted(names[of, module]))}"
            for of, module in sorted(names)
            if of == foreign
        ]
        lines += [*([""] if lines and block else []), *block]
    return lines


def _has_long_text(node: ast.AST) -> bool:
    texts = (ast.JoinedStr, ast.Constant)
    return any(
        isinstance(one, texts) and (one.end_lineno or 0) > one.lineno for one in ast.walk(node)
    )


def _lines_of_several(module: ast.Module) -> set[int]:
    """Lines on which several statements begin, and those of imports, which are taken apart."""
    seen: set[int] = set()
    several: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.stmt):
            several |= {node.lineno} & seen
            seen.add(node.lineno)
            if isinstance(node, ast.Import | ast.ImportFrom):
                several.add(node.lineno)
    return several
