"""A real Chromium without a network, and pages to open in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

SHOTS = Path(os.environ.get("HARNESS_SCREENSHOTS", ".tox/screenshots")).absolute()
"""Where screenshots are kept, to be looked at; git ignores it."""

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium(started_with: Mapping[str, str]) -> Iterator[object]:
    """The system's Chromium, started once."""
    playwright = pytest.importorskip("playwright.sync_api", reason="tox -e browser brings it")
    path = started_with.get("HARNESS_CHROMIUM") or shutil.which("chromium")
    if path is None and started_with.get("CI"):
        pytest.fail("CI has no chromium; .ci/run installs it")
    if path is None:
        pytest.skip("there is no chromium here: apt-get install chromium, or set HARNESS_CHROMIUM")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Opened:
    """A page with everything that it complained about or asked the network for."""

    def __init__(self, context, path: Path) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page = context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.absolute().as_uri())


@pytest.fixture
def open_page(chromium) -> Iterator[Callable[..., Opened]]:
    """Open a file; ``width``, ``theme`` and ``scripts`` as a reader may have them."""
    contexts = []

    def open_it(path: Path, *, width: int = 1440, theme: str = "light", scripts: bool = True):
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            java_script_enabled=scripts,
        )
        contexts.append(context)
        return Opened(context, path)

    yield open_it
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def write_report() -> Callable[..., Path]:
    """Write records and run ``harness report`` on them, as a user would."""
    pytest.importorskip("altair", reason="the page needs the packages of tox -e report")
    from typer.testing import CliRunner

    from harness.cli import app
    from tests.report.folders import operations, write

    def make(folder: Path, records, *options: str) -> Path:
        operations(write(folder, records))
        done = CliRunner().invoke(app, ["report", str(folder), "--no-titles", *options])
        assert done.exit_code == 0, done.output
        return folder / "report.html"

    return make


@pytest.fixture(scope="session")
def report(write_report, tmp_path_factory) -> Path:
    """The page of a campaign of ten rounds in which one trial failed."""
    from tests.report.made_up import campaign, failed

    records = list(campaign(rounds=10))
    records[5] = failed(records[5], tail="Traceback\nMemoryError")
    return write_report(tmp_path_factory.mktemp("report"), records)


@pytest.fixture(scope="session")
def expect() -> Callable[..., Any]:
    """Playwright's assertions, for what follows an action: they wait until the page shows it.

    A browser tells of a new fragment, a fold or a closed dialog in a task of its own, after the
    click has returned; on a busy machine that is later than the next line of a test.
    """
    from playwright.sync_api import expect

    expect.set_options(timeout=30_000)
    return expect


@pytest.fixture
def screenshot() -> Callable[[Opened, str], Path]:
    """Keep a picture of a whole page under a name."""

    def keep(opened: Opened, name: str) -> Path:
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / f"{name}.png"
        opened.page.screenshot(path=path, full_page=True)
        return path

    return keep
