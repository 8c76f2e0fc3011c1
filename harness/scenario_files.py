"""Where the files of scenarios lie, and how one is loaded.

Nothing here knows what a scenario is: that is :mod:`harness.scenario`.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from importlib.machinery import SourceFileLoader
from importlib.metadata import entry_points
from pathlib import Path
from types import CodeType, ModuleType

import msgspec

from harness import built_in
from harness.beside import importable
from harness.errors import HarnessError
from harness.paths import expanded
from harness.regular_files import source
from harness.source_line import place, source_line

SEARCH_PATH_VARIABLE = "HARNESS_SCENARIO_PATH"
"""Names further folders of scenarios, separated as in ``PATH``."""

ENTRY_POINTS = "keras_backend_harness.scenarios"
"""The group in which an installed package offers scenarios: ``NAME = "its.module"``."""

OFFERED_VARIABLE = "HARNESS_OFFERED_SCENARIOS"
"""Tells a child where the scenarios of installed packages lie, as ``NAME=PATH``; set by us."""

FRAMEWORKS = {"keras", "keras_rs", "keras_hub", "jax", "flax", "tensorflow", "torch"}
"""What no command has, and a scenario's top level therefore does not import."""


class SearchPathError(HarnessError):
    """The search path names something that holds no scenarios."""


class AmbiguousScenarioError(HarnessError):
    """Several files claim one name."""


class ScenarioFileError(HarnessError):
    """A scenario's file cannot be loaded, or defines no scenario."""


class ScenarioFile(msgspec.Struct, frozen=True, kw_only=True):
    """A module or package that may hold a scenario.

    ``path`` is its file, that of a package ``__init__.py``; ``folder`` is where it was found.
    ``program`` marks a user's own script, which takes a scenario's place and defines none.
    """

    name: str
    path: Path
    folder: Path
    built_in: bool = False
    program: bool = False

    @property
    def is_package(self) -> bool:
        """Whether it is a folder with an ``__init__.py``."""
        return self.path.name == "__init__.py"


def search_path(variables: Mapping[str, str] | None = None) -> list[Path]:
    """The absolute folders beyond ``scenarios/`` in which scenarios are looked for, each once.

    Raises:
        SearchPathError: for one that is no folder, or holds a scenario's own package.
    """
    folders: dict[Path, None] = {}
    for path in entries(os.environ if variables is None else variables):
        if problem := _problem(path):
            raise SearchPathError(
                f"{SEARCH_PATH_VARIABLE} names {path}, {problem}. It holds folders with scenarios "
                f"in them, separated by '{os.pathsep}'"
            )
        folders[path.resolve()] = None
    folders.pop(built_in.folder(), None)
    return list(folders)


def entries(variables: Mapping[str, str]) -> list[Path]:
    """What the variable names, absolute, whether it is there or not."""
    parts = variables.get(SEARCH_PATH_VARIABLE, "").split(os.pathsep)
    return [expanded(part.strip()).absolute() for part in parts if part.strip()]


def names() -> list[str]:
    """The names of all files that may hold a scenario, sorted.

    Raises:
        SearchPathError: see :func:`search_path`.
    """
    return sorted(_files())


def is_program(name: str) -> bool:
    """Whether ``name`` is the path of a script, and not the name of a scenario."""
    return name.endswith((".py", ".ipynb")) or "/" in name or os.sep in name


def name_of(text: str) -> str:
    """What a cell calls a scenario, or a program by its path."""
    return Path(text).name if is_program(text) else text


def program_path(text: str) -> str | None:
    """The absolute path of a program; ``None`` for the name of a scenario."""
    return str(program_file(text).path) if is_program(text) else None


