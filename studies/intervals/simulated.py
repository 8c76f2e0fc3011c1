"""Simulated campaigns: paired log-ratios of two cells whose true ratio is known.

Two kinds. The made-up ones have one fault each, the size of which is known. The real ones draw
processes from 75 that were measured (``fit_trials.jsonl``) and, in each, epochs anew, so that
a process is never repeated to the last digit.

The truth is the population value of what ``harness.analysis.speed.interval`` estimates: the
pseudo-median of the paired log-ratio. It is exact where both cells have one distribution, which
makes the difference symmetric, and otherwise taken from a million draws.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], Array]

FIT_TRIALS = Path(__file__).with_name("fit_trials.jsonl")
WARM_UP = 3
"""Epochs left out of a real process here: method.md's figures are from the nine that follow."""

MEASURED_SPREAD = {"jax": 0.030, "tensorflow": 0.052, "torch": 0.043}
"""Between-process standard deviations from 50 processes a backend (``docs/method.md``)."""


@cache
def step_times(backend: str) -> Array:
    """All real epochs of one backend, shape ``[processes, epochs]``, in seconds."""
    trials = [json.loads(line) for line in FIT_TRIALS.read_text().splitlines()]
    return np.array([t["epoch_step_time_s"] for t in trials if t["backend"] == backend])


def real(backend: str) -> Draw:
    """Figures of processes drawn from the real ones: log of the median of nine epochs."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        steady = np.log(step_times(backend)[:, WARM_UP:])
        processes = rng.integers(0, len(steady), (*shape, 1))
        epochs = rng.integers(0, steady.shape[1], (*shape, steady.shape[1]))
        return np.median(steady[processes, epochs], axis=-1)

    return draw


def normal(spread: float) -> Draw:
    """Figures with normal noise of this standard deviation."""
    return lambda rng, shape: rng.normal(0, spread, shape)


def heavy(spread: float) -> Draw:
    """Figures with Student-t noise of three degrees of freedom, scaled to this deviation."""
    return lambda rng, shape: rng.standard_t(3, shape) * (spread / np.sqrt(3))


def sometimes_slow(spread: float) -> Draw:
    """Normal figures, but one process of 25 is 10 to 40% slow, as one of TensorFlow's was."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        slow = rng.random(shape) < 1 / 25
        return rng.normal(0, spread, shape) + slow * rng.uniform(0.1, 0.4, shape)

    return draw


def correlated_epochs(spread: float, scatter: float, correlation: float) -> Draw:
    """Figures that are medians of nine epochs, each leaning on the one before it (AR(1))."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        noise = rng.normal(0, 1, (*shape, 9))
        for epoch in range(1, 9):
            fresh = np.sqrt(1 - correlation**2) * noise[..., epoch]
            noise[..., epoch] = correlation * noise[..., epoch - 1] + fresh
        return rng.normal(0, spread, shape) + np.median(scatter * noise, axis=-1)

    return draw


def independent(first: Draw, second: Draw) -> Draw:
    """Log-ratios of two cells, every process on its own."""
    return lambda rng, shape: first(rng, shape) - second(rng, shape)


def drifting(cell: Draw) -> Draw:
    """Log-ratios on a machine that slows by 10% over the campaign and wanders as it goes.

    Both cells of a round share what the machine did until then. From one trial to the next it moves
    on, which hits either cell, since rounds are shuffled.
    """

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        campaigns, rounds = shape
        moves = 0.10 / (2 * rounds) + rng.normal(0, 0.01, (campaigns, 2 * rounds))
        machine = np.cumsum(moves, axis=1).reshape(campaigns, rounds, 2)
        machine = rng.permuted(machine, axis=-1)
        return cell(rng, shape) - cell(rng, shape) + machine[..., 0] - machine[..., 1]

    return draw


SETTINGS: dict[str, Draw] = {
    "normal, spread 2%": independent(normal(0.02), normal(0.02)),
    "normal, spread 5.2%": independent(normal(0.052), normal(0.052)),
    "heavy tails, spread 5.2%": independent(heavy(0.052), heavy(0.052)),
    "rare slow processes": independent(sometimes_slow(0.03), sometimes_slow(0.03)),
    "rare slow processes, one side": independent(sometimes_slow(0.03), normal(0.03)),
    "autocorrelated epochs": independent(*2 * [correlated_epochs(0.03, 0.05, 0.8)]),
    "drift": drifting(heavy(0.03)),
    "real jax / jax": independent(real("jax"), real("jax")),
    "real tensorflow / tensorflow": independent(real("tensorflow"), real("tensorflow")),
    "real torch / torch": independent(real("torch"), real("torch")),
    "real jax / tensorflow": independent(real("jax"), real("tensorflow")),
    "real jax / torch": independent(real("jax"), real("torch")),
    "real tensorflow / torch": independent(real("tensorflow"), real("torch")),
}
"""Every name is a setting that the bounds of the method must hold in."""

UNEQUAL = {
    "rare slow processes, one side",
    "real jax / tensorflow",
    "real jax / torch",
    "real tensorflow / torch",
}
"""Settings in which the two cells are not of one distribution."""


@cache
def population(setting: str) -> tuple[float, float]:
    """The true pseudo-median and the true mean of a setting's log-ratio; 0 where symmetric."""
    if setting not in UNEQUAL:
        return 0.0, 0.0
    draws = SETTINGS[setting](np.random.default_rng(2022), (1_000_000, 2))
    return float(np.median(draws.mean(axis=1))), float(draws.mean())


def simulate(
    setting: str, rounds: int, *, campaigns: int = 2000, seed: int = 1, ratio: float = 1.0
) -> Array:
    """Log-ratios, shape ``[campaigns, rounds]``, with the pseudo-median at ``log(ratio)``.

    One seed always gives one result, whatever else was drawn before.
    """
    rng = np.random.default_rng([seed, rounds, list(SETTINGS).index(setting)])
    draws = SETTINGS[setting](rng, (campaigns, rounds))
    return draws - population(setting)[0] + np.log(ratio)


def within(low: Array, high: Array, truth: float) -> float:
    """Share of intervals that hold the truth."""
    return float(np.mean((low <= truth) & (truth <= high)))


def beyond(low: Array, high: Array, margin: float) -> float:
    """Share of intervals that lie wholly beyond the margin on either side: faster or slower."""
    return float(np.mean((low > margin) | (high < -margin)))
