"""How many turns and rounds are best, and what three minutes bring.

    python -m studies.turns.designs --into docs/studies/pairs-in-turns.md

Without ``--into`` the tables go to the terminal. All of it is seeded: a second run changes nothing.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from harness.analysis.speed.interval import MINIMUM_ROUNDS, bounds, relative_half_width
from harness.analysis.speed.verdict import STOP_FROM, classify, judging_confidence
from harness.analysis.warmup import steady_state
from studies.intervals.one_campaign import BEGIN, END, table
from studies.intervals.sequences import MARGIN, bonferroni, intervals_by_round
from studies.intervals.simulated import within
from studies.turns.simulated import (
    NOISY,
    PAIRS,
    QUIET,
    SETTINGS,
    Array,
    Setting,
    Three,
    by_median,
    by_turn,
    measured,
    population,
    round_s,
    simulate,
)

NAMES = ("JAX / TensorFlow", "JAX / PyTorch", "TensorFlow / PyTorch")
MACHINES = {"quiet": QUIET, "noisy": NOISY}
LEVEL = judging_confidence(0.95, 3, sequential=True)
TURNS = (5, 6, 7, 8, 10, 12, 16, 24)
TURNS_BY_DEFAULT = 8
"""Of the tutorial's five epochs all but the first, and of the timing phase one that is warm-up and
three that count."""
BEFORE_S = 8.0
"""Seconds of a command before its first round: preflight, environments, data."""
LIMIT_S = 180.0
MEASURED_STEPS_MS: dict[str, Three] = {"quiet": (1.75, 3.45, 4.45), "noisy": (3.06, 7.44, 11.16)}
"""``docs/method.md`` and ``turns.jsonl``: JAX, TensorFlow, PyTorch."""


def as_measured() -> Iterator[str]:
    """Measured and simulated spreads of the noisy machine."""
    yield "### Standard deviation over rounds of a round's log-ratio, noisy machine"
    yield ""
    turns, blocks = (measured()[how][None] for how in ("turns", "blocks"))
    seven = simulate(NOISY, 7, 12), simulate(NOISY, 7, 12, in_turns=False)
    kinds = {
        "median of the log-ratios of neighbouring turns": (by_turn(turns), by_turn(seven[0])),
        "the same, without warm-up as the ratios show it": (_by_ratio(turns), None),
        "the same, without warm-up as each process shows it": (_by_process(turns), None),
        "ratio of the medians of the same turns": (by_median(turns), by_median(seven[0])),
        "ratio of the medians of blocks": (by_median(blocks), by_median(seven[1])),
    }
    rows = []
    for name, (real, simulated) in kinds.items():
        row = [name, *(f"{np.std(each, ddof=1):.3f}" for each in real)]
        if simulated is not None:
            spreads = (np.std(each, axis=1, ddof=1) for each in simulated)
            row = [
                f"{cell} ({' to '.join(f'{end:.3f}' for end in np.quantile(spread, (0.05, 0.95)))})"
                for cell, spread in zip(row[1:], spreads, strict=True)
            ]
            row = [name, *row]
        rows.append(row)
    yield "Measured in seven rounds; in brackets what nine of ten simulated campaigns show."
    yield ""
    yield from table(("a round's figure", *NAMES), rows)


def _by_ratio(times: Array) -> list[Array]:
    """Medians over the turns that :func:`steady_state` counts in the series of ratios."""
    found = []
    for a, b in PAIRS:
        figures = []
        for ratios in times[0, :, a] - times[0, :, b]:
            counted = ~np.array(steady_state(np.exp(ratios).tolist()).warm_up)
            figures.append(np.median(ratios[counted]))
        found.append(np.array(figures))
    return found


def _by_process(times: Array) -> list[Array]:
    """Medians over the turns that it counts in both processes' own step times."""
    found = []
    for a, b in PAIRS:
        figures = []
        for first, second in zip(times[0, :, a], times[0, :, b], strict=True):
            states = [steady_state(np.exp(each).tolist()) for each in (first, second)]
            counted = ~np.any([state.warm_up for state in states], axis=0)
            figures.append(np.median((first - second)[counted]))
        found.append(np.array(figures))
    return found