def program_file(path: str) -> ScenarioFile:
    """The script at ``path``, which need not be loadable.

    Raises:
        ScenarioFileError: if there is no such file, or it is no script.
    """
    file = Path(path).expanduser().absolute()
    problem = None
    if file.is_dir():
        problem = "is a folder: name the script in it that trains"
    elif not file.is_file():
        there = sorted(each.name for each in file.parent.glob("*.py"))
        near = difflib.get_close_matches(file.name, there, n=1)
        problem = f"does not exist{f'; did you mean {near[0]}?' if near else ''}"
    elif file.suffix == ".ipynb":
        problem = "is a notebook: save it as a script first (jupyter nbconvert --to script)"
    elif file.suffix != ".py":
        problem = "is no Python file: its name ends with .py"
    elif not os.access(file, os.R_OK):
        problem = "may not be read"
    if problem is not None:
        raise ScenarioFileError(f"the program {path} {problem}")
    return ScenarioFile(name=file.name, path=file, folder=file.parent, program=True)


def scenario_file(path: str) -> ScenarioFile:
    """The scenario's file at ``path``, wherever it lies; of a package its folder does too.

    Raises:
        ScenarioFileError: if there is no such file, or it is no Python.
    """
    asked = expanded(path).absolute()
    if asked.is_dir() and (asked / "__init__.py").is_file():
        asked /= "__init__.py"
    file = program_file(str(asked)).path.resolve()
    package = file.name == "__init__.py"
    folder = file.parents[1] if package else file.parent
    name = file.parent.name if package else file.stem
    return ScenarioFile(name=name, path=file, folder=folder, built_in=folder == built_in.folder())


def defines_scenario(file: ScenarioFile) -> bool:
    """Whether something in the file is called ``SCENARIO``; it is read, not run."""
    return b"SCENARIO" in source(file.path)


def also_search(folder: Path) -> bool:
    """Search ``folder`` too, here and in all children; whether it was not searched before."""
    if folder == built_in.folder() or folder in search_path():
        return False
    before = os.environ.get(SEARCH_PATH_VARIABLE)
    os.environ[SEARCH_PATH_VARIABLE] = os.pathsep.join(filter(None, [before, str(folder)]))
    return True


def file_of(name: str) -> ScenarioFile | None:
    """The file of that name, ``None`` if there is none; of a path that of a program.

    Raises:
        SearchPathError: see :func:`search_path`.
        ScenarioFileError: see :func:`program_file`.
        AmbiguousScenarioError: if there are several, since one would hide the other.
    """
    if is_program(name):
        return program_file(name)
    candidates = _files().get(name, [])
    if len(candidates) > 1:
        places = " and ".join(
            f"{file.path}{' (the built-in one)' if file.built_in else ''}" for file in candidates
        )
        raise AmbiguousScenarioError(
            f"{len(candidates)} scenarios are called {name}: {places}. Rename one, so that records "
            "say which was measured"
        )
    return candidates[0] if candidates else None


def search_path_in_words() -> str:
    """Each folder beyond ``scenarios/`` with how many files it has; empty if there is none."""
    counted = [f"{folder} ({_counted(len(list(_within(folder))))})" for folder in search_path()]
    return ", ".join(counted)


@functools.cache
def load(file: ScenarioFile) -> ModuleType:
    """The module of a file, run once.

    Raises:
        ScenarioFileError: if it cannot be run: with the line of the user's own, and the reason.
    """
    # A name of its own: a scenario called `json` must not shadow the library.
    prefix = f"{built_in.package()}." if file.built_in else "_harness_scenario_"
    name = f"{prefix}{file.name}"
    built_in.claim()
    before = set(sys.modules)
    if not file.built_in:
        importable(file.path)
    try:
        return importlib.import_module(name) if file.built_in else _executed(name, file)
    except KeyboardInterrupt:
        raise
    # A scenario that exits on its top level must not take the command with it.
    except BaseException as error:
        for new in set(sys.modules) - before:
            if new == name or new.startswith(f"{name}."):
                del sys.modules[new]
        raise ScenarioFileError(_why(file, error)) from error


def _files() -> dict[str, list[ScenarioFile]]:
    found: dict[str, list[ScenarioFile]] = {}
    for folder in [built_in.folder(), *search_path()]:
        for file in _within(folder):
            found.setdefault(file.name, []).append(file)
    known = {file.path for files in found.values() for file in files}
    for file in (*_offered(), *_handed_on(os.environ)):
        if file.path not in known:
            known.add(file.path)
            found.setdefault(file.name, []).append(file)
    return found


