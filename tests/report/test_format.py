"""How figures become text; all outputs share these functions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report import format as fmt

UNITS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6}
seconds = st.floats(1e-6, 1e7)
anything = st.floats(allow_nan=True, allow_infinity=True)


def read(text):
    number, _, unit = text.replace(",", "").partition(" ")
    return float(number) * UNITS.get(unit, 1.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.00173, "1.73 ms"),
        (0.0498, "49.8 ms"),
        (0.4982, "498 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),
        (12.345, "12.3 s"),
        (4321.0, "4,321 s"),
        (0.0000851, "85.1 µs"),
        (0.0, "0.00 s"),
        (None, "—"),
    ],
)
def test_durations_have_three_digits_and_a_fitting_unit(value, text):
    assert fmt.duration(value) == text


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (fmt.rate, 577_902.3, "578,000"),
        (fmt.rate, 12.34, "12.3"),
        (fmt.rate, None, "—"),
        (fmt.memory, 612_345_678, "612 MB"),
        (fmt.memory, 1_234_567_890, "1,235 MB"),
        (fmt.capacity, 8_250_000_000, "8.25 GB"),
        (fmt.quality, 0.259254, "0.25925"),
        (fmt.quality, None, "—"),
        (fmt.shown, 3.8149, "3.81"),
        (fmt.count, 1000, "1,000"),
        (fmt.short_hash, "a" * 64, "a" * 12),
        (fmt.short_hash, None, "—"),
    ],
)
def test_other_figures(function, value, text):
    assert function(value) == text


def test_a_range_is_printed_in_the_unit_of_its_value():
    assert fmt.duration_range(0.00165, 0.0123, of=0.00173) == "1.65–12.3"
    assert fmt.duration_range(0.998, 1.02, of=0.999) == "998–1,020"
    assert fmt.duration_range(None, None, of=1.0) == ""
    assert fmt.quality_range(0.25593, 0.26674) == "0.25593–0.26674"
    assert fmt.spread(0.00011, of=0.002) == "0.11 ms"


@given(seconds)
def test_a_printed_duration_is_within_half_a_percent(value):
    assert read(fmt.duration(value)) == pytest.approx(value, rel=0.00501)


@given(seconds, seconds)
def test_of_two_durations_the_longer_never_prints_as_the_shorter(a, b):
    low, high = sorted((a, b))
    assert read(fmt.duration(low)) <= read(fmt.duration(high)) * (1 + 1e-12)


@given(st.floats(0, 1e12), st.floats(0, 1e12))
def test_rates_and_sizes_are_monotone(a, b):
    low, high = sorted((a, b))
    assert read(fmt.rate(low)) <= read(fmt.rate(high))
    assert read(fmt.memory(low).removesuffix(" MB")) <= read(fmt.memory(high).removesuffix(" MB"))


@given(anything)
def test_nothing_is_ever_printed_in_scientific_notation(value):
    for function in (fmt.rate, fmt.memory, fmt.quality, fmt.shown, fmt.significant, fmt.capacity):
        number = function(value).partition(" ")[0]
        assert "e" not in number.lower()
        assert math.isfinite(value) or function(value).startswith("not finite")


@given(st.text())
def test_plain_text_is_one_visible_line(text):
    shown = fmt.plain(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=100))
def test_visible_text_is_left_as_it_is(text):
    assert fmt.plain(text) == text


def test_terminal_escapes_and_bidirectional_marks_are_made_visible():
    assert fmt.plain("\x1b[31mred\n\u202eevil") == r"\x1b[31mred\n\u202eevil"


def test_an_endless_text_is_cut():
    assert fmt.plain("x" * 10_000, limit=10) == "xxxxxxx..."


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0714, "1.071×"), (0.38421, "0.3842×"), (12.341, "12.34×"), (None, "—")],
)
def test_ratios_have_four_digits_since_verdicts_are_made_of_per_cents(value, text):
    assert fmt.ratio(value) == text


def test_the_interval_of_a_ratio_is_a_range():
    assert fmt.ratio_range(0.9788, 1.0163) == "0.9788–1.016"
    assert fmt.ratio_range(None, None) == ""


@pytest.mark.parametrize(
    ("value", "text"), [(0.00012, "+0.00012"), (-0.00003, "-0.00003"), (0.0, "+0.00000")]
)
def test_differences_always_have_their_sign(value, text):
    assert fmt.difference(value) == text


def test_the_interval_of_a_difference_has_no_dash_that_could_be_a_sign():
    assert fmt.difference_range(-0.00003, 0.00027) == "-0.00003 to +0.00027"


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.02, "2%"), (0.005, "0.5%"), (0.98333, "98.33%"), (0.1, "10%"), (10.0, "1,000%"), (0, "0%")],
)
def test_shares_read_as_they_were_asked_for(share, text):
    assert fmt.percent(share) == text
