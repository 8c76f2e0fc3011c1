"""What a command takes where nothing is asked for. Each value is here once, help texts included."""

from __future__ import annotations

MARGIN = 0.02
"""Differences below 2% are of no consequence to a reader, and within what a rebuild can bring."""

SEED = 42
"""Of one training: `harness parity` and `harness anatomy`."""

SEEDS = "42-44"
"""Of `harness run --repetitions`, which fixes the number of rounds."""

PRECISION = 0.05
"""Of `harness run` where nobody says how long to go on: half-width of every pair's interval, as a
share. Between the backends of results/reference the step time differs by 1.4 times and more, so an
interval of this width lies beyond the margin by far."""

PRECISION_OF_VERSIONS = 0.02
"""The same where a backend is there twice, in two environments: most versions differ by less than
5%, and with a half-width of 5% a step that is 5% slower gets no verdict."""

LIMIT_S = 180.0
"""The wall time of such a run. A round of three backends took 15 s in results/reference and 28 s in
results/reference-again (medians), so 6 to 12 rounds fit."""

SWEEP_SEEDS = "42"
"""One process for each point, since the others on the curve tell how far it can be trusted."""

ADAPTIVE_SEEDS = "42-61"
"""Twenty take turns where rounds are many: each new one also tells more about quality."""

TIMEOUT_S = 600.0

SWEEP_TIMEOUT_S = 3600.0
"""At ten million embedding rows a step takes a thousand times as long as at ten thousand."""

BUDGET_S = 600.0
"""Where a precision is asked for without a budget: some are out of reach on some machines."""

TIME_BUDGET_S = 5.0

ADAPTIVE_TIME_BUDGET_S = 0.25
"""As few epochs as a trial may have, eight that count for the tutorial. A process costs 2 to 5 s
beside its training, an epoch 0.1 to 0.9 s, and processes spread by 3 to 5% however long each one
trains. In simulated campaigns in turns, on two measured machines, eight counted epochs are at most
a fifth wider than the narrowest interval at any wall time, and twice as many are always wider
(``docs/studies/pairs-in-turns.md``)."""
