"""Compare the candidate intervals and print the tables of ``docs/studies/intervals.md``.

Run where the harness is installed; it takes about two minutes::

    python -m studies.intervals.one_campaign --into docs/studies/intervals.md

Without ``--into`` the tables go to the terminal. All of it is seeded: a second run changes nothing.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from harness.analysis.speed.interval import bounds, interval
from harness.analysis.speed.rounds_needed import rounds_for_precision, rounds_needed, spread_of
from harness.analysis.speed.verdict import STOP_FROM, judging_confidence
from harness.analysis.warmup import steady_state
from studies.intervals.candidates import CANDIDATES, ON_THE_MEAN
from studies.intervals.sequences import (
    CORRECTIONS,
    MARGIN,
    intervals_by_round,
    pairs_of_three,
    settled_in_time,
    stop_at_precision,
)
from studies.intervals.simulated import (
    MEASURED_SPREAD,
    SETTINGS,
    Draw,
    beyond,
    independent,
    normal,
    population,
    real,
    simulate,
    step_times,
    within,
)

ROUNDS = (4, 5, 6, 8, 14, 40)
SEQUENTIAL_95 = judging_confidence(0.95, sequential=True)
NORMAL_SPREADS = (0.02, *MEASURED_SPREAD.values())
TRUE_DIFFERENCE = math.log(1.05)
BEGIN, END = "<!-- study: begin -->", "<!-- study: end -->"


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """A Markdown table, line by line."""
    names = list(header)
    yield "| " + " | ".join(names) + " |"
    yield "|" + "---|" * len(names)
    for row in rows:
        yield "| " + " | ".join(str(value) for value in row) + " |"
    yield ""


def candidates() -> Iterator[str]:
    """Coverage, width, false verdicts and power of every candidate, setting by setting."""
    covered: dict[tuple[str, int], list[float]] = {}
    detail: list[str] = []
    for setting in SETTINGS:
        pseudo_median, mean = population(setting)
        rows = []
        for rounds in ROUNDS:
            samples = simulate(setting, rounds)
            row = [str(rounds)]
            for name, method in CANDIDATES.items():
                low, high = method(samples)
                truth = mean - pseudo_median if name in ON_THE_MEAN else 0.0
                share = within(low, high, truth)
                covered.setdefault((name, rounds), []).append(share)
                width = np.median(high - low) / 2
                false = beyond(low - truth, high - truth, MARGIN)
                found = np.mean(low - truth + TRUE_DIFFERENCE > MARGIN)
                mark = "" if 0.93 <= share <= 0.98 else "**"
                row.append(
                    f"{mark}{share:.1%}{mark} · ±{width:.1%} · {false:.1%} · {found:.0%}".replace(
                        "%", ""
                    )
                )
            rows.append(row)
        detail += [f"#### {setting}", "", *table(("rounds", *CANDIDATES), rows)]
    yield "### Coverage: lowest and highest over the thirteen settings, in percent"
    yield ""
    yield from table(
        ("rounds", *CANDIDATES),
        (
            (
                rounds,
                *(
                    f"{100 * min(covered[name, rounds]):.1f}–{100 * max(covered[name, rounds]):.1f}"
                    for name in CANDIDATES
                ),
            )
            for rounds in ROUNDS
        ),
    )
    yield "### Setting by setting"
    yield ""
    yield "Coverage · median half-width · false verdicts · true 5% found, all in percent. Coverage"
    yield "outside 93–98% is in bold."
    yield ""
    yield from detail


def large_spreads() -> Iterator[str]:
    """How often noise alone gives a verdict when it dwarfs the margin."""
    yield "### False verdicts where the noise dwarfs the margin (normal noise, percent)"
    yield ""
    spreads = (0.02, 0.052, 0.10, 0.20, 0.40)
    rows = []
    for rounds in ROUNDS:
        rng = np.random.default_rng(rounds)
        unit = rng.normal(0, math.sqrt(2), (40_000, rounds))
        ends = [bounds(spread * unit)[1:] for spread in spreads]
        rows.append((rounds, *(f"{100 * beyond(*end, MARGIN):.1f}" for end in ends)))
    yield from table(("rounds", *(f"spread {spread:.1%}" for spread in spreads)), rows)


def stopping() -> Iterator[str]:
    """Coverage and false verdicts of campaigns that stop at the asked precision."""
    yield "### Stopping at a precision: mean rounds · coverage · false verdicts (percent)"
    yield ""
    yield "At most 40 rounds, 4,000 campaigns. The columns: the confidence at which the interval is"
    yield "computed, and the round from which on a campaign may stop; the last is the chosen rule."
    yield ""
    rules = [(0.95, 4), (0.95, 6), (0.95, 8), (SEQUENTIAL_95, 4), (SEQUENTIAL_95, STOP_FROM)]
    rows = []
    for setting in SETTINGS:
        samples = simulate(setting, 40, campaigns=4000, seed=3)
        ends = {level: intervals_by_round(samples, level) for level, _ in rules}
        for precision in (0.02, 0.03, 0.05):
            row = [setting, f"±{precision:.0%}"]
            for level, first in rules:
                low, high, rounds = stop_at_precision(*ends[level], precision, first)
                share, false = within(low, high, 0.0), beyond(low, high, MARGIN)
                row.append(f"{rounds.mean():.1f} · {100 * share:.1f} · {100 * false:.1f}")
            rows.append(row)
    header = (f"{level:.0%} from {first}" for level, first in rules)
    yield from table(("setting", "precision", *header), rows)


def needed() -> Iterator[str]:
    """Rounds for a true 5% and for a precision of 3%, foretold and checked."""
    yield "### Rounds for a true 5% (90% power, margin 2%) and for ±3%, one pair at 95%"
    yield ""
    yield "Foretold from the spread; what 6,000 campaigns of that length found; what found 90%."
    yield ""
    draws = {f"normal, spread {s:.1%}": independent(normal(s), normal(s)) for s in NORMAL_SPREADS}
    draws |= {name: draw for name, draw in SETTINGS.items() if name.startswith("real")}
    rows = []
    for name, draw in draws.items():
        truth = population(name)[0] if name in SETTINGS else 0.0
        shift = TRUE_DIFFERENCE - truth
        spread = spread_of(interval(draw(np.random.default_rng(11), (1, 2000))[0]))
        rounds = rounds_needed(spread, difference=0.05, margin=0.02) or 0
        precise = rounds_for_precision(spread, 0.03, confidence=SEQUENTIAL_95)
        powers = {rounds: _power(draw, rounds, shift)}
        for enough in range(rounds - 3, 2 * rounds):
            powers[enough] = _power(draw, enough, shift)
            if powers[enough] >= 0.9:
                break
        rows.append((name, f"{spread:.1%}", rounds, f"{powers[rounds]:.1%}", enough, precise))
    names = ("pair", "spread of log-ratio", "for 5%", "found", "for 90% found", "for ±3%")
    yield from table(names, rows)


def _power(draw: Draw, rounds: int, shift: float) -> float:
    samples = draw(np.random.default_rng([11, rounds]), (6000, rounds)) + shift
    return float(np.mean(bounds(samples)[1] > MARGIN))


def families() -> Iterator[str]:
    """What correcting for three pairs costs and saves."""
    yield "### Three pairs of three backends (percent of campaigns)"
    yield ""
    rows = []
    cells = {"normal, spread 5.2%": normal(0.052), "real torch": real("torch")}
    cells |= {"normal, spread 20%": normal(0.20), "normal, spread 2%": normal(0.02)}
    for name, cell in cells.items():
        for rounds in (6, 8, 14):
            same = pairs_of_three(cell, rounds)
            one = pairs_of_three(cell, rounds, third=1.05)
            row: list[object] = [name, rounds]
            for correct in CORRECTIONS.values():
                false, found = correct(same).any(axis=0), correct(one)[1:].mean()
                row.append(f"{100 * false.mean():.1f} · {100 * found:.0f}")
            rows.append(row)
    yield "Any false verdict among three equal cells · a third cell's true 5% found."
    yield ""
    yield from table(("cells", "rounds", *CORRECTIONS), rows)


def forecasts() -> Iterator[str]:
    """How often an open verdict is settled after the further rounds it asked for."""
    yield "### Open verdicts settled after the further rounds they named"
    yield ""
    rows = []
    for setting in ("normal, spread 2%", "real jax / jax", "real jax / tensorflow"):
        for ratio in (1.0, 1.05):
            samples = simulate(setting, 200, campaigns=400, seed=5, ratio=ratio)
            for rounds in (6, 14):
                settled, count = settled_in_time(samples, rounds)
                rows.append((setting, ratio, rounds, count, f"{settled / count:.0%}"))
    yield from table(("setting", "true ratio", "after rounds", "open", "settled"), rows)


def warm_up() -> Iterator[str]:
    """What the warm-up rule says of the 75 real processes."""
    yield "### The 75 real processes: first steady epoch, and those that never settled"
    yield ""
    rows = []
    for backend in MEASURED_SPREAD:
        states = [steady_state(times.tolist()) for times in step_times(backend)]
        firsts = [sum(s.settled and s.first == epoch for s in states) for epoch in range(6)]
        figures = np.log([s.step_time_s for s in states])
        scatters = f"{np.median([s.scatter for s in states]):.1%}"
        unsettled = [s.reason for s in states if not s.settled]
        rows.append(
            (backend, *firsts, "; ".join(unsettled) or "none", scatters, f"{figures.std():.1%}")
        )
    yield from table(
        ("backend", *map(str, range(6)), "never settled", "scatter inside", "spread between"), rows
    )


def main() -> None:
    """Print all tables, or write them between the marks of a Markdown file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, help="Markdown file with the marks of the study")
    into = parser.parse_args().into
    parts = (candidates, large_spreads, stopping, needed, families, forecasts, warm_up)
    text = "\n".join(line for part in parts for line in part())
    if into is None:
        sys.stdout.write(text)
        return
    before, _, rest = into.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    into.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
