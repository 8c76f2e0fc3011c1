"""What a campaign will measure: axes → cells → shuffled rounds, and when it ends.

A round holds one trial of every cell, so that slow drift of the machine hits all cells alike; the
order inside a round is shuffled, so that none always runs after the same neighbour. Any round can
be made from the plan and its number alone, so that a campaign that was killed goes on as planned.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import Annotated

import msgspec

from harness.records.bounds import Count, Number, Seconds, Seed, Share
from harness.records.cell import Cell, Device, Init, Mode, Scalar, Struct, parts_of

CAMPAIGN_SCHEMA = 1
"""Raised whenever a reader of the older ``campaign.json`` would misread the newer one."""


class Axes(Struct, frozen=True, kw_only=True):
    """What is combined with what. ``devices`` names the definite device of each place.

    A place is a backend, or one in an environment with a name (:func:`.trial.place_of`).

    ``settings`` holds complete sets of settings (defaults included), each giving cells of its own.
    """

    scenario: str
    devices: dict[str, Device]
    modes: list[Mode]
    inits: list[Init]
    settings: list[dict[str, Scalar]]
    threads: Sequence[int | None] = (None,)


class PlannedTrial(Struct, frozen=True, kw_only=True):
    """One process to come. Its repetition is known when it starts: the first that is still free."""

    cell: Cell
    seed: Seed
    round: Count
    run_id: str | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """The rounds of one ``harness run``, as a recipe, and how their outcome will be judged.

    ``rounds`` is how many there are; ``None`` for an adaptive campaign, which goes on until every
    pair's interval is as narrow as ``precision`` (a half-width, as a share) or ``budget_s``, the
    wall time of the whole command, is used. ``margin`` is the smallest difference that matters, as
    a share. ``seeds`` take turns, one for all cells of a round. ``first_round`` is above 1 where
    another run of the campaign was gone on with. ``time_budget_s`` is the timed training in each
    trial, after the epochs for quality; where the processes of a round take ``turns``, of the
    slowest of them. The budget ends no campaign before every pair has ``least_rounds``, the number
    that a verdict needs.
    """

    run_id: str
    started_at: str
    cells: Annotated[list[Cell], msgspec.Meta(min_length=1)]
    seeds: Annotated[list[Seed], msgspec.Meta(min_length=1)]
    shuffle_seed: int
    time_budget_s: Seconds
    margin: Share
    rounds: Number | None = None
    precision: Share | None = None
    budget_s: Seconds | None = None
    first_round: Number = 1
    turns: bool = False
    least_rounds: Number = 1

    @property
    def adaptive(self) -> bool:
        """Whether the number of rounds is left to the intervals and the budget."""
        return self.rounds is None

    @property
    def sequential(self) -> bool:
        """Whether the campaign might stop at a precision, which verdicts must then allow for.

        A budget alone looks at no interval, so it is no reason for wider ones.
        """
        return self.adaptive and self.precision is not None

    def round(self, number: int) -> list[PlannedTrial]:
        """Round ``number``, counted from 1: every cell once, with one seed.

        The order is shuffled and balanced: of ``n`` cells each takes every place once in ``n``
        rounds, and follows every other one equally often in ``2n`` (Williams, 1949). A process that
        is started before another is 1 to 3% slower, whatever it trains
        (``docs/studies/pairs-in-turns.md``).
        """
        seed = self.seeds[(number - 1) % len(self.seeds)]
        count = len(self.cells)
        block, row = divmod(number - 1, 2 * count)
        shuffler = random.Random(f"{self.shuffle_seed}/{block}")  # noqa: S311 - an order, no secret
        shuffled = shuffler.sample(self.cells, k=count)
        # 0, n-1, 1, n-2 …: no step between two neighbours comes twice.
        zigzag = [
            place // 2 if place % 2 == 0 else count - 1 - place // 2 for place in range(count)
        ]
        order = [shuffled[(place + row) % count] for place in zigzag]
        return [
            PlannedTrial(cell=cell, seed=seed, round=number, run_id=self.run_id)
            for cell in (order if row < count else reversed(order))
        ]

    def trials(self, rounds: int) -> list[PlannedTrial]:
        """The trials of the first ``rounds`` rounds that this run makes, in order."""
        numbers = range(self.first_round, self.first_round + rounds)
        return list(itertools.chain.from_iterable(map(self.round, numbers)))


class Campaign(Struct, frozen=True, kw_only=True):
    """The content of ``campaign.json``: the plan of every run that left records in the folder.

    It is written before the first trial, so that whoever reads the records later judges them by the
    rules under which they were measured.
    """

    schema: int = CAMPAIGN_SCHEMA
    runs: list[Plan]


def cells(axes: Axes) -> list[Cell]:
    """Every combination of the axes that make a cell, each once, in the order of their labels.

    The order is that of a printed plan; it does not show the shuffle.
    """
    combined = [
        Cell(
            scenario=axes.scenario,
            backend=parts_of(place)[0],  # type: ignore[arg-type]  # checked where it was typed
            name=parts_of(place)[1],
            device=device,
            mode=mode,
            init=init,
            threads=threads,
            settings=settings,
        )
        for (place, device), mode, init, threads, settings in itertools.product(
            axes.devices.items(), axes.modes, axes.inits, axes.threads, axes.settings
        )
    ]
    unique = {cell.digest: cell for cell in combined}
    return sorted(unique.values(), key=lambda cell: (cell.label, cell.init, cell.digest))
