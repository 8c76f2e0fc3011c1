"""The README shows what was measured: its table is that of the published example."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REPORT = (ROOT / "results" / "reference" / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_the_results_of_the_readme_are_those_of_the_published_example(backend):
    (shown,) = re.findall(rf"^\| {backend} \| (\d.*) \|$", README, re.MULTILINE)
    assert f"| {backend} | cpu | {shown} |" in REPORT


def test_the_answer_of_the_readme_is_that_of_the_published_example():
    (answer,) = re.findall(r"^> (.*)$", README, re.MULTILINE)
    assert answer == REPORT.split("\n\n")[1]


@pytest.mark.parametrize("pair", ["jax / tensorflow", "jax / torch", "tensorflow / torch"])
def test_the_verdicts_of_the_readme_are_those_of_the_published_example(pair):
    (row,) = re.findall(rf"^\| {pair} \| (.*) \|$", README, re.MULTILINE)
    ratio, low, high = (float(x) for x in re.findall(r"\d\.\d+", row))
    verdict = row.split(" | ")[1]
    in_report = rf"^\| {pair} \| cpu \| [^|]*\| ([^|]*×[^|]*) \| (\w+) \|"
    (measured,) = re.findall(in_report, REPORT, re.MULTILINE)
    numbers = [float(x) for x in re.findall(r"\d\.\d+", measured[0])]
    assert [round(x, 3) for x in numbers] == pytest.approx([ratio, low, high], abs=6e-4)
    assert verdict == f"{pair.split(' / ')[0]} is {measured[1]}"


def test_every_file_that_the_readme_links_to_is_there():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert len(links) > 5
    for link in links:
        assert (ROOT / link).exists(), link
