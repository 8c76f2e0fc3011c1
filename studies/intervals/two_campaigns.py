"""Compare two-sample intervals and print the tables of ``docs/studies/two-campaigns.md``.

Run where the harness is installed; it takes about ten seconds::

    python -m studies.intervals.two_campaigns --into docs/studies/two-campaigns.md

Without ``--into`` the tables go to the terminal. All of it is seeded: a second run changes nothing.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from studies.intervals.one_campaign import table
from studies.intervals.shift_candidates import CANDIDATES
from studies.intervals.simulated import beyond, within
from studies.intervals.simulated_two import LOPSIDED, SETTINGS, SIZES, simulate

MARGIN = math.log1p(0.02)
TRUE_DIFFERENCE = math.log(1.05)
BEGIN, END = "<!-- study: begin -->", "<!-- study: end -->"


def ranges() -> Iterator[str]:
    """Lowest and highest over the settings, for every candidate and size."""
    yield "### Lowest and highest over the fourteen settings, in percent"
    yield ""
    yield "Coverage · largest share of false verdicts at a margin of 2% · a true 5% found, mean."
    yield ""
    rows = []
    for before, after in [*SIZES, *LOPSIDED]:
        row = [f"{before} + {after}"]
        for method in CANDIDATES.values():
            covered, false, found = [], [], []
            for setting in SETTINGS:
                low, high = method(*simulate(setting, before, after), 0.95)
                covered.append(within(low, high, 0.0))
                false.append(beyond(low, high, MARGIN))
                found.append(np.mean(low + TRUE_DIFFERENCE > MARGIN))
            mark = "" if min(covered) >= 0.93 and max(covered) <= 0.98 else "**"
            share = f"{mark}{100 * min(covered):.1f}–{100 * max(covered):.1f}{mark}"
            row.append(f"{share} · {100 * max(false):.1f} · {100 * np.mean(found):.0f}")
        rows.append(row)
    yield from table(("trials", *CANDIDATES), rows)


def settings() -> Iterator[str]:
    """The chosen interval, setting by setting."""
    yield "### The chosen interval, setting by setting, in percent"
    yield ""
    yield "Coverage · median half-width · false verdicts · true 5% found."
    yield ""
    rows = []
    for setting in SETTINGS:
        row = [setting]
        for before, after in SIZES:
            low, high = CANDIDATES["chosen"](*simulate(setting, before, after), 0.95)
            row.append(
                f"{100 * within(low, high, 0.0):.1f} · ±{50 * np.median(high - low):.1f} · "
                f"{100 * beyond(low, high, MARGIN):.1f} · "
                f"{100 * np.mean(low + TRUE_DIFFERENCE > MARGIN):.0f}"
            )
        rows.append(row)
    yield from table(("setting", *(f"{m} + {n}" for m, n in SIZES)), rows)


def main() -> None:
    """Print all tables, or write them between the marks of a Markdown file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, help="Markdown file with the marks of the study")
    into = parser.parse_args().into
    text = "\n".join(line for part in (ranges, settings) for line in part())
    if into is None:
        sys.stdout.write(text)
        return
    before, _, rest = into.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    into.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
