"""Markdown shows what stands in the record, and nothing of a record becomes markup."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt  # comes with rich

from harness.report import format as fmt
from harness.report.document import Bullet, Document, Section
from harness.report.outputs import markdown
from harness.report.table import Column, Table

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

HOSTILE = [
    "a | b",
    "`code`",
    "<script>alert(1)</script>",
    "<!-- gone",
    "[click](javascript:alert(1))",
    "![](https://example.org/pixel.png)",
    "**bold** _em_ ~~gone~~ $x^2$",
    "# heading",
    "- item",
    "1. item",
    "---",
    "&lt;b&gt;",
    "\\",
    "a\\|b",
    "\\`x`",
    "two\nlines\r\nand\x1b[31m colour",
    "| --- | --- |",
    "</td></tr></table>",
    "trailing \\",
    "https://example.org/a_b_c?d=*e*",
]

hostile_text = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=60),
    st.text(st.sampled_from("\\`*_[]<>|~&$#-+=1.) \nahtps:/w"), max_size=30),
)


def rendered(source):
    """The text that a reader sees, in one line; a tag shows as itself only if it was escaped."""
    inner = re.sub(r"<(?!br\b)[^>]*>", "", PARSER.render(source))
    return " ".join(html.unescape(inner).split())


def visible(text):
    return " ".join(fmt.plain(text).split())


@given(hostile_text)
@example("https://keras.io/keras_rs/examples/basic_ranking/")
def test_a_paragraph_shows_the_text_as_it_is(text):
    shown = visible(text)
    source = markdown.escape(shown)
    assert rendered(source) == shown
    assert set(re.findall(r"<(\w+)", PARSER.render(source))) <= {"p"}


@given(hostile_text)
def test_an_item_of_a_list_shows_the_text_as_it_is(text):
    shown = visible(text)
    source = f"- {markdown.escape(shown)}"
    assert rendered(source) == shown
    assert set(re.findall(r"<(\w+)", PARSER.render(source))) <= {"ul", "li"}


@given(st.lists(hostile_text, min_size=2, max_size=5))
def test_cells_of_a_table_stay_cells(texts):
    shown = [visible(text) for text in texts]
    content = Table(title="", columns=[Column(header=text) for text in shown], rows=[shown, shown])
    tokens = PARSER.parse(markdown.table(content))
    cells = [tokens[i + 1] for i, t in enumerate(tokens) if t.type in {"th_open", "td_open"}]
    assert len(cells) == 3 * len(shown)
    for cell, text in zip(cells, shown * 3, strict=True):
        assert {child.type for child in cell.children or []} <= {"text", "text_special"}
        assert "".join(child.content for child in cell.children or []) == text


def test_lines_of_a_cell_are_broken_and_figures_stand_at_the_right():
    content = Table(
        title="",
        columns=[Column(header="a"), Column(header="b", figures=True)],
        rows=[["x", "1\n2"]],
    )
    assert markdown.table(content) == "| a | b |\n| --- | ---: |\n| x | 1<br>2 |"


@pytest.mark.parametrize("address", ["http://evil.example", "www.evil.example", "ftp://x_/*y*"])
def test_only_plain_https_addresses_are_left_to_become_links(address):
    assert address not in markdown.escape(address)
    assert "https://keras.io/keras_rs/" in markdown.escape("see https://keras.io/keras_rs/.")


def test_commands_are_code_unless_they_would_break_out_of_it():
    assert markdown.code("tox -e jax") == "`tox -e jax`"
    assert rendered(markdown.code("x ` <b>")) == "x ` <b>"


def test_a_whole_document():
    document = Document(
        title="Title",
        lead=["Lead."],
        sections=[
            Section(
                key="any",
                heading="Part",
                paragraphs=["Text."],
                bullets=[Bullet(text="Do it:", command="tox")],
                tables=[Table(title="T", columns=[Column(header="a")], rows=[["1"]])],
            )
        ],
    )
    assert markdown.render(document) == (
        "# Title\n\nLead.\n\n## Part\n\nText.\n\n- Do it: `tox`\n\n**T**\n\n| a |\n| --- |\n| 1 |\n"
    )
