"""A campaign in several slots: each carries out one of its own, by the same loop as elsewhere."""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from harness import probe
from harness.analysis.work import asked as asked_of
from harness.cli import asking, machines_progress, outcome, readiness
from harness.cli.options import CampaignRequest
from harness.cli.readiness import Equipped
from harness.errors import ExitCode, HarnessError, UnavailableError
from harness.launch.campaign import work
from harness.launch.campaign.contracts import Outcome
from harness.launch.campaign.forecast import describe
from harness.launch.campaign.loop import run_campaign
from harness.launch.campaign.work import Work
from harness.launch.cluster import slot as on_worker
from harness.launch.cluster.connection import (
    ClusterLostError,
    Connection,
    EndedError,
    SlotLostError,
)
from harness.records.cluster import Measured, read_answer
from harness.records.decoding import UndecodableError
from harness.records.plan import Plan
from harness.records.preflight import Refusal
from harness.store import folder as store
from harness.words import count, listed

if TYPE_CHECKING:
    from rich.console import Console

    from harness.cli.asking import Say
    from harness.scenario import Scenario

MACHINES = "machines"
"""The folder below the results folder that holds one for each slot."""

LOOK_S = 0.5
"""Seconds between two looks whether a slot has given a share back."""

LOST = (SlotLostError, ClusterLostError, EndedError)


@dataclass
class _Part:
    """What one slot has done so far; ``begun`` are the shares of an earlier run to go on with."""

    equipped: Equipped
    begun: list[Plan] = field(default_factory=list)
    measures: bool = False
    works: list[Work] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    lost: str | None = None
    error: BaseException | None = None

    @property
    def name(self) -> str:
        return self.equipped.name


