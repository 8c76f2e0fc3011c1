"""What a campaign has to do: all of its plan, or what an earlier run has left of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from harness.backends import package_set
from harness.launch import environments
from harness.launch.campaign import forecast, steering
from harness.launch.campaign.forecast import Durations
from harness.launch.campaign.resume import Circumstances, resume
from harness.launch.devices import Placement
from harness.records.cell import parts_of
from harness.records.plan import Plan, PlannedTrial
from harness.records.trial import Record
from harness.scenario import Scenario, sources_sha256
from harness.store.folder import Results


class Work:
    """What there is to do.

    ``gaps`` are trials of rounds that an earlier run began, to run first; ``present`` are its
    records that count, and ``remarks`` tell why others do not; ``unmeasured`` of them left no
    measurement. ``rounds`` is how many are expected after the gaps, and ``why``, in words, where
    that number comes from.
    """

    def __init__(
        self,
        plan: Plan,
        earlier: Sequence[Record],
        *,
        gaps: Sequence[list[PlannedTrial]] = (),
        present: Sequence[Record] = (),
        remarks: Sequence[str] = (),
        unmeasured: int = 0,
    ) -> None:
        self.plan = plan
        self.gaps = list(gaps)
        self.present = list(present)
        self.remarks = list(remarks)
        self.unmeasured = unmeasured
        self.durations = Durations(earlier)
        guess = steering.foreseen(plan, earlier)
        self.why = _why(guess) if plan.precision is not None else ""
        now = steering.standing(plan, present) if present else None
        further = guess.rounds if now is None else now.further_rounds
        rounds = forecast.expected_rounds(
            plan,
            self.durations.round_s(plan),
            next_round=plan.first_round,
            further=further,
            left_s=plan.budget_s,
        )
        # An adaptive campaign without a record always runs a round, whatever its budget.
        self.rounds = max(rounds, 1) if plan.adaptive and now is None else rounds

    @property
    def last_round(self) -> int:
        """The number of the last round that is expected."""
        return self.plan.first_round + self.rounds - 1

    @property
    def trials(self) -> int:
        """How many trials are expected."""
        return sum(map(len, self.gaps)) + self.rounds * len(self.plan.cells)


def begin(plan: Plan, earlier: Results) -> Work:
    """A campaign from its first round on; what the folder holds only helps to foretell it."""
    # Else short campaigns, one after the other into the same folder, would all have one order.
    shuffle_seed = plan.shuffle_seed + len(earlier.records)
    return Work(msgspec.structs.replace(plan, shuffle_seed=shuffle_seed), earlier.records)


def go_on(plan: Plan, earlier: Results, now: Mapping[str, Circumstances]) -> Work:
    """The rest of the campaign that ``earlier`` runs began.

    Args:
        plan: what was asked now.
        earlier: what the campaign's folder holds.
        now: what each cell would run under, by its digest.

    Raises:
        HarnessError: if the campaign was planned otherwise, or there is none.
    """
    left = resume(plan, earlier.plans, earlier.records, now, now_s=time.time())
    return Work(
        left.plan,
        earlier.records,
        gaps=left.gaps,
        present=left.present,
        remarks=left.remarks,
        unmeasured=left.unmeasured,
    )


def circumstances(
    plan: Plan, scenario: Scenario, placed: Mapping[str, Placement], table: Path | None
) -> dict[str, Circumstances]:
    """What each cell of ``plan`` would run under on this machine now, by its digest.

    Args:
        plan: what was asked.
        scenario: what is trained.
        placed: the interpreter of each place.
        table: the prepared rating table; ``None`` if it is not read, or not known yet.
    """
    sha256 = None
    if table is not None:
        from harness import data

        sha256 = data.load(table).ratings_sha256
    source = sources_sha256(scenario.source)
    packages = packages_of(placed)
    return {
        cell.digest: Circumstances(
            scenario_version=scenario.version,
            table_sha256=sha256,
            packages=packages[cell.place],
            scenario_sha256=source,
        )
        for cell in plan.cells
    }


def packages_of(placed: Mapping[str, Placement]) -> dict[str, dict[str, str]]:
    """Python, NumPy, Keras and the framework of each place, by its name.

    Raises:
        UnavailableError: if an interpreter does not answer.
    """
    found = {}
    for place, placement in placed.items():
        interpreter, backend = placement.interpreter, parts_of(place)[0]
        there = environments.installed(interpreter.python, interpreter.pass_env)
        found[place] = (
            package_set(backend, there.python, there.packages) if there.python is not None else {}
        )
    return found


def _why(guess: steering.Foreseen) -> str:
    basis = "by the records in the folder" if guess.measured else "a guess"
    needed = "more than 1,000" if guess.rounds is None else str(guess.rounds)
    return f"{needed} rounds if paired times spread by {guess.spread:.1%}, {basis}"
