"""A first version of a scenario: a small one that works, or one made of a script's own code.

The script is read, not run (:mod:`harness.first_version.slices`). What its last ``fit`` is given
and how its model comes about are two chains of statements; each becomes a function of the scenario.
What cannot be taken over is marked in the file by :data:`MARK`, and ``harness check`` names every
mark that is left.
"""

from __future__ import annotations

import ast
import re
import textwrap
from importlib.util import decode_source
from pathlib import Path

from harness.errors import HarnessError
from harness.first_version.slices import Chain, Reading, UnreadableError
from harness.first_version.templates import JOINED, MINIMAL, OF_SCRIPT, OWN_FIT
from harness.regular_files import UNPARSABLE, source, why
from harness.words import joined

MARK = "# To write: "
"""Begins a comment in a scenario's file: what its author still has to write."""

HIGHER = re.compile(
    r"acc|auc|precision|recall|sensitivity|specific|f1|beta_score|iou|cosine|r2|true_|psnr|ndcg|mrr"
)
"""Names of metrics of which more is better; ``harness check`` asks Keras itself."""

KERAS_BATCH_SIZE, KERAS_EPOCHS = "32", "1"
"""Keras' own, where ``fit`` names none."""

LEFT_TO_THE_HARNESS = {"x", "y", "batch_size", "epochs", "verbose", "shuffle", "initial_epoch"}
"""Arguments of ``fit`` that a scenario is given, or that it fixes."""

DATA = ("x", "y", "sample_weight", "validation_data", "validation_split", "class_weight")
"""Arguments of ``fit`` that are data, or come with them."""


def marks(text: str) -> list[tuple[int, str]]:
    """Line number and text of every mark that is left in a file."""
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), start=1))
    return [(number, line.removeprefix(MARK)) for number, line in lines if line.startswith(MARK)]


def minimal(name: str) -> str:
    """The text of a small scenario that works as it is."""
    return MINIMAL.substitute(name=name, kind=_class(name))


def of_script(name: str, path: Path) -> str:
    """The text of a scenario made of the script at ``path``.

    Raises:
        HarnessError: if the script cannot be read, or no ``fit`` in it can be followed.
    """
    try:
        return _Taken(name, path, Reading(decode_source(source(path)))).text()
    except (OSError, ValueError, UnreadableError, *UNPARSABLE) as error:
        raise HarnessError(
            f"no scenario can be made of {path}: {why(error)}. `harness scenario new {name}` "
            "writes a small one that works, to put your own data and layers in"
        ) from None