def coverage() -> Iterator[str]:
    """What the intervals hold, and how often three equal backends get a false verdict."""
    yield "### Coverage and false verdicts, by setting"
    yield ""
    yield "Percent of 10,000 campaigns of eight turns a round: lowest and highest coverage of a 95%"
    yield "interval over the three pairs · any false verdict among three equal backends."
    yield ""
    every = (4, 6, 8, 12)
    rows = []
    for name, setting in SETTINGS.items():
        row = [name]
        for rounds in every:
            times = simulate(setting, rounds, TURNS_BY_DEFAULT, campaigns=10_000, seed=9)
            truths = population(name, TURNS_BY_DEFAULT)
            pairs = [r - truth for r, truth in zip(by_turn(times), truths, strict=True)]
            held = [100 * within(*bounds(pair)[1:], 0.0) for pair in pairs]
            false = 100 * bonferroni(pairs).any(axis=0).mean()
            row.append(f"{min(held):.1f}–{max(held):.1f} · {false:.1f}")
        rows.append(row)
    yield from table(("setting", *(f"{rounds} rounds" for rounds in every)), rows)


def turns_and_rounds() -> Iterator[str]:
    """The half-width of the widest pair, by turns a round and wall time."""
    yield "### Turns in a round, and the half-width that a wall time brings"
    yield ""
    yield "Rounds that fit · median half-width of the widest of three pairs, in percent, at the"
    yield "confidence of a campaign that may stop at a precision. Bold: the narrowest."
    yield ""
    limits = (90.0, 180.0, 300.0, 600.0)
    for machine, setting in MACHINES.items():
        cells: dict[tuple[int, float], tuple[int, float]] = {}
        for turns in TURNS:
            most = rounds_within(setting, turns, limits[-1])
            pairs = by_turn(simulate(setting, most, turns, campaigns=600, seed=4))
            for limit_s in limits:
                rounds = rounds_within(setting, turns, limit_s)
                cells[turns, limit_s] = rounds, _widest(pairs, rounds)
        rows = []
        for turns in TURNS:
            row = [str(turns), f"{round_s(setting, turns + 2):.1f} s"]
            for limit_s in limits:
                rounds, width = cells[turns, limit_s]
                best = min(cells[other, limit_s][1] for other in TURNS)
                mark = "**" if width == best and math.isfinite(best) else ""
                shown = f"{mark}±{100 * width:.1f}{mark}" if math.isfinite(width) else "–"
                row.append(f"{rounds} · {shown}")
            rows.append(row)
        yield f"#### The {machine} machine"
        yield ""
        header = (f"{limit_s:.0f} s" for limit_s in limits)
        yield from table(("counted turns", "a round takes", *header), rows)


def rounds_within(setting: Setting, turns: int, limit_s: float) -> int:
    """Rounds that are over by then: a round has the first epoch, and one turn of warm-up."""
    return int((limit_s - BEFORE_S) / round_s(setting, turns + 2))


def _widest(pairs: list[Array], rounds: int) -> float:
    if rounds < MINIMUM_ROUNDS:
        return math.inf
    widths = []
    for ratios in pairs:
        _, low, high = bounds(ratios[:, :rounds], confidence=LEVEL)
        widths.append((high - low) / 2)
    return math.expm1(float(np.median(np.max(widths, axis=0))))


class Answered(NamedTuple):
    """What campaigns with one precision and one limit end with, as means over all of them."""

    reached: float
    rounds: float
    seconds: float
    width: float
    settled: float
    all_settled: float
    wrong: float


def answers() -> Iterator[str]:
    """What a default run of three minutes answers, by precision."""
    yield "### What three minutes answer, by precision"
    yield ""
    yield f"Eight turns a round, {LIMIT_S:.0f} s with the {BEFORE_S:.0f} before the first round,"
    yield f"never fewer than {MINIMUM_ROUNDS} rounds, and {STOP_FROM} where the precision stops it;"
    yield "margin 2%. Reached: campaigns that stop at the precision. Settled: pairs with `faster`,"
    yield "`slower` or `equivalent`. Wrong: pairs, of all, whose verdict is not true, or becomes"
    yield "another one within 20 more rounds."
    yield ""
    worlds: dict[str, dict[str, Three]] = {
        machine: {
            "as measured": _logs(MEASURED_STEPS_MS[machine]),
            "10% and 20% apart": _logs((1.0, 1.1, 1.2)),
            "5% and 10% apart": _logs((1.0, 1.05, 1.1)),
            "equal": (0.0, 0.0, 0.0),
        }
        for machine in MACHINES
    }
    rows = []
    for machine, setting in MACHINES.items():
        for world, logs in worlds[machine].items():
            for precision in (0.05, 0.08, 0.10):
                found = answered(setting, logs, precision)
                rows.append(
                    (
                        machine,
                        world,
                        f"±{precision:.0%}",
                        f"{found.reached:.0%}",
                        f"{found.rounds:.1f}",
                        f"{found.seconds:.0f} s",
                        f"±{found.width:.1%}",
                        f"{found.settled:.0%}",
                        f"{found.all_settled:.0%}",
                        f"{found.wrong:.1%}",
                    )
                )
    # fmt: off
    yield from table(
        ("machine", "true step times", "precision", "reached", "rounds", "time", "widest interval",
         "pairs settled", "all three settled", "wrong"),
        rows,
    )
    # fmt: on


