"""What a reader can do with the page, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def unfolded(opened, part="trials"):
    """The page with a folded part open, as a reader opens it."""
    opened.page.locator(f"#{part} > summary").click()
    return opened


class TestFirstScreen:
    def test_answers_the_readers_questions_without_scrolling(self, open_page, report):
        opened = open_page(report)
        heading = opened.page.locator("h1")
        assert "JAX is fastest here" in heading.inner_text()
        assert "× PyTorch (" in heading.inner_text()
        for question in (
            "Do they learn the same?",
            "Can I believe it?",
            "What does it cost?",
            "What was compared?",
            "What next?",
            "Caveats: ",
        ):
            box = opened.page.get_by_text(question).first.bounding_box()
            assert box["y"] + box["height"] < 900

    def test_on_a_phone_the_verdict_and_every_backend_beside_the_fastest(self, open_page, report):
        opened = open_page(report, width=390)
        assert opened.page.locator("h1").bounding_box()["y"] < 200
        for question in ("Do they learn the same?", "Can I believe it?", "What next?"):
            box = opened.page.get_by_text(question).first.bounding_box()
            assert box["y"] + box["height"] < 844
        shown = opened.page.locator(".standings td.relative")
        assert shown.count() == 3
        for i in range(3):
            box = shown.nth(i).bounding_box()
            assert box["x"] + box["width"] <= 390
            assert box["y"] + box["height"] < 700
        assert re.match(r"1\.00", shown.first.inner_text())
        assert re.match(r"\d\.\d+ ± 0\.\d+", shown.last.inner_text())

    def test_caveats_are_counts_until_they_are_unfolded(self, open_page, expect, report):
        opened = open_page(report)
        weak = opened.page.locator(".weak")
        assert "1 of 30 failed" in weak.locator("summary").inner_text()
        assert not weak.locator("li").first.is_visible()
        weak.locator("summary").click()
        expect(weak.locator("li").first).to_be_visible()

    @pytest.mark.parametrize("width", [390, 1440])
    def test_nothing_is_wider_than_the_screen(self, open_page, report, width):
        opened = open_page(report, width=width)
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_opens_without_a_complaint_and_without_a_request(
    open_page, report, screenshot, width, theme
):
    opened = open_page(report, width=width, theme=theme)
    screenshot(opened, f"report-{width}-{theme}")
    assert opened.complaints == []
    assert opened.requests == [report.absolute().as_uri()]


@pytest.mark.parametrize(("folder", "most"), [("reference", 1_606), ("reference-ladder", 3_562)])
def test_published_pages_have_half_the_words_that_they_had(open_page, tmp_path, folder, most):
    """3,213 and 7,125 before; what is folded is a click away and does not count."""
    from typer.testing import CliRunner

    from harness.cli import app

    page = tmp_path / "report.html"
    names = ["--no-titles", "--output", str(tmp_path / "report.md"), "--html", str(page)]
    done = CliRunner().invoke(app, ["report", str(ROOT / "results" / folder), *names])
    assert done.exit_code == 0, done.output
    opened = open_page(page)
    assert len(opened.page.locator("body").inner_text().split()) <= most


class TestGlossary:
    def test_a_word_is_explained_by_a_tap_and_without_scripts_too(self, open_page, expect, report):
        opened = open_page(report, width=390, scripts=False)
        opened.page.locator(".facts .term", has_text="round").first.click()
        told = opened.page.locator("#term-round")
        expect(told).to_be_visible()
        expect(told).to_contain_text("One trial of every cell")


class TestChooser:
    def test_shows_one_group_of_plots_at_a_time(self, open_page, expect, report):
        opened = open_page(report)
        groups = opened.page.locator(".plots")
        assert groups.count() >= 3
        for button in opened.page.locator(".chooser button").all():
            button.click()
            expect(button).to_have_attribute("aria-pressed", "true")
            expect(groups.filter(visible=True)).to_have_count(1)

    def test_without_scripts_all_are_shown_and_there_is_nothing_to_choose(self, open_page, report):
        opened = open_page(report, scripts=False)
        assert not opened.page.locator(".chooser").is_visible()
        assert all(group.is_visible() for group in opened.page.locator(".plots").all())


def test_a_link_to_a_folded_part_opens_it(open_page, expect, report):
    opened = open_page(report)
    assert not opened.page.locator("#trials table").is_visible()
    opened.page.get_by_role("link", name="Trials").click()
    expect(opened.page.locator("#trials table")).to_be_visible()


class TestTables:
    def test_keep_their_first_column_when_scrolled(self, open_page, report):
        opened = open_page(report, width=390)
        scroll = opened.page.locator("#results .scroll").first
        assert scroll.evaluate("e => e.scrollWidth > e.clientWidth")
        before = scroll.locator("tbody th").first.bounding_box()["x"]
        scroll.evaluate("e => e.scrollLeft = 200")
        assert scroll.locator("tbody th").first.bounding_box()["x"] == before

    def test_sorts_by_a_figure_in_its_unit_and_says_so(self, open_page, expect, report):
        opened = open_page(report)
        table = opened.page.locator("#results table").first
        head = table.locator("th", has_text="first step")
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", "ascending")
        expect(table.locator("tbody th")).to_have_text(["torch", "jax", "tensorflow"])
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", "descending")
        expect(table.locator("tbody th")).to_have_text(["tensorflow", "jax", "torch"])

    def test_sorts_by_keyboard(self, open_page, expect, report):
        opened = open_page(report)
        button = opened.page.locator("#results th", has_text="backend").first.get_by_role("button")
        button.focus()
        opened.page.keyboard.press("Enter")
        opened.page.keyboard.press("Space")
        expect(opened.page.locator("#results tbody th").first).to_have_text("torch")

    def test_filters_the_trials_by_words(self, open_page, expect, report):
        opened = unfolded(open_page(report))
        trials = opened.page.locator("#trials")
        expect(trials.get_by_role("status")).to_have_text("30 of 30 rows")
        trials.get_by_label("Filter").fill("torch killed")
        expect(trials.get_by_role("status")).to_have_text("1 of 30 rows")
        expect(trials.locator("tbody tr")).to_have_count(1)

    def test_a_failed_trial_stands_last_whichever_way_step_times_are_sorted(
        self, open_page, expect, report
    ):
        opened = unfolded(open_page(report))
        head = opened.page.locator("#trials th", has_text="step time")
        for order in ("ascending", "descending"):
            head.get_by_role("button").click()
            expect(head).to_have_attribute("aria-sort", order)
            expect(opened.page.locator("#trials tbody tr").last).to_contain_text("killed")

    def test_opens_a_trial_to_its_raw_samples_and_closes_it_by_keyboard(
        self, open_page, expect, report
    ):
        opened = unfolded(open_page(report))
        opened.page.locator("#trials tbody button").first.click()
        dialog = opened.page.get_by_role("dialog")
        expect(dialog).to_contain_text("harness run ranking --backend jax")
        assert dialog.locator(".samples").inner_text().count(".") == 35
        opened.page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()

    def test_a_long_table_is_shown_in_parts(self, open_page, expect, write_report, tmp_path):
        from tests.report.made_up import campaign

        page = write_report(tmp_path, list(campaign(rounds=150, epochs=1)))
        opened = unfolded(open_page(page))
        rows = opened.page.locator("#trials tbody tr")
        expect(rows).to_have_count(200)
        opened.page.get_by_role("button", name="Further rows").click()
        opened.page.get_by_role("button", name="Further rows").click()
        expect(opened.page.locator("#trials .tools")).to_contain_text(
            "450 of 450 rows, part 3 of 3"
        )
        expect(rows).to_have_count(50)


class TestTheme:
    def test_follows_the_system_until_the_reader_chooses(self, open_page, expect, report):
        ground = "getComputedStyle(document.body).backgroundColor"
        light, dark = (open_page(report, theme=theme).page for theme in ("light", "dark"))
        bright, dim = light.evaluate(ground), dark.evaluate(ground)
        assert bright != dim
        light.get_by_role("button", name="Switch to the dark theme").click()
        expect(light.locator("body")).to_have_css("background-color", dim)
        light.get_by_role("button", name="Switch to the light theme").click()
        expect(light.locator("body")).to_have_css("background-color", bright)

    def test_plots_take_its_colours(self, open_page, report):
        opened = open_page(report, theme="dark")
        colour = "getComputedStyle(document.querySelector('#plot-memory .wide text')).fill"
        assert opened.page.evaluate(colour) == "rgb(232, 234, 237)"


class TestPlots:
    @pytest.mark.parametrize(("width", "shown"), [(1440, "wide"), (390, "narrow")])
    def test_all_are_drawn_in_the_size_of_the_screen(self, open_page, report, width, shown):
        # Without scripts all groups of plots are shown.
        opened = open_page(report, width=width, scripts=False)
        figures = opened.page.locator("figure")
        assert figures.count() >= 7
        for i in range(figures.count()):
            drawn = figures.nth(i).locator(f".{shown} svg")
            assert drawn.is_visible()
            assert drawn.bounding_box()["width"] > 250
            assert drawn.locator("title").count() > 0

    def test_the_numbers_are_one_click_away(self, open_page, expect, report):
        opened = open_page(report, scripts=False)
        figure = opened.page.locator("#plot-memory")
        figure.locator("summary").click()
        expect(figure.locator("table")).to_be_visible()
        expect(figure.locator("table")).to_contain_text("MB")


def test_without_scripts_everything_can_be_read(open_page, report):
    opened = open_page(report, scripts=False)
    assert "JAX is fastest here" in opened.page.locator("h1").inner_text()
    assert opened.page.locator("#trials tbody tr").count() == 30
    assert opened.page.locator("figure .wide svg").first.is_visible()


def test_prints_without_what_only_a_screen_needs(open_page, report, tmp_path):
    opened = open_page(report, theme="dark")
    opened.page.emulate_media(media="print")
    assert not opened.page.locator("#theme").is_visible()
    ground = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    assert opened.page.pdf(path=tmp_path / "report.pdf")
