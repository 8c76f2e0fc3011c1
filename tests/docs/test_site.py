"""The site has what GitHub shows: every file that a page links to, by links that lead there."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import pytest

from tests.docs.pages import ROOT


@pytest.fixture(scope="module")
def hook():
    """The hook of MkDocs, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("hook", ROOT / "docs" / "hook.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("README.md", "index.md"),
        ("docs/method.md", "method.md"),
        ("docs/studies/README.md", "studies/README.md"),
        ("CONTRIBUTING.md", "project/CONTRIBUTING.md"),
        ("results/reference/report.html", "project/results/reference/report.html"),
        ("harness/scenario.py", "source/harness/scenario.py.md"),
        ("LICENSE", "source/LICENSE.md"),
    ],
)
def test_each_file_has_its_place(hook, path, there):
    assert hook.place(path) == there


@pytest.mark.parametrize(
    ("page", "written", "in_the_site"),
    [
        ("README.md", "[a](docs/method.md#the-ladder)", "[a](method.md#the-ladder)"),
        ("docs/method.md", "[a](../README.md)", "[a](index.md)"),
        ("docs/studies/clocks.md", "[a](../method.md)", "[a](../method.md)"),
        (
            "docs/modes.md",
            "[a](../scenarios/ranking/work.py)",
            "[a](source/scenarios/ranking/work.py.md)",
        ),
        ("docs/studies/README.md", "[a](../../studies)", "[a](../project/studies/README.md)"),
        ("README.md", "![a](docs/assets/how-it-works.svg)", "![a](assets/how-it-works.svg)"),
        ("README.md", "[a](https://keras.io/x.md)", "[a](https://keras.io/x.md)"),
        ("docs/api.md", "[a](#the-package)", "[a](#the-package)"),
        ("README.md", "`[a](docs/method.md)`", "`[a](docs/method.md)`"),
        ("README.md", "```\n[a](docs/method.md)\n```\n", "```\n[a](docs/method.md)\n```\n"),
    ],
)
def test_a_link_leads_to_the_same_file_in_the_site(hook, page, written, in_the_site):
    assert hook.rewritten(written, page) == in_the_site


def test_all_that_pages_link_to_is_in_the_site(hook):
    files = hook.files()
    assert files["index.md"] == "README.md"
    assert {"source/docs/upstream/nadam_beta_2.py.md", "project/results/README.md"} <= set(files)


BAD = {
    '<a href="missing.html">': "leads to missing.html, which is not there",
    '<a href="other.html#nowhere">': "leads to other.html#nowhere, which has no such heading",
    '<script src="https://a.example/b.js">': "loads https://a.example/b.js from elsewhere",
    '<link rel="stylesheet" href="//a.example/c.css">': "loads //a.example/c.css from elsewhere",
}


@pytest.mark.parametrize("element", BAD)
def test_a_fault_of_a_built_page_is_named(hook, tmp_path, element):
    (tmp_path / "other.html").write_text('<h1 id="here"></h1>', encoding="utf-8")
    good = '<a href="other.html#here"></a><a href="https://keras.io"></a>'
    (tmp_path / "index.html").write_text(good, encoding="utf-8")
    assert hook.faults(tmp_path) == []
    (tmp_path / "index.html").write_text(good + element, encoding="utf-8")
    assert hook.faults(tmp_path) == [f"index.html {BAD[element]}"]


def test_the_search_loads_its_script_from_the_site(hook):
    page = SimpleNamespace(file=SimpleNamespace(dest_uri="studies/clocks.html"))
    loaded = hook.on_post_page(f'<script src="{hook.SHIM}">', page)
    assert loaded == '<script src="../assets/iframe-worker.js">'
    assert (ROOT / "docs" / "assets" / "iframe-worker.js").exists()


def test_a_role_of_sphinx_is_shown_as_code(hook):
    assert hook.on_page_content("see :func:<code>load</code>") == "see <code>load</code>"
