"""What identifies the source of a scenario or a program: its file, and modules beside it."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from harness import built_in
from harness.beside import importable
from harness.regular_files import UNPARSABLE, source, why
from harness.scenario_files import ScenarioFile, ScenarioFileError


def sha256(file: ScenarioFile) -> str:
    """Identifies the content of a scenario's source: of its file, or of all files of its package.

    Modules beside it count too where an ``import`` in one of them means these very files, and
    those that they import.

    Raises:
        ScenarioFileError: if one of them cannot be read.
    """
    if not (file.built_in or file.program):
        importable(file.path)
    digest, path = hashlib.sha256(), file.path
    try:
        for path in sorted(_sources(file)):
            text = source(path)
            digest.update(f"{path.relative_to(file.folder).as_posix()}\0{len(text)}\0".encode())
            digest.update(text)
    except OSError as error:
        raise ScenarioFileError(f"{path} cannot be read: {why(error)}") from None
    return digest.hexdigest()


def _sources(file: ScenarioFile) -> set[Path]:
    found: set[Path] = set()
    waiting = _of_module(file.path)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting |= _siblings(path, file)
    return found


def _of_module(path: Path) -> set[Path]:
    """The file itself, and of a package all others that belong to it."""
    return set(path.parent.rglob("*.py")) if path.name == "__init__.py" else {path}


def _siblings(path: Path, file: ScenarioFile) -> set[Path]:
    """Files of the modules beside a scenario that ``path`` imports."""
    try:
        tree = ast.parse(source(path))
    except (OSError, ValueError, *UNPARSABLE):
        return set()
    found: set[Path] = set()
    for dotted in _imported(tree, in_package=file.built_in):
        name = dotted.removeprefix(f"{built_in.package()}.") if file.built_in else dotted
        for candidate in (file.folder / name / "__init__.py", file.folder / f"{name}.py"):
            # The folder of a script comes first on its path, and the built-in ones are claimed.
            known = file.program or file.built_in
            if candidate.is_file() and (known or _means(dotted, candidate)):
                found |= _of_module(candidate)
    return found


def _imported(tree: ast.AST, *, in_package: bool) -> Iterator[str]:
    """What an import takes from beside a scenario: ``helper``, or ``scenarios.helper``."""
    package = built_in.package()
    own = package.split(".")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                module = f"{package}.{module}".rstrip(".") if in_package else ""
            names = [f"{module}.{alias.name}" for alias in node.names] if module else []
        else:
            continue
        for parts in (name.split(".") for name in names):
            if not in_package:
                yield parts[0]
            elif parts[: len(own)] == own and len(parts) > len(own):
                yield f"{package}.{parts[len(own)]}"


def _means(dotted: str, path: Path) -> bool:
    """Whether an import of ``dotted`` gives the module at ``path``, and not a library's."""
    try:
        spec = importlib.util.find_spec(dotted)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None and Path(spec.origin).resolve() == path
