"""Records come from anybody's pull request: nothing in them can run or change the page."""

from __future__ import annotations

import json
import random
import re

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.records.trial import Record
from harness.report.html import embed, svg
from tests.report.elements import Elements
from tests.report.made_up import campaign, failed

HOSTILE = [
    "</script><script>document.title='ran'</script>",
    "<img src=x onerror=\"document.title='ran'\">",
    "<svg/onload=document.title='ran'>",
    "\"><b onmouseover=document.title='ran'>",
    "' autofocus onfocus='document.title=1",
    "javascript:document.title='ran'",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "{% for x in ().__class__.__mro__ %}",
    "<!--<script>",
    "]]><![CDATA[",
    "</style><style>*{display:none}",
    "</title><base href=https://evil.example>",
    "&lt;script&gt;",
    "\u2028\u2029\u202e\x00\x1b[2J",
    "datum.x); fetch('https://evil.example'",
]


FIXED = {"status", "backend", "device", "mode", "init", "phase", "kind", "direction"}
"""Fields whose values the schema enumerates: a record with any other is no record."""

GROUPING = dict.fromkeys(["started_at", "machine_id", "run_id"], HOSTILE[0]) | {
    "scenario": "' autofocus onfocus='document.title=1 {{7+7}}&lt;script&gt;]].py"
}
"""Poisoned alike everywhere, so that the trials still belong together.

The schema takes no scenario with an angle bracket: this is the worst name that a script can have.
"""


def poisoned(value, evil, *, free=False):
    """``value`` with every text in it, and every key that is free, replaced by hostile ones."""
    if isinstance(value, str):
        return evil.choice(HOSTILE)
    if isinstance(value, list):
        return [poisoned(one, evil) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        evil.choice(HOSTILE) if free else key: one
        if key in FIXED
        else GROUPING[key]
        if key in GROUPING and one
        else poisoned(one, evil, free=key in {"settings", "engine", "packages", "variables"})
        for key, one in value.items()
    }


@pytest.fixture
def hostile_records():
    records = list(campaign(rounds=5, epochs=8))
    records[3] = failed(records[3])
    return [
        # The same seed for all of a backend: equal cells, in rounds that stay interleaved.
        msgspec.convert(
            poisoned(msgspec.to_builtins(record), random.Random(record.cell.backend)),  # noqa: S311 - made-up texts
            Record,
        )
        for record in records
    ]


def test_hostile_texts_in_every_field_add_no_element_and_no_attribute(page, hostile_records):
    made = page(hostile_records, [(text, text) for text in HOSTILE])
    found = Elements(made)
    assert found.tags.count("script") == 2
    assert found.tags.count("style") == 1
    assert not {"img", "iframe", "base", "b", "link", "object"} & set(found.tags)
    assert found.loading == []
    assert "{{7*7}}" in made
    assert "{% for x in" in made


@given(
    st.recursive(
        st.text() | st.sampled_from(HOSTILE), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_data_for_the_script_cannot_end_its_block_and_is_read_back_unchanged(content):
    block = str(embed.json_block(content))
    assert not re.search(r"[<>&\u2028\u2029]", block)
    assert json.loads(block) == content


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(evil=st.text(min_size=1, max_size=60) | st.sampled_from(HOSTILE))
def test_a_text_of_any_kind_adds_no_element(page, evil):
    def elements(text):
        (one,) = campaign(rounds=1, epochs=4, backends=("jax",), campaign=text)
        lost = failed(one, reason=text, tail=f"{text} ")
        return Elements(page([msgspec.structs.replace(lost, engine={text: text})]))

    assert elements(evil).tags == elements("harmless").tags
    assert elements(evil).loading == []


class TestDrawings:
    def test_only_shapes_and_texts_pass(self):
        drawing = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" onload="x()">'
            '<script>x()</script><foreignObject/><image href="https://evil.example"/>'
            '<a href="javascript:x()"><text>hidden</text></a>'
            '<g class="role-mark" style="x" fill="url(https://evil.example)">'
            '<path role="graphics-symbol" aria-label="&lt;b&gt;" d="M0.123456,1" onclick="x()"/>'
            "</g></svg>"
        )
        made = str(svg.inline(drawing, 'what it "shows"', prefix="p-"))
        assert "script" not in made
        assert "evil" not in made
        assert "javascript" not in made
        assert not re.search(r"\bon\w+=|style=", made)
        assert "<title>&lt;b&gt;</title>" in made
        assert 'd="M0.1,1"' in made

    def test_ids_are_the_drawings_own(self):
        drawing = (
            '<svg xmlns="http://www.w3.org/2000/svg"><defs><clipPath id="c0"/></defs>'
            '<g clip-path="url(#c0)"/></svg>'
        )
        made = str(svg.inline(drawing, "x", prefix="drift-680-"))
        assert 'id="drift-680-c0"' in made
        assert 'clip-path="url(#drift-680-c0)"' in made


def test_our_own_files_do_not_end_their_element():
    with pytest.raises(ValueError, match="would end it"):
        embed.trusted("x = '</script>'")