class _Taken:
    """What is taken over of a script."""

    def __init__(self, name: str, path: Path, script: Reading) -> None:
        self._name, self._path, self._script = name, path, script
        self._marks: list[str] = []
        self._joins = False

    def text(self) -> str:
        """The whole file."""
        script = self._script
        splits = self._splits()
        further = self._further()
        given_to_fit = "".join(f"\n            {one}=prepared().{one}," for one in further)
        read = [(script.at, script.fit[name]) for name in DATA if name in script.fit]
        read += [(script.test_at, script.test[name]) for name in DATA if name in script.test]
        data = script.chain(read, first=True)
        model = script.chain([(script.at, script.model)], without=data)
        handed = [f"{name}={name}" for name in model.taken]
        handed += [f"{name}={ast.unparse(e)}" for name, e in further.items()]
        metric = self._metric(model)
        self._mark_what_runs_nowhere_else(data, model)
        batch_size = self._number("batch_size", self._batch_size(data))
        epochs = self._number("epochs", KERAS_EPOCHS)
        more = HIGHER.search(metric) is not None
        return OF_SCRIPT.substitute(
            origin=self._path.name,
            name=self._name,
            kind=_class(self._name),
            marks="".join(f"\n{MARK}{' '.join(one.split())}" for one in self._marks),
            helpers=JOINED if self._joins else "",
            batch_size=batch_size,
            epochs=epochs,
            prepared=_indented([*data.lines, *splits]),
            returned=_indented(
                [
                    f"{one},"
                    for one in ["for_training=for_training", "for_testing=for_testing", *handed]
                ],
                8,
            ),
            made=_indented([*(f"{one} = given.{one}" for one in model.taken), *model.lines]),
            model=script.model,
            metric=metric,
            direction="higher" if more else "lower",
            tolerance=0.01 if more else 0.02,
            own_fit=OWN_FIT.substitute(further=given_to_fit) if given_to_fit else "",
        )

    def _splits(self) -> list[str]:
        """The lines that make ``train`` and ``test``."""
        fit, tests = self._script.fit, self._script.test
        if "x" not in fit:
            raise UnreadableError("its fit is given no data by name or place")
        share = fit.get("validation_split")
        validation = fit.get("validation_data")
        lines = [f"for_training = {self._split(fit)}"]
        if share is not None and validation is None:
            lines += [f"kept = int(for_training.examples * (1 - {ast.unparse(share)}))"]
            if not tests:
                lines += ["for_testing = for_training.map(lambda values: values[kept:])"]
            lines += ["for_training = for_training.map(lambda values: values[:kept])"]
        if tests:
            lines += [f"for_testing = {self._split(tests)}"]
        elif validation is not None:
            lines += [f"for_testing = {self._validation(validation)}"]
        elif share is None:
            self._marks.append(
                f"data to test on: {self._path.name} has none, so training data are used"
            )
            lines += ["for_testing = for_training"]
        return lines

    def _split(self, given: dict[str, ast.expr]) -> str:
        if "y" not in given:
            return self._joined(given["x"])
        parts = {"inputs": "x", "labels": "y", "sample_weights": "sample_weight"}
        told = [f"{ours}={ast.unparse(given[k])}" for ours, k in parts.items() if k in given]
        return f"Split({', '.join(told)})"

    def _validation(self, given: ast.expr) -> str:
        if isinstance(given, ast.Tuple):
            keys = ("x", "y", "sample_weight")
            return self._split(dict(zip(keys, given.elts, strict=False)))
        if "y" not in self._script.fit:
            return self._joined(given)
        name = ast.unparse(given)
        return f"Split(inputs={name}[0], labels={name}[1])"

    def _joined(self, batches: ast.expr) -> str:
        self._joins = True
        return f"joined({ast.unparse(batches)})"

    def _further(self) -> dict[str, ast.expr]:
        """What else ``fit`` is given; what a scenario's ``fit`` cannot pass on is marked."""
        further = {}
        for name, value in self._script.fit.items():
            if name == "class_weight":
                further[name] = value
            elif name not in {*LEFT_TO_THE_HARNESS, *DATA, "validation_batch_size"}:
                self._marks.append(
                    f"{name}={ast.unparse(value)}, which model.fit was given: pass it on in fit() "
                    "below if it belongs to what is measured, else delete this line"
                )
        if len(self._script.fits) > 1:
            told = joined(f"line {call.lineno}" for _, call in self._script.fits[:-1])
            self._marks.append(f"what the earlier calls of fit do ({told}), if it matters")
        return further

    def _metric(self, model: Chain) -> str:
        """The name of the first metric that the model is compiled with; ``loss`` without one."""
        calls = [
            node
            for statement in model.statements
            for node in ast.walk(statement.node)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "compile"
        ]
        if not calls:
            self._marks.append("model.compile(…) at the end of made(): no such call was found")
            return "loss"
        given = {each.arg: each.value for each in calls[-1].keywords}.get("metrics")
        if isinstance(given, ast.Name):
            given = self._assigned(given.id)
        if given is None:
            return "loss"
        first = next(iter(given.elts), None) if isinstance(given, ast.List | ast.Tuple) else given
        name = _metric_name(first)
        if name is None:
            self._marks.append(
                "the name of the metric that is the quality, as model.evaluate(…, "
                "return_dict=True) gives it: the loss takes its place"
            )
        return name or "loss"

    def _assigned(self, name: str) -> ast.expr | None:
        values = [
            one.node.value
            for one in self._script.statements
            if isinstance(one.node, ast.Assign) and name in one.defines
        ]
        return values[-1] if values else None

    def _batch_size(self, data: Chain) -> str:
        """That of data which come in batches, as it is written."""
        if "y" in self._script.fit:
            return KERAS_BATCH_SIZE
        found = re.findall(r"\.batch\((\w+)|batch_size=(\w+)", "\n".join(data.lines))
        written = "".join(found[-1]) if found else ""
        number = written if written[:1].isdigit() else self._constant(ast.Name(written))
        if number is None:
            self._marks.append("batch_size of the settings, that of the batches that fit was given")
        return number or KERAS_BATCH_SIZE

    def _number(self, argument: str, otherwise: str) -> str:
        given = self._script.fit.get(argument)
        if given is None:
            return otherwise
        if (value := self._constant(given)) is not None:
            return value
        self._marks.append(
            f"{argument} of the settings, which {self._path.name} computes: {ast.unparse(given)}"
        )
        return otherwise

    def _constant(self, given: ast.expr) -> str | None:
        """A whole number, or the name of one that is assigned once."""
        if isinstance(given, ast.Name):
            given = self._assigned(given.id) or given
        whole = isinstance(given, ast.Constant) and type(given.value) is int
        return str(given.value) if whole else None  # type: ignore[attr-defined]

    def _mark_what_runs_nowhere_else(self, *chains: Chain) -> None:
        statements = [one for chain in chains for one in chain.statements]
        code = "\n".join(one.text for one in statements)
        if re.search(r"\bargparse\b|\bsys\.argv\b|\bclick\b|\babsl\b", code):
            self._marks.append("settings in place of the script's own arguments")
        if re.search(r"\b__file__\b", code):
            self._marks.append("where its files lie: __file__ is this file now, not the script")
        for one in statements:
            if isinstance(one.node, ast.Import | ast.ImportFrom):
                module = getattr(one.node, "module", None) or one.node.names[0].name
                beside = self._path.parent / f"{module.partition('.')[0]}.py"
                if beside.is_file():
                    self._marks.append(f"a copy of {beside} beside this file; it is imported here")


def _metric_name(node: ast.AST | None) -> str | None:
    """``root_mean_squared_error`` of ``RootMeanSquaredError()``, as Keras names it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.Call):
        return None
    for each in node.keywords:
        if each.arg == "name":
            return str(each.value.value) if isinstance(each.value, ast.Constant) else None
    called = (
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    )
    spaced = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", called)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower() or None


def _class(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _indented(lines: list[str], by: int = 4) -> str:
    return textwrap.indent("\n".join(lines), " " * by).lstrip()
