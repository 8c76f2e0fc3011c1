"""Results in the formats of other tools; one module per format, imported only when it is asked for.

A format's module has ``write(study, path)``, which writes the file and returns what a user should
know about it beyond :func:`.content.warnings`, a sentence each. Figures are the raw floats of the
records and of :mod:`harness.analysis.rows`; nothing is rounded on the way out.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.errors import HarnessError, UnavailableError

if TYPE_CHECKING:
    from harness.analysis.study import Study

ALL = "all"
"""In place of a format: every one whose packages are installed, each under its usual name."""


class Format(NamedTuple):
    """A format of another tool.

    ``file`` is its usual name, ``package`` what must be installed to write it, from the optional
    dependencies called ``extra``; ``None`` for formats that need nothing more.
    """

    module: str
    file: str
    summary: str
    package: str | None = None
    extra: str | None = None


FORMATS = {
    "pytest-benchmark": Format(
        "pytest_benchmark", "pytest-benchmark.json", "step times, for `pytest-benchmark compare`"
    ),
    "parquet": Format(
        "parquet", "samples.parquet", "every epoch of every trial", "polars", "report"
    ),
    "csv": Format("comma_separated", "samples.csv", "the same as text", "polars", "report"),
    "github-action-benchmark": Format(
        "github_action", "github-action-benchmark.json", "its customSmallerIsBetter"
    ),
    "bencher": Format("bencher", "bencher.json", "Bencher Metric Format (BMF)"),
    "mlflow": Format(
        "mlflow_runs", "mlflow.db", "a run for each trial, in a SQLite store", "mlflow", "mlflow"
    ),
}
"""The formats by the names that a user gives."""


class UnknownFormatError(HarnessError):
    """There is no format of that name."""


class Written(NamedTuple):
    """What an export left: ``said`` are sentences on what it holds or cannot hold.

    ``path`` is ``None`` for a format that was left out.
    """

    format: str
    path: Path | None
    said: list[str]


def check(name: str) -> None:
    """Make sure that ``name`` is a format, or :data:`ALL`.

    Raises:
        UnknownFormatError: if it is none; the message names the nearest and lists all.
    """
    from harness.words import unknown

    if name not in FORMATS and name != ALL:
        raise UnknownFormatError(unknown("format", name, [*FORMATS, ALL]))


def export(name: str, study: Study, output: Path) -> list[Written]:
    """Write ``study`` in the format ``name`` to the file ``output``.

    For :data:`ALL`, ``output`` is a folder, and formats whose package is missing are left out.

    Raises:
        UnknownFormatError: if there is no such format.
        UnavailableError: if its package is not installed, if there is no record, or if ``output``
            cannot be written.
    """
    check(name)
    if not study.records:
        raise UnavailableError(
            "there is no record to export. Name a folder that holds some, or make some: "
            "`harness run ranking` writes them to results/local"
        )
    if name == ALL:
        return [_or_left_out(one, study, output / FORMATS[one].file) for one in FORMATS]
    return [_write(name, study, output)]


def _or_left_out(name: str, study: Study, path: Path) -> Written:
    lack = _lack(name)
    return Written(name, None, [lack]) if lack else _write(name, study, path)


def _write(name: str, study: Study, path: Path) -> Written:
    lack = _lack(name)
    if lack:
        raise UnavailableError(lack)
    module = importlib.import_module(f"{__name__}.{FORMATS[name].module}")
    try:
        return Written(name, path, module.write(study, path))
    except OSError as error:
        raise UnavailableError(
            f"the export cannot be written to {path}: {error.strerror or error}. "
            "Name another place with --output"
        ) from None


def _lack(name: str) -> str | None:
    """Why the format cannot be written here, and what to do; ``None`` if it can."""
    package, extra = FORMATS[name].package, FORMATS[name].extra
    if package is None:
        return None
    try:
        importlib.import_module(package)
    except ImportError:
        return (
            f"the format {name} needs the package {package}, which is not installed. "
            f"Install it with: pip install 'keras-backend-harness[{extra}]'"
        )
    return None
