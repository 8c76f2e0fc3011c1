"""Simulated campaigns of three backends on a machine that changes its speed.

Their processes take turns or train in blocks. A process has an offset of its own, an epoch a
scatter of its own, and both have the machine's speed at that moment: a random walk, or noise that
is as strong at the scale of seconds as of minutes (1/f). Spikes hit single epochs, and a rare
process is slow from its start to its end. The sizes of ``NOISY`` repeat the seven rounds of
``turns.jsonl``.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from studies.intervals.simulated import MEASURED_SPREAD

Array = npt.NDArray[np.float64]
Three = tuple[float, float, float]

BACKENDS = ("jax", "tensorflow", "torch")
PAIRS = ((0, 1), (0, 2), (1, 2))
ROUNDS_IN_TURNS = Path(__file__).with_name("turns.jsonl")
GRID_S = 0.125
"""The machine's speed is drawn at this distance, finer than the shortest epoch."""


class Setting(NamedTuple):
    """What happens to three backends; sizes are standard deviations of log step time.

    ``offsets`` lie between processes, ``scatter`` between epochs of one. ``flicker`` is that of the
    machine's 1/f noise over a campaign, ``walk`` what its random walk gathers in a minute.
    ``spikes`` are the shares of epochs that take 1.5 to 4 times as long, ``slow`` those of
    processes that are 10 to 40% slow. ``heavy`` draws offsets from Student's t of three degrees of
    freedom. ``epochs_s`` and ``starts_s`` are the seconds of an epoch and of what comes before.
    """

    offsets: Three = tuple(MEASURED_SPREAD.values())  # type: ignore[assignment]  # of three
    scatter: Three = (0.04, 0.05, 0.04)
    flicker: float = 0.0
    walk: float = 0.0
    spikes: Three = (0.0, 0.0, 0.0)
    slow: Three = (0.0, 0.0, 0.0)
    heavy: bool = False
    epochs_s: Three = (0.15, 0.3, 0.4)
    starts_s: Three = (1.5, 2.0, 2.0)


QUIET = Setting(flicker=0.01, epochs_s=(0.08, 0.17, 0.29), starts_s=(1.8, 2.5, 2.4))
"""``docs/method.md``: offsets of 50 processes a backend, epochs that scatter by 3 to 6%. Seconds
are those of 29 rounds on an AMD EPYC, with evaluation and what the parent does between trials."""

NOISY = Setting(
    offsets=(0.02, 0.03, 0.035),
    scatter=(0.05, 0.10, 0.09),
    flicker=0.18,
    spikes=(0.02, 0.04, 0.02),
    epochs_s=(0.25, 0.6, 0.85),
    starts_s=(3.5, 4.7, 4.8),
)
"""See :func:`studies.turns.designs.as_measured`."""

SETTINGS: dict[str, Setting] = {
    "own offsets alone": Setting(),
    "1/f drift": Setting(flicker=0.15),
    "random walk": Setting(walk=0.15),
    "spikes": Setting(spikes=(0.1, 0.1, 0.1)),
    "spikes, one side": Setting(spikes=(0.0, 0.15, 0.0)),
    "rare slow processes": Setting(slow=(0.04, 0.04, 0.04)),
    "rare slow processes, one side": Setting(slow=(0.0, 0.04, 0.0)),
    "heavy tails": Setting(heavy=True, flicker=0.05),
    "unequal epochs": Setting(flicker=0.1, walk=0.1, epochs_s=(0.15, 0.6, 2.0)),
    "quiet": QUIET,
    "noisy": NOISY,
}
"""Every name is a setting in which the bounds of the method must hold."""


def simulate(
    setting: Setting,
    rounds: int,
    turns: int,
    *,
    campaigns: int = 2000,
    seed: int = 1,
    in_turns: bool = True,
) -> Array:
    """Log step times of equal backends, shape ``[campaigns, rounds, backends, turns]``.

    Args:
        setting: what disturbs them.
        rounds: of each campaign.
        turns: epochs of each process.
        campaigns: how many, all of them with draws of their own.
        seed: of all draws.
        in_turns: whether the processes of a round take turns, or train one after the other.
    """
    rng = np.random.default_rng([seed, rounds, turns])
    shape = (campaigns, rounds, 3, turns)
    offsets = (
        rng.standard_t(3, shape[:3]) / np.sqrt(3) if setting.heavy else rng.normal(size=shape[:3])
    )
    offsets *= setting.offsets
    slow = rng.random(shape[:3]) < setting.slow
    offsets += slow * rng.uniform(0.1, 0.4, shape[:3])
    times = rng.normal(size=shape) * np.array(setting.scatter)[:, None] + offsets[..., None]
    hit = rng.random(shape) < np.array(setting.spikes)[:, None]
    times += hit * np.log(rng.uniform(1.5, 4.0, shape))
    if setting.flicker or setting.walk:
        times += _machine(setting, rng, campaigns, _spans(setting, rounds, turns, in_turns))
    return times


