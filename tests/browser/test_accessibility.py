"""axe-core finds no violation of level A or AA; its rules are those of WCAG 2.2."""

from __future__ import annotations

import pytest

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="tox -e browser")

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(opened):
    found = axe.Axe().run(opened.page, options={"runOnly": {"type": "tag", "values": LEVELS}})
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_page(open_page, report, width, theme):
    opened = open_page(report, width=width, theme=theme)
    assert violations(opened) == []
    opened.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    opened.page.evaluate("document.querySelectorAll('.plots').forEach(p => { p.hidden = false; })")
    assert violations(opened) == []


def test_a_trial_that_was_opened(open_page, expect, report, screenshot):
    opened = open_page(report)
    opened.page.locator("#trials > summary").click()
    opened.page.locator("#trials tbody button").first.click()
    expect(opened.page.get_by_role("dialog")).to_be_visible()
    screenshot(opened, "trial")
    assert violations(opened) == []


def test_the_history(open_page, tmp_path, screenshot):
    import datetime as dt

    from typer.testing import CliRunner

    from harness.cli import app
    from tests.report.folders import write
    from tests.report.made_up import BEGAN, campaign

    for month, slower in enumerate((1.0, 1.0, 1.2)):
        began = BEGAN + dt.timedelta(days=30 * month)
        records = campaign(
            rounds=8, run_id=f"run-{month}", began=began, slower={"torch": slower}, epochs=8
        )
        write(tmp_path / f"month-{month}", records)
    done = CliRunner().invoke(app, ["report", str(tmp_path), "--history"])
    assert done.exit_code == 0, done.output
    for width in (390, 1440):
        opened = open_page(tmp_path / "history.html", width=width)
        screenshot(opened, f"history-{width}")
        assert violations(opened) == []
        assert opened.complaints == []
    assert "slower" in opened.page.locator("main").inner_text()
