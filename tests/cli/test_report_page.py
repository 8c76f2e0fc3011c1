"""``harness report``: the page, the plots and the history that it writes."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from harness.cli import pages
from harness.cli.report import report
from harness.errors import ExitCode, UnavailableError
from tests.report.folders import write
from tests.report.made_up import BEGAN, campaign

drawing = pytest.mark.skipif(
    pages.lacking() is not None, reason="the page needs the packages of tox -e report"
)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run the command with no prepared table on the machine."""
    app = typer.Typer()
    app.command()(report)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "results", campaign(rounds=4, epochs=6))


@drawing
def test_the_page_stands_in_the_folder_and_it_is_said(run, folder):
    result = run(folder)
    assert result.exit_code == ExitCode.OK
    assert f"HTML: {folder / 'report.html'}" in result.stdout
    assert (folder / "report.html").read_text().startswith("<!DOCTYPE html>")


@drawing
def test_the_page_goes_where_it_is_asked_to(run, folder, tmp_path):
    run(folder, "--html", tmp_path / "deep/er/page.html")
    assert (tmp_path / "deep/er/page.html").exists()
    assert not (folder / "report.html").exists()


@drawing
def test_a_page_that_cannot_be_written_is_an_error_that_names_the_option(run, folder, tmp_path):
    (tmp_path / "file").write_text("")
    error = run(folder, "--html", tmp_path / "file/page.html").exception
    assert isinstance(error, UnavailableError)
    assert "--html" in str(error)


@drawing
def test_plots_are_written_as_svg_and_png(run, folder, tmp_path):
    result = run(folder, "--plots", tmp_path / "plots")
    assert result.exit_code == ExitCode.OK
    names = {path.name for path in (tmp_path / "plots").iterdir()}
    assert {"step-time.svg", "step-time.png", "memory.svg"} <= names


@drawing
def test_the_history_of_a_folder_of_campaigns(run, tmp_path):
    for month in (1, 2):
        began = BEGAN.replace(month=month)
        write(
            tmp_path / f"all/m{month}",
            campaign(rounds=4, epochs=6, run_id=f"r{month}", began=began),
        )
    result = run(tmp_path / "all", "--history")
    assert result.exit_code == ExitCode.OK
    assert "Nothing moved: 3 cells over 2 campaigns" in result.stdout
    assert (tmp_path / "all/history.md").exists()
    assert "Step time by campaign" in (tmp_path / "all/history.html").read_text()


class TestWithoutTheDrawingPackages:
    """As in the environments that train."""

    @pytest.fixture(autouse=True)
    def no_altair(self, monkeypatch):
        monkeypatch.setattr(pages, "NEEDED", {"no_such_module": "altair"})

    def test_table_and_markdown_are_made_and_one_line_says_which_environment_makes_the_page(
        self, run, folder
    ):
        result = run(folder)
        assert result.exit_code == ExitCode.OK
        assert (folder / "report.md").exists()
        assert not (folder / "report.html").exists()
        assert "HTML: not made, since altair is not installed here; tox -e report" in result.stdout

    def test_plots_that_were_asked_for_are_an_error(self, run, folder, tmp_path):
        error = run(folder, "--plots", tmp_path / "plots").exception
        assert isinstance(error, UnavailableError)
        assert "tox -e report" in str(error)

    def test_the_history_has_its_markdown(self, run, folder):
        result = run(folder, "--history")
        assert result.exit_code == ExitCode.OK
        assert (folder / "history.md").exists()
        assert "tox -e report" in result.stdout
