"""The README shows what was measured, and no link of a page is broken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REPORT = (ROOT / "results" / "reference" / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_the_results_of_the_readme_are_those_of_the_published_example(backend):
    (shown,) = re.findall(rf"^\| {backend} \| \d.* \|$", README, re.MULTILINE)
    assert shown in REPORT.splitlines()


def test_the_answer_of_the_readme_is_that_of_the_published_example():
    (answer,) = re.findall(r"^> (.*)$", README, re.MULTILINE)
    assert answer == REPORT.split("\n\n")[1]


@pytest.mark.parametrize("pair", ["tensorflow / jax", "torch / jax", "torch / tensorflow"])
def test_the_verdicts_of_the_readme_are_those_of_the_published_example(pair):
    (row,) = re.findall(rf"^\| {pair} \| (.*) \|$", README, re.MULTILINE)
    ratio, low, high = (float(x) for x in re.findall(r"\d\.\d+", row))
    verdict = row.split(" | ")[1]
    in_report = rf"^\| {pair} \| ([^|]*×[^|]*) \| (\w+) \|"
    (measured,) = re.findall(in_report, REPORT, re.MULTILINE)
    numbers = [float(x) for x in re.findall(r"\d\.\d+", measured[0])]
    assert [round(x, 3) for x in numbers] == pytest.approx([ratio, low, high], abs=6e-4)
    assert verdict == f"{pair.split(' / ')[0]} is {measured[1]}"


def test_the_answer_leads_and_is_that_of_the_table():
    lead = " ".join(README.splitlines()[:5])
    for pair, other in (("tensorflow / jax", "TensorFlow"), ("torch / jax", "PyTorch")):
        (ratio,) = re.findall(rf"^\| {pair} \| (\d\.\d+) ", README, re.MULTILINE)
        (shown,) = re.findall(rf"(\d\.\d+) times as long with {other}", lead)
        assert float(shown) == pytest.approx(float(ratio), abs=0.0051)


PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "studies/**/*.md", "results/README.md")
    for path in ROOT.glob(pattern)
)


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    for link, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)]+))?\)", text):
        there = (ROOT / page).parent / link if link else ROOT / page
        assert there.exists(), link
        assert not anchor or anchor in anchors(there), f"{link}#{anchor}"
