"""Makes one site of what GitHub shows as files: a hook of MkDocs, for `tox -e docs`.

On GitHub a page may link to any file of the repository. The site has docs/ alone, so whatever a
page links to elsewhere is added: a Markdown file as a page, source as a page that shows it, and
anything else as it is. README.md is the first page. Each link is rewritten to where its target is
in the site.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[1]
DOCS = "docs"
HOME = "README.md"
PROJECT = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "results/README.md")
"""In the navigation, whether or not a page links to them."""

SHIM = "https://unpkg.com/iframe-worker/shim"
"""With it the search works in pages opened from a disk; the theme's plugin `offline` names it."""

CODE = re.compile(r"(^|\n)(?P<fence> *(?:```+|~~~+)).*?\n(?P=fence)|`[^`\n]+`", re.DOTALL)
LINK = re.compile(r"(\]\()(?!\w+:|#)([^)#\s]+)(#[^)\s]*)?(\))")
ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):(?=<code>)")
SOURCE = {".py": "python", ".toml": "toml", ".ini": "ini", ".yml": "yaml", "": "text"}
"""Shown as a page, by suffix, in the language of its highlighting."""


def place(path: str) -> str:
    """Where a file of the repository is in the site, both relative to their roots."""
    if path == HOME:
        return "index.md"
    if Path(path).suffix in SOURCE and (ROOT / path).is_file():
        return f"source/{path}.md"
    inside = path.removeprefix(f"{DOCS}/")
    return inside if inside != path else f"project/{path}"


def target(page: str, link: str) -> str:
    """The file of the repository that ``link`` of ``page`` leads to; of a folder its README.md."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(link)))
    return f"{path}/README.md" if (ROOT / path).is_dir() else path


def links(text: str) -> Iterator[re.Match[str]]:
    """The relative links of a Markdown text, without those in code."""
    code = [match.span() for match in CODE.finditer(text)]
    for match in LINK.finditer(text):
        if not any(begin <= match.start() < end for begin, end in code):
            yield match


def rewritten(text: str, page: str) -> str:
    """``text`` of the file ``page`` with its links as they have to be in the site."""
    here = posixpath.dirname(place(page))
    made, end = [], 0
    for match in links(text):
        there = posixpath.relpath(place(target(page, match[2])), here or ".")
        made += [text[end : match.start()], match[1], there, match[3] or "", match[4]]
        end = match.end()
    return "".join([*made, text[end:]])


def files() -> dict[str, str]:
    """Every file of the site that a page leads to, by its place: the file of the repository."""
    found: dict[str, str] = {}
    pages = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / DOCS).rglob("*.md"))
    waiting = [HOME, *PROJECT, *pages]
    while waiting:
        path = waiting.pop()
        if place(path) in found or not (ROOT / path).is_file():
            continue  # a link that leads nowhere is left to MkDocs, which says so
        found[place(path)] = path
        if path.endswith(".md"):
            text = (ROOT / path).read_text(encoding="utf-8")
            waiting += [target(path, match[2]) for match in links(text)]
    return found


def on_files(listed: Any, config: Any, **_: Any) -> Any:
    """Add what is not in docs/."""
    from mkdocs.structure.files import File, InclusionLevel

    config.extra["repository"] = files()
    in_navigation = {"index.md", *(f"project/{name}" for name in PROJECT)}
    for there, path in config.extra["repository"].items():
        if there.startswith("source/"):
            text = (ROOT / path).read_text(encoding="utf-8")
            language = SOURCE[Path(path).suffix]
            no_search = "---\nsearch:\n  exclude: true\n---\n"
            shown = f"{no_search}# {Path(path).name}\n\n`{path}`\n\n````{language}\n{text}````\n"
            made = File.generated(config, there, content=shown)
        elif listed.get_file_from_path(there):
            continue
        else:
            made = File.generated(config, there, abs_src_path=str(ROOT / path))
        if there not in in_navigation:
            made.inclusion = InclusionLevel.NOT_IN_NAV
        listed.append(made)
    return listed


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Rewrite the links of a page."""
    path = config.extra["repository"].get(page.file.src_uri)
    is_source = page.file.src_uri.startswith("source/")
    return markdown if path is None or is_source else rewritten(markdown, path)


def on_page_content(html: str, **_: Any) -> str:
    """Show Sphinx' roles in docstrings, such as ``:func:`name```, as code alone."""
    return ROLE.sub("", html)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Load from the site what the theme would load from elsewhere."""
    here = posixpath.dirname(page.file.dest_uri)
    return output.replace(SHIM, posixpath.relpath("assets/iframe-worker.js", here or "."))


def on_post_build(config: Any, **_: Any) -> None:
    """Look through the pages as they were built; with ``--strict`` a fault ends the build."""
    import logging

    for fault in faults(Path(config.site_dir)):
        logging.getLogger("mkdocs.hooks.repository").warning(fault)


class _Page(HTMLParser):
    """What a built page leads to, loads, and can be led to."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.leads_to: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value is not None}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.leads_to.append(given["href"])
        if tag == "link" and "href" in given and given.get("rel") != "canonical":
            self.loads.append(given["href"])
        if "src" in given:
            self.loads.append(given["src"])


def faults(site: Path) -> list[str]:
    """Links of built pages that lead nowhere, and what a page loads from elsewhere."""
    pages: dict[Path, _Page] = {}
    for file in sorted(site.rglob("*.html")):
        pages[file.resolve()] = read = _Page()
        read.feed(file.read_text(encoding="utf-8"))
    found = []
    for file, read in pages.items():
        name = file.relative_to(site.resolve()).as_posix()
        if name == "404.html" or name.endswith("report.html"):
            continue  # of the first all links are absolute; the others are outputs of the harness
        for link in (*read.leads_to, *read.loads):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in read.loads and parts.scheme != "data":
                    found.append(f"{name} loads {link} from elsewhere")
                continue
            there = (
                Path(os.path.normpath(file.parent / unquote(parts.path))) if parts.path else file
            )
            if not there.is_file():
                found.append(f"{name} leads to {link}, which is not there")
            elif parts.fragment and there in pages and not _known(pages[there], parts.fragment):
                found.append(f"{name} leads to {link}, which has no such heading")
    return found


def _known(page: _Page, fragment: str) -> bool:
    return unquote(fragment) in page.anchors or fragment == "__skip"
