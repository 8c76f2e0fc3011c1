"""Hostile records in a real browser: nothing of theirs runs, and nothing is fetched."""

from __future__ import annotations

import msgspec
import pytest

HOSTILE = [
    "</script><script>document.title='ran'</script>",
    "<img src=x onerror=\"document.title='ran'\">",
    "<svg onload=\"document.title='ran'\"></svg>",
    "<a href=\"javascript:document.title='ran'\">click</a>",
    "{{constructor.constructor('document.title=1')()}}",
    '"><iframe src=https://evil.example></iframe>',
    "<style>@import 'https://evil.example/x.css'</style>",
]


@pytest.mark.parametrize("evil", HOSTILE)
def test_nothing_of_a_hostile_record_runs(open_page, expect, write_report, tmp_path, evil):
    from tests.report.made_up import campaign, failed

    def poisoned(record):
        environment = msgspec.structs.replace(
            record.environment,
            hostname=evil,
            os=evil,
            python=evil,
            cpu=msgspec.structs.replace(record.environment.cpu, model=evil),
            packages={**record.environment.packages, evil: evil},
            variables={evil: evil},
        )
        cell = msgspec.structs.replace(
            record.cell, settings={**record.cell.settings, evil: evil, "optimizer": evil}
        )
        return msgspec.structs.replace(
            record, cell=cell, environment=environment, campaign=evil, engine={evil: evil}
        )

    records = [poisoned(record) for record in campaign(rounds=4, epochs=4)]
    records[0] = failed(records[0], reason=evil, tail=evil)
    opened = open_page(write_report(tmp_path, records))
    title = opened.page.title()
    opened.page.locator("#trials > summary").click()
    opened.page.locator("#trials").get_by_label("Filter").fill("jax")
    opened.page.locator("#trials tbody button").first.click()
    expect(opened.page.get_by_role("dialog")).to_be_visible()
    for summary in opened.page.locator("main > section summary").all():
        summary.dispatch_event("click")
    assert opened.page.title() == title == "Keras backends, measured"
    assert opened.complaints == []
    assert len(opened.requests) == 1
    assert opened.page.locator("iframe, img, main style").count() == 0
    assert opened.page.locator("script").count() == 2
