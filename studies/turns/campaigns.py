"""Campaigns that the studies of turns run, and what is read from them.

Every study is ``python studies/turns/NAME.py FOLDER [--times N]``; whatever else is given goes to
``harness run``, such as ``--env jax=.tox/jax``. Campaigns that are in the folder already are read
and not run again, so that an interrupted study is gone on with.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from harness.analysis.couples import pair_names
from harness.analysis.speed.pairs import PairVerdict, judging, verdicts_within
from harness.backends import BACKENDS
from harness.records.trial import Record
from harness.store import folder as store
from studies.twins.busy import busy

SCENARIOS = Path(__file__).parents[1] / "twins" / "scenarios"
NEVER = "0.1%"
"""A precision that nobody reaches: the campaign ends by its budget."""


class Asked(NamedTuple):
    """What a study was asked: its folder, how often, its own options, and those for the harness."""

    folder: Path
    times: int
    own: argparse.Namespace
    rest: list[str]


def asked(about: str | None, *, times: int, **own: Mapping[str, object]) -> Asked:
    """Read the command line of a study.

    Args:
        about: its docstring, for ``--help``.
        times: how often it repeats by default.
        own: its own options by name, each with what ``argparse`` is told of it.
    """
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--times", type=int, default=times)
    for name, how in own.items():
        parser.add_argument(f"--{name.replace('_', '-')}", **how)  # type: ignore[arg-type]
    options, rest = parser.parse_known_args()
    return Asked(options.folder, options.times, options, rest)


def campaign(results: Path, options: Sequence[str], *, scenario: str = "ranking") -> list[Record]:
    """The records of a campaign in ``results``, run now unless it is there.

    Args:
        results: its folder.
        options: of ``harness run``.
        scenario: what is trained.

    Raises:
        SystemExit: if it ends with an error and leaves no record.
    """
    if not (results / "campaign.json").exists():
        # fmt: off
        command = [
            sys.executable, "-m", "harness", "run", scenario, "--results", str(results),
            *_without_others(options),
        ]
        # fmt: on
        print("+", *command, file=sys.stderr, flush=True)
        variables = os.environ | {"HARNESS_SCENARIO_PATH": str(SCENARIOS)}
        done = subprocess.run(command, env=variables, stdout=sys.stderr, check=False)
        if done.returncode and not (results / "campaign.json").exists():
            sys.exit(done.returncode)
    return list(store.load(results).records)


def _without_others(options: Sequence[str]) -> Iterator[str]:
    """``options`` but for the environments of backends that they do not ask for."""
    asked_for = options[options.index("--backend") + 1].split(",")
    parts = iter(options)
    for part in parts:
        if part == "--env":
            named = next(parts)
            backend = named.partition("=")[0]
            if backend not in BACKENDS or backend in asked_for:
                yield from (part, named)
        else:
            yield part


def disturbing(study: Asked, number: int) -> AbstractContextManager[None]:
    """Busy processes, other ones each time, if the study was asked for them with ``--busy``."""
    return busy(100 + 2 * number, processes=2 if study.own.busy else 0)


def verdicts(results: Path) -> list[PairVerdict]:
    """The verdicts on a campaign, as its report gives them."""
    there = store.load(results)
    rule = judging(there.plans)
    return verdicts_within(there.records, margin=rule.margin, sequential=rule.sequential)


def half_widths(results: Path) -> dict[str, float]:
    """Half of each pair's interval, as a share; infinite where there is none."""
    return {named(each): half_width(each) for each in verdicts(results)}


def wider(ours: float, theirs: float) -> str:
    """One half-width over another; a dash where either has no interval."""
    return f"{ours / theirs:.2f} ×" if math.isfinite(ours) and math.isfinite(theirs) else "–"


def half_width(found: PairVerdict) -> float:
    """Half of the interval on the logarithmic scale, as a share."""
    given = found.verdict
    if given.low is None or given.high is None:
        return math.inf
    return math.expm1(math.log(given.high / given.low) / 2)


def named(found: PairVerdict) -> str:
    """The pair in words: ``jax / torch``."""
    pair = found.pair
    return " / ".join(pair_names(pair.first, pair.second, pair.first_apart, pair.second_apart))


def both_ways(folder: Path, rounds: int, rest: Sequence[str]) -> dict[str, list[list[Record]]]:
    """The records of rounds in turns (``on``) and in blocks (``off``), one after the other.

    Which of the two comes first alternates. Each round is a campaign of one seed.
    """
    found: dict[str, list[list[Record]]] = {"on": [], "off": []}
    for number in range(rounds):
        for turns in ("on", "off") if number % 2 == 0 else ("off", "on"):
            options = ["--backend", ",".join(BACKENDS), "--seeds", str(42 + number)]
            options += ["--time-budget", "0.25", "--turns", turns, *rest]
            results = folder / f"round-{number:02}-{turns}"
            good = [r for r in campaign(results, options) if r.status == "ok"]
            if turns == "on" and any(record.turns is None for record in good):
                print(f"{results}: no turns were taken; left out", file=sys.stderr, flush=True)
                good = []
            found[turns].append(good)
    return found


def table(header: Iterable[object], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """A Markdown table, line by line."""
    names = list(map(str, header))
    yield "| " + " | ".join(names) + " |"
    yield "|" + "---|" * len(names)
    for row in rows:
        yield "| " + " | ".join(map(str, row)) + " |"
    yield ""


def share(value: float) -> str:
    """A half-width as a person reads it; a dash where there is no interval."""
    return f"±{100 * value:.1f}%" if math.isfinite(value) else "–"


def show(lines: Iterable[str]) -> None:
    """Print the tables of a study."""
    for line in lines:
        print(line, flush=True)