def _logs(steps: Three) -> Three:
    return tuple(math.log(step) for step in steps)  # type: ignore[return-value]  # of three


def answered(
    setting: Setting,
    logs: Three,
    precision: float,
    *,
    campaigns: int = 600,
    limit_s: float = LIMIT_S,
) -> Answered:
    """Run campaigns of three backends with these true log step times until they stop."""
    most = max(MINIMUM_ROUNDS, rounds_within(setting, TURNS_BY_DEFAULT, limit_s))
    times = simulate(setting, most + 20, TURNS_BY_DEFAULT, campaigns=campaigns, seed=6)
    pairs = by_turn(times + np.array(logs)[:, None])
    ends = [intervals_by_round(ratios, LEVEL) for ratios in pairs]
    widths = np.max([(high - low) / 2 for low, high in ends], axis=0)
    with np.errstate(invalid="ignore"):
        narrow = widths <= math.log1p(precision)
    narrow[:, :STOP_FROM] = False
    reached = narrow[:, : most + 1].any(axis=1)
    stops = np.where(reached, narrow[:, : most + 1].argmax(axis=1), most)
    kinds = np.array([_kinds(low, high, stops) for low, high in ends])
    later = np.array([_kinds(low, high, stops + 20) for low, high in ends])
    true = [classify(logs[a] - logs[b], logs[a] - logs[b], MARGIN) for a, b in PAIRS]
    settled = kinds != "inconclusive"
    changed = settled & (later != "inconclusive") & (later != kinds)
    false = settled & (kinds != np.array(true)[:, None])
    at_stop = widths[np.arange(campaigns), stops]
    return Answered(
        reached=reached.mean(),
        rounds=stops.mean(),
        seconds=BEFORE_S + stops.mean() * round_s(setting, TURNS_BY_DEFAULT + 2),
        width=math.expm1(float(np.median(at_stop))),
        settled=settled.mean(),
        all_settled=settled.all(axis=0).mean(),
        wrong=(changed | false).mean(),
    )


def _kinds(low: Array, high: Array, stops: Array) -> Array:
    every = np.arange(len(low))
    ends = zip(low[every, stops], high[every, stops], strict=True)
    return np.array([classify(*end, MARGIN) for end in ends])


def guesses() -> Iterator[str]:
    """The spread to plan with before there is a record."""
    yield "### The spread of a round's log-ratio, to plan with"
    yield ""
    rows = []
    for machine, setting in MACHINES.items():
        in_turns = by_turn(simulate(setting, 8, TURNS_BY_DEFAULT))
        in_blocks = by_median(simulate(setting, 8, TURNS_BY_DEFAULT, in_turns=False))
        for how, pairs in (("turns", in_turns), ("blocks", in_blocks)):
            spread = np.array([np.std(each, axis=1, ddof=1).mean() for each in pairs])
            needed = [
                next(
                    n
                    for n in range(MINIMUM_ROUNDS, 1000)
                    if relative_half_width(n, LEVEL) * spread.max() <= p
                )
                for p in (math.log1p(0.05), math.log1p(0.1))
            ]
            rows.append((machine, how, *(f"{each:.3f}" for each in spread), *needed))
    yield from table(("machine", "how", *NAMES, "rounds for ±5% in all three", "for ±10%"), rows)


def main() -> None:
    """Print all tables, or write them between the marks of a Markdown file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, help="Markdown file with the marks of the study")
    into = parser.parse_args().into
    parts = (as_measured, coverage, turns_and_rounds, guesses, answers)
    text = "\n".join(line for part in parts for line in part())
    if into is None:
        sys.stdout.write(text)
        return
    before, _, rest = into.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    into.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
