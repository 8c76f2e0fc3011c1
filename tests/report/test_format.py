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
    ("figures", "texts"),
    [
        ((2.023, 1.927, 2.131), ("2.0×", "1.9–2.1")),
        ((0.4942, 0.4693, 0.5190), ("0.49×", "0.47–0.52")),
        ((3.514, 3.348, 3.689), ("3.5×", "3.3–3.7")),
        ((12.341, 3.2, 31.7), ("12×", "3–32")),
        ((1.3, 0.04, 9.6), ("1.30×", "0.04–9.60")),  # no ratio is 0
        ((0.9517, 0.5007, 0.98), ("0.95×", "0.50–0.98")),  # as 1.0 it would reach equality
        ((1.0714, None, None), ("1.07×", "")),
        ((None, None, None), ("—", "")),
    ],
)
def test_a_ratio_has_the_digits_that_its_interval_supports(figures, texts):
    assert fmt.ratio(*figures) == texts


def test_a_metric_and_a_time_have_the_digits_that_their_intervals_support():
    assert fmt.estimate(0.25906, 0.25787, 0.26016) == ("0.259", "0.258–0.260")
    assert fmt.estimate(0.25906, None, None) == ("0.25906", "")
    assert fmt.duration_estimate(0.00173, 0.00161, 0.00187) == ("1.7 ms", "1.6–1.9")
    assert fmt.duration_estimate(0.000915, 0.000832, 0.001382) == ("915 µs", "832–1,382")


@pytest.mark.parametrize(
    ("figures", "texts"),
    [
        ((0.00012, -0.00003, 0.00027), ("+0.0001", "0.0000 to +0.0003")),
        ((-0.000001, -0.000012, 0.000011), ("0.00000", "-0.00001 to +0.00001")),
        ((0.0014, 0.0003, 0.0025), ("+0.0014", "+0.0003 to +0.0025")),  # it leaves out 0
        ((-0.00003, None, None), ("-0.00003", "")),
        ((None, None, None), ("—", "")),
    ],
)
def test_a_difference_has_its_sign_and_its_interval_no_dash(figures, texts):
    assert fmt.difference(*figures, tolerance=0.0005) == texts


logarithms = st.floats(-3, 3).map(lambda x: round(x, 5))


@given(logarithms, logarithms, st.sampled_from([0.0, 0.02, 0.05]))
def test_a_printed_ratio_has_the_verdict_of_the_exact_one(one, other, margin):
    low, high = math.exp(min(one, other)), math.exp(max(one, other))
    value, between = fmt.ratio(math.sqrt(low * high), low, high, margin=margin)
    shown = [float(x.replace(",", "")) for x in between.split("–")]
    limits = (1 / (1 + margin), 1.0, 1 + margin)
    for limit in limits:
        assert (shown[0] > limit) == (low > limit)
        assert (shown[1] < limit) == (high < limit)
    assert 0 < shown[0] <= float(value.removesuffix("×")) <= shown[1]
    assert abs(shown[0] - low) <= 0.5 + (high - low) / 2


@given(logarithms, logarithms)
def test_a_printed_interval_is_off_by_less_than_its_half_width(one, other):
    low, high = 1 + min(one, other), 1 + max(one, other)
    if high - low > 1e-6:
        _, between = fmt.estimate((low + high) / 2, low + 10, high + 10)
        shown = [float(x) for x in between.split("–")]
        half = (high - low) / 2
        for end, exact in zip(shown, (low + 10, high + 10), strict=True):
            assert abs(end - exact) <= max(half, 0.5) * (1 + 1e-9)


differences = st.floats(-2e-3, 2e-3).map(lambda x: round(x, 7))


@given(differences, differences)
def test_a_printed_difference_leaves_out_what_the_exact_one_leaves_out(one, other):
    low, high = sorted((one, other))
    _, between = fmt.difference((low + high) / 2, low, high, tolerance=5e-4)
    shown = [float(x) for x in between.split(" to ")]
    for limit in (-5e-4, 0.0, 5e-4):
        assert (shown[0] > limit) == (low > limit)
        assert (shown[1] < limit) == (high < limit)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.02, "2%"), (0.005, "0.5%"), (0.98333, "98.33%"), (0.1, "10%"), (10.0, "1,000%"), (0, "0%")],
)
def test_shares_read_as_they_were_asked_for(share, text):
    assert fmt.percent(share) == text