def round_s(setting: Setting, turns: int) -> float:
    """Seconds of a round, in turns or in blocks."""
    return sum(setting.starts_s) + turns * sum(setting.epochs_s)


def by_turn(times: Array) -> list[Array]:
    """A round's log-ratio of each pair: the median over turns, shape ``[campaigns, rounds]``."""
    return [np.median(times[:, :, a] - times[:, :, b], axis=-1) for a, b in PAIRS]


def by_median(times: Array) -> list[Array]:
    """A round's log-ratio of each pair from the medians of both processes."""
    middle = np.median(times, axis=-1)
    return [middle[:, :, a] - middle[:, :, b] for a, b in PAIRS]


@cache
def population(name: str, turns: int) -> Three:
    """The true pseudo-median of each pair's log-ratio: not 0 where one side alone is hit."""
    setting = SETTINGS[name]
    if len(set(setting.spikes)) == len(set(setting.slow)) == 1 or name == "noisy":
        return (0.0, 0.0, 0.0)
    draws = simulate(setting, 2, turns, campaigns=200_000, seed=2022)
    return tuple(float(np.median(each.mean(axis=1))) for each in by_turn(draws))  # type: ignore[return-value]


@cache
def measured() -> dict[str, Array]:
    """The seven measured rounds: log step times, shape ``[rounds, backends, epochs]``.

    ``turns`` are one epoch of each process in turn, ``blocks`` those of each process in one piece.
    """
    rounds = [json.loads(line) for line in ROUNDS_IN_TURNS.read_text().splitlines()]
    return {
        how: np.log([[[wall for wall, _ in each[how][b]] for b in BACKENDS] for each in rounds])
        for how in ("turns", "blocks")
    }


def _spans(setting: Setting, rounds: int, turns: int, in_turns: bool) -> Array:
    """When each epoch begins and ends, in seconds, shape ``[2, rounds, backends, turns]``."""
    epochs_s, starts_s = np.array(setting.epochs_s), np.array(setting.starts_s)
    begins = np.zeros((3, turns))
    if in_turns:
        ahead = np.cumsum(epochs_s) - epochs_s
        begins = (starts_s.sum() + ahead)[:, None] + np.arange(turns) * epochs_s.sum()
    else:
        whole_s = starts_s + turns * epochs_s
        first = np.cumsum(whole_s) - whole_s + starts_s
        begins = first[:, None] + np.arange(turns) * epochs_s[:, None]
    every = np.arange(rounds)[:, None, None] * round_s(setting, turns) + begins
    return np.stack([every, every + epochs_s[:, None]])


def _machine(setting: Setting, rng: np.random.Generator, campaigns: int, spans: Array) -> Array:
    """The mean of the machine's log slowness over each span."""
    points = 2 * int(spans.max() / GRID_S / 2 + 2)
    waves = np.zeros((campaigns, points))
    if setting.flicker:
        spectrum = rng.normal(size=(campaigns, points // 2 + 1, 2)) @ np.array([1, 1j])
        power = 1 / np.sqrt(np.maximum(np.arange(points // 2 + 1), 1))
        power[0] = 0.0
        flicker = np.fft.irfft(spectrum * power, n=points, axis=1)
        waves += flicker * (setting.flicker / np.sqrt(flicker.var(axis=1).mean()))
    if setting.walk:
        steps = rng.normal(0, setting.walk * np.sqrt(GRID_S / 60), (campaigns, points))
        waves += np.cumsum(steps, axis=1)
    sums = np.concatenate([np.zeros((campaigns, 1)), np.cumsum(waves, axis=1)], axis=1)
    first = (spans[0] / GRID_S).astype(int)
    last = np.maximum(np.round(spans[1] / GRID_S).astype(int), first + 1)
    return (sums[:, last] - sums[:, first]) / (last - first)
