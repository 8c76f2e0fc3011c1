"""Simulated pairs of campaigns: logs of step times of one cell, before and after, truth known.

The single draws are those of ``campaigns.py``, real processes among them. The truth is the
population value of what ``harness.analysis.before_after.shift`` estimates, the median
difference: exactly 0 where both campaigns draw alike, else taken from a million draws.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from studies.intervals.simulated import Draw, correlated_epochs, heavy, normal, real, sometimes_slow

Array = npt.NDArray[np.float64]

SIZES = [(4, 4), (6, 6), (6, 10), (10, 6), (14, 14), (40, 40)]
"""Trials before and after."""

LOPSIDED = [(4, 10), (6, 40), (40, 20)]
"""What the method does not promise for, and the documentation tells of."""

SETTINGS: dict[str, tuple[Draw, Draw]] = {
    "normal, spread 2%": (normal(0.02),) * 2,
    "normal, spread 5.2%": (normal(0.052),) * 2,
    "heavy tails, spread 5.2%": (heavy(0.052),) * 2,
    "rare slow processes": (sometimes_slow(0.03),) * 2,
    "rare slow processes, after only": (normal(0.03), sometimes_slow(0.03)),
    "autocorrelated epochs": (correlated_epochs(0.03, 0.05, 0.8),) * 2,
    "quiet before, disturbed after": (normal(0.02), normal(0.052)),
    "disturbed before, quiet after": (normal(0.052), normal(0.02)),
    "real jax": (real("jax"),) * 2,
    "real tensorflow": (real("tensorflow"),) * 2,
    "real torch": (real("torch"),) * 2,
    "real jax to tensorflow": (real("jax"), real("tensorflow")),
    "real tensorflow to jax": (real("tensorflow"), real("jax")),
    "real torch to jax": (real("torch"), real("jax")),
}
"""The last three stand for an upgrade that changes the shape of the noise altogether."""


@cache
def population(setting: str) -> float:
    """The true median difference of a setting."""
    before, after = SETTINGS[setting]
    rng = np.random.default_rng(2022)
    shape = (1_000_000, 1)
    return float(np.median(after(rng, shape) - before(rng, shape)))


def simulate(
    setting: str,
    before: int,
    after: int,
    *,
    campaigns: int = 2000,
    seed: int = 1,
    ratio: float = 1.0,
) -> tuple[Array, Array]:
    """Two arrays, shape ``[campaigns, trials]``, with the median difference at ``log(ratio)``.

    One seed always gives one result, whatever else was drawn before.
    """
    rng = np.random.default_rng([seed, before, after, list(SETTINGS).index(setting)])
    first, second = SETTINGS[setting]
    # Equal distributions differ by exactly 0; a million draws would be off by a little.
    truth = 0.0 if first is second else population(setting)
    return (
        first(rng, (campaigns, before)),
        second(rng, (campaigns, after)) - truth + np.log(ratio),
    )
