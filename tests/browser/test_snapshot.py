"""What a reader sees of the page of every published folder: its answer, headings and tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
FOLDERS = [
    "reference",
    "reference-again",
    "reference-ladder",
    "reference-sweeps/batch-size",
    "reference-sweeps/embedding-rows",
    "reference-gpu",
]

OUTLINE = """
() => {
  for (const part of document.querySelectorAll("details.part, details.weak")) part.open = true;
  const cells = node => [...node.cells].map(one => one.innerText.trim().replaceAll("\\n", " · "));
  return [...document.querySelectorAll("h1, h2, h3, h4, details.part > summary, " +
      "details.weak > summary, section.answer p, section.answer dd, .weak li, tr")]
    .filter(node => node.innerText.trim())
    .map(node => node.matches("tr")
      ? cells(node).join(" | ")
      : `${node.tagName.toLowerCase()}: ${node.innerText.trim()}`)
    .join("\\n");
}
"""
"""What is seen once the parts are open; the numbers behind a plot or a package stay folded."""


class TextFile(SingleFileSnapshotExtension):
    """As in tests/snapshots."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.mark.parametrize("folder", FOLDERS, ids=[name.replace("/", "-") for name in FOLDERS])
def test_the_page(open_page, monkeypatch, tmp_path, snapshot, folder):
    from harness.cli import app

    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    page = tmp_path / "report.html"
    names = ["--no-titles", "--output", str(tmp_path / "report.md"), "--html", str(page)]
    done = CliRunner().invoke(app, ["report", f"results/{folder}", *names])
    assert done.exit_code == 0, done.output
    seen = open_page(page).page.evaluate(OUTLINE)
    assert f"{seen}\n" == snapshot.use_extension(TextFile)