def _offered() -> Iterator[ScenarioFile]:
    """What other installed packages offer, by entry points whose names are those of scenarios."""
    for point in entry_points(group=ENTRY_POINTS):
        try:
            spec = importlib.util.find_spec(point.module)
        except (ImportError, ValueError):
            spec = None
        if spec is None or spec.origin is None:
            raise SearchPathError(
                f"{point.dist.name if point.dist else 'a package'} offers the scenario "
                f"{point.name} as {point.module}, which is not there: install it again"
            )
        yield _offered_file(point.name, Path(spec.origin).resolve())


def _offered_file(name: str, path: Path) -> ScenarioFile:
    package = path.name == "__init__.py"
    return ScenarioFile(name=name, path=path, folder=path.parents[1] if package else path.parent)


def offered(variables: Mapping[str, str]) -> str:
    """What a child is handed on of that, since its environment has not the packages: a variable."""
    files = {file.name: file.path for file in (*_handed_on(variables), *_offered())}
    return os.pathsep.join(f"{name}={path}" for name, path in sorted(files.items()))


def _handed_on(variables: Mapping[str, str]) -> Iterator[ScenarioFile]:
    for part in filter(None, variables.get(OFFERED_VARIABLE, "").split(os.pathsep)):
        name, _, path = part.partition("=")
        yield _offered_file(name, Path(path))


def _within(folder: Path) -> Iterator[ScenarioFile]:
    for module in pkgutil.iter_modules([str(folder)]):
        package = folder / module.name / "__init__.py"
        if not module.name.startswith("_"):
            yield ScenarioFile(
                name=module.name,
                path=package if module.ispkg else folder / f"{module.name}.py",
                folder=folder,
                built_in=folder == built_in.folder(),
            )


def _problem(path: Path) -> str | None:
    """Why ``path`` is no folder to look for scenarios in."""
    if path.is_file():
        return f"which is a file: name the folder that it is in, {path.parent}"
    if not path.exists():
        return "which does not exist"
    if not path.is_dir():
        return "which is no folder"
    if not os.access(path, os.R_OK | os.X_OK):
        return "which may not be read"
    package = path / "__init__.py"
    if package.is_file() and b"\nSCENARIO" in b"\n" + source(package):
        return f"which is a scenario itself: name the folder that it is in, {path.parent}"
    return None


def _counted(files: int) -> str:
    return "1 scenario" if files == 1 else f"{files or 'no'} scenarios"


def _executed(name: str, file: ScenarioFile) -> ModuleType:
    loader = _SourceLoader(name, str(file.path))
    spec = importlib.util.spec_from_file_location(name, file.path, loader=loader)
    if spec is None:
        raise ImportError(f"{file.path} is not Python source")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


class _SourceLoader(SourceFileLoader):
    """Runs what stands in the file. Python's own takes what it once compiled for it.

    That is told by the second of the last change and the size, so a file that was mended at once
    may run as it was before, while its hash is the new one.
    """

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(source(Path(path)), path)


def _why(file: ScenarioFile, error: BaseException) -> str:
    """``images.py, line 3: ModuleNotFoundError: …, in "import torch"``, and what to do."""
    line = source_line(error, file.folder)
    where = str(file.path) if line is None else place(line, Path())
    text = f', in "{line.text}"' if line is not None and line.text else ""
    words = error.msg if isinstance(error, SyntaxError) else str(error)
    reason = f"{type(error).__name__}: {words}" if words else type(error).__name__
    if isinstance(error, SystemExit):
        reason = f"it ends the program (SystemExit: {error.code})"
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    hint = ""
    if missing is not None and missing.startswith(f"{built_in.package()}."):
        hint = f". That package is the harness's own, {built_in.folder()}: rename yours"
    if missing is not None and missing.partition(".")[0] in FRAMEWORKS:
        hint = (
            ". The top level of a scenario imports neither Keras nor a framework, since commands "
            "read it without them: import it inside the method that needs it"
        )
    return f"{where}: {reason}{text}{hint}"