class MachinesCampaign:
    """A campaign in several slots."""

    def __init__(
        self,
        request: CampaignRequest,
        plan: Plan,
        *,
        scenario: Scenario,
        connection: Connection,
        equipped: Sequence[Equipped],
        say: Console,
    ) -> None:
        self._request = request
        self._scenario = scenario
        self._connection = connection
        self._plan = plan
        self._say = say
        self._parts = [_Part(one) for one in equipped]
        self._shared_out = request.shares_points and len(_points(plan)) > 1
        self._left: queue.SimpleQueue[Plan] = queue.SimpleQueue()
        self._started_s = time.monotonic()
        self._unmeasured = 0  # of shares that earlier runs measured to their end

    def describe(self, tell: Say) -> None:
        """Print what will be measured, where, and for how long."""
        there = self.first_work()
        *lines, length = describe(there.plan, there.durations, there.rounds, (), there.why)
        for line in lines:
            tell(line)
        first = self._parts[0].equipped
        for place, placement in first.placed.items():
            tell(f"  {place}: {placement.interpreter}")
        machines = {part.equipped.ready.machine for part in self._parts}
        where = f"{count(len(self._parts), 'slot')} of {count(len(machines), 'machine')}"
        points = len(_points(self._plan))
        if self._shared_out:
            tell(
                f"{length} if one slot did all; {count(points, 'point')} shared out among {where}: "
                "backends are compared on the machine that has the point"
            )
        else:
            tell(f"{length} in each of {where}: every slot measures all, and each has a ratio")
        tell(f"  slots: {listed([_described(part) for part in self._parts], '; ')}")
        if crowded := readiness.disturbing([part.equipped for part in self._parts]):
            tell(crowded)

    def first_work(self) -> Work:
        """What a slot that did all of it would have to do."""
        return work.begin(self._plan, store.load(self._request.results))

    def measure(self, refused: Sequence[Refusal]) -> ExitCode:
        """Have every slot measure, and show what there is."""
        request = self._request
        bytes_ = store.RECORD_BYTES * max(1, len(self._plan.cells)) * len(self._parts)
        store.ensure_writable(request.results, bytes_)
        shares = _points(self._plan) if self._shared_out else [self._plan]
        if request.resume:
            for part in self._parts:
                with contextlib.suppress(SlotLostError, EndedError):  # its thread says so
                    self._collect(part)
            shares = self._not_done(shares)
        for share in shares if self._shared_out else ():
            self._left.put(share)
        names = [part.name for part in self._parts]
        with machines_progress.shown(self._say, names, self._scenario.metric) as progress:
            threads = [
                threading.Thread(target=self._work_off, args=(part, progress), daemon=True)
                for part in self._parts
            ]
            for thread in threads:
                thread.start()
            self._wait_for(threads)
        return self._conclude(refused)

    def _wait_for(self, threads: Sequence[threading.Thread]) -> None:
        """Until all have ended; Ctrl-C ends what they measure."""
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.5)
        except KeyboardInterrupt:
            self._connection.end([part.equipped.slot for part in self._parts])
            with contextlib.suppress(KeyboardInterrupt):  # a second one ends the waiting
                for thread in threads:
                    thread.join(30)

    def _work_off(self, part: _Part, progress: machines_progress.Machines) -> None:
        try:
            if not self._shared_out:
                self._carry_out(part, self._plan, progress)
                return
            while part.lost is None and not self._connection.ended:
                share = self._next(part)
                if share is None:
                    break
                self._carry_out(part, share, progress)
                if part.lost is not None:
                    self._left.put(share)  # another slot measures it, from its first round on
                part.measures = False
        except LOST as error:
            part.lost = str(error) or "its worker went away"
        except BaseException as error:  # noqa: BLE001 - raised where it can be dealt with
            part.error = error
        finally:
            part.measures = False
            progress.ended(part.name, part.lost if not self._connection.ended else None)

    def _next(self, part: _Part) -> Plan | None:
        """What the slot is to measure next; ``None`` once no slot can give one back any more."""
        while not self._connection.ended:
            others = any(one.measures for one in self._parts if one is not part)
            part.measures = True  # before it has one: whoever looks meanwhile waits
            if part.begun:
                return part.begun.pop()
            with contextlib.suppress(queue.Empty):
                return self._left.get_nowait()
            part.measures = False
            if not others:
                break
            time.sleep(LOOK_S)
        return None

    def _carry_out(self, part: _Part, share: Plan, progress: machines_progress.Machines) -> None:
        request, equipped = self._request, part.equipped
        root = self._folder(part)
        there = self._work(part, share, root)
        store.sweep(root)
        store.add_plan(root, there.plan)
        key = there.plan.run_id
        launcher = equipped.launcher(
            self._connection, request, key, lambda line: progress.say(part.name, line)
        )
        for line in there.remarks:
            progress.say(part.name, line)
        left = run_campaign(
            there.plan,
            launcher,
            root,
            progress.of(part.name, adaptive=there.plan.adaptive),
            durations=there.durations,
            table=equipped.table,
            harness=probe.provenance(),
            present=there.present,
            gaps=there.gaps,
            speed_probe=launcher.speed,
            rates=launcher.rates,
            started_s=self._started_s,
            campaign=request.results.resolve().name,
        )
        part.works.append(there)
        if launcher.lost is not None:
            part.lost = launcher.lost
            left = msgspec.structs.replace(
                left, interrupted=False, ended=launcher.lost, planned=len(left.saved)
            )
        part.outcomes.append(outcome.still_there(left, root, there.plan))
        part.equipped = dataclasses.replace(equipped, slot=launcher.slot)
        if part.lost is None and not left.lost and not self._connection.ended:
            self._connection.call(launcher.slot, on_worker.forget, [key])

    def _folder(self, part: _Part) -> Path:
        return self._request.results / MACHINES / part.name

    def _work(self, part: _Part, share: Plan, root: Path) -> Work:
        share = msgspec.structs.replace(share, run_id=secrets.token_hex(4))
        earlier = store.load(root) if root.is_dir() else store.Results(records=[], broken=[])
        begun = any(plan.cells == share.cells for plan in earlier.plans)
        if not self._request.resume or not begun:
            return work.begin(share, earlier)
        return work.go_on(share, earlier, part.equipped.circumstances(share))

    def _collect(self, part: _Part) -> None:
        """Store what an earlier run measured there and its scheduler took along when it died."""
        root = self._folder(part)
        if not root.is_dir():
            return
        earlier = store.load(root)
        keys = [plan.run_id for plan in earlier.plans]
        content = self._connection.call(part.equipped.slot, on_worker.kept, keys)
        try:
            measured = read_answer(content, Measured)
        except UndecodableError:
            return
        known = {_identity(record) for record in earlier.records}
        for record in measured.records:
            if record.run_id in keys and _identity(record) not in known:
                store.save(root, record)
        self._connection.call(part.equipped.slot, on_worker.forget, keys)

    def _not_done(self, shares: Sequence[Plan]) -> list[Plan]:
        """The shares that no slot has begun; those that one did not end, it goes on with.

        Raises:
            HarnessError: if no earlier run began any of them.
        """
        root = self._request.results / MACHINES
        folders = sorted(root.iterdir()) if root.is_dir() else []
        earlier = {folder.name: store.load(folder) for folder in folders}
        left, begun = [], False
        for share in shares:
            states = {name: self._is_done(share, there) for name, there in earlier.items()}
            begun = begun or any(state is not None for state in states.values())
            owners = [part for part in self._parts if states.get(part.name) is False]
            if True not in states.values() and owners:
                owners[0].begun.append(share)
            elif True not in states.values():
                left.append(share)
        if not begun:
            raise HarnessError(
                "there is no campaign to go on with: the results folder holds no plan of these "
                "points. Leave out --resume to begin one, or name its folder with --results"
            )
        return left

    def _is_done(self, share: Plan, earlier: store.Results) -> bool | None:
        """Whether a slot has measured all of a share; ``None`` if it did not begin."""
        if not any(plan.cells == share.cells for plan in earlier.plans):
            return None
        there = work.go_on(share, earlier, self._parts[0].equipped.circumstances(share))
        done = not there.gaps and not there.rounds
        if done and self._shared_out:  # it is not begun again, which would count them
            self._unmeasured += there.unmeasured
        return done

    def _conclude(self, refused: Sequence[Refusal]) -> ExitCode:
        for part in self._parts:
            if part.error is not None:
                raise part.error
        tell, request = asking.speaker(self._say), self._request
        outcomes = [one for part in self._parts for one in part.outcomes]
        if not outcomes and any(part.lost for part in self._parts):
            told = [f"{part.name}: {part.lost}" for part in self._parts if part.lost]
            raise UnavailableError("\n".join(["nothing was measured.", *told]))
        merged = self._merged(outcomes, refused)
        works = [one for part in self._parts for one in part.works]
        there = works[0] if works else self.first_work()
        unmeasured = self._unmeasured + sum(one.unmeasured for one in works)
        code = outcome.exit_code(merged, unmeasured)
        lost = [part for part in self._parts if part.lost is not None]
        for why in dict.fromkeys(str(part.lost) for part in lost):
            named = listed([part.name for part in lost if part.lost == why])
            tell(f"{named}: {why}; what was measured is kept, and --resume goes on")
        said = outcome.show(
            merged,
            there,
            request.results,
            self._say,
            variants=not request.swept,
            typed=request.typed_again,
        )
        if lost and code == ExitCode.OK:
            code = ExitCode.TRIAL_FAILED
        if request.as_json:
            outcome.print_outcome(merged, said, request.results, code)
        return code

    def _merged(self, outcomes: Sequence[Outcome], refused: Sequence[Refusal]) -> Outcome:
        reasons = list(dict.fromkeys(one.ended for one in outcomes))
        return Outcome(
            saved=[saved for one in outcomes for saved in one.saved],
            interrupted=self._connection.ended,
            lost=[line for one in outcomes for line in one.lost],
            planned=sum(one.planned for one in outcomes),
            repeated=sum(one.repeated for one in outcomes),
            ended="; ".join(reasons),
            standing=None,
            wall_s=time.monotonic() - self._started_s,
            refused=refused,
            slots=len(self._parts),
        )


def _described(part: _Part) -> str:
    equipped = part.equipped
    return f"{part.name} ({count(equipped.ready.cpus, 'CPU')}, worker {equipped.slot.worker})"


def _points(plan: Plan) -> list[Plan]:
    """``plan`` for each point by itself: the cells that differ in backend or mode alone."""
    found: dict[bytes, list[Any]] = {}
    for cell in plan.cells:
        found.setdefault(asked_of(cell), []).append(cell)
    return [msgspec.structs.replace(plan, cells=cells) for cells in found.values()]


def _identity(record: Any) -> tuple[Any, ...]:
    return record.cell.digest, record.seed, record.round, record.run_id, record.started_at
