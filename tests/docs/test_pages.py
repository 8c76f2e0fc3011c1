"""What the pages promise about themselves: how long they are, and facts that have another home."""

from __future__ import annotations

import re
import tomllib

import pytest

from harness.backends import FACTS
from tests.docs.pages import PAGES, ROOT, read


@pytest.mark.parametrize(("page", "words"), [("README.md", 900), ("docs/method.md", 1_500)])
def test_a_page_that_everybody_reads_is_short(page, words):
    assert len(read(page).split()) < words  # as `wc -w` counts


def test_the_versions_are_those_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    needed = [each for name in ("jax", "tf", "torch") for each in extras[name]]
    lowest = dict(re.findall(r"^(\w+)(?:-cpu)?>=([\d.]+)", "\n".join(needed), re.MULTILINE))
    shown = dict(re.findall(r"^\| (\w+) \| ([\d.]+) \|$", read("docs/faq.md"), re.MULTILINE))
    assert shown == {"keras": lowest["keras"]} | {backend: lowest[backend] for backend in FACTS}
    for python in re.findall(r'Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text("utf-8")):
        assert python in read("docs/faq.md")


def test_the_action_is_described_as_it_is():
    from ruamel.yaml import YAML

    inputs = YAML(typ="safe").load(ROOT / "action.yml")["inputs"]
    rows = re.findall(r"^\| (`[^|]*) \| [^|]* \| ([^|]*) \|$", read("docs/ci.md"), re.MULTILINE)
    shown = {name: default for names, default in rows for name in re.findall(r"`([\w-]+)`", names)}
    assert set(shown) == set(inputs)
    for name, about in inputs.items():
        if about.get("default"):
            assert about["default"] in shown[name]


def test_a_word_of_the_list_has_a_plainer_one():
    words = (ROOT / "docs" / "words.txt").read_text(encoding="utf-8").splitlines()
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    seen = re.compile(settings["codespell"]["regex"])
    for word, _, instead in (line.partition("->") for line in words):
        assert instead.strip()
        assert seen.fullmatch(word), f"{word} is not looked for: name it in [tool.codespell]"


def test_the_terms_of_the_glossary_are_ordered_as_they_depend_and_named_once():
    terms = re.findall(r"^\| ([a-z][a-z -]+) \|", read("docs/glossary.md"), re.MULTILINE)
    terms = [term for term in terms if term != "word"]
    assert len(terms) == len(set(terms)) > 20


def test_every_page_is_in_the_navigation():
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in PAGES:
        if page.startswith("docs/"):
            assert page.removeprefix("docs/") in nav
