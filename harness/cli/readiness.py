"""What a slot of a cluster has for a campaign: asked in the slot, and compared between slots."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from harness import __version__, data, scenario_files
from harness.cli import asking
from harness.cli.asking import Say
from harness.cli.options import Request
from harness.errors import HarnessError, UnavailableError
from harness.launch import lock
from harness.launch.campaign import work
from harness.launch.campaign.resume import Circumstances
from harness.launch.cluster import connection as cluster
from harness.launch.cluster import slot as on_worker
from harness.launch.cluster.connection import Connection, EndedError, Slot, SlotLostError
from harness.launch.cluster.launcher import ClusterLauncher
from harness.launch.cluster.slot import Means
from harness.launch.devices import Placement
from harness.launch.environments import Interpreter
from harness.probe.cpu import cpu, usable
from harness.probe.machine import WITH_HOST_VARIABLE, hostname, machine_id
from harness.records.cell import place_of
from harness.records.cluster import Place, Readiness, read_answer
from harness.records.decoding import UndecodableError
from harness.records.plan import Plan
from harness.scenario import find, sources_sha256
from harness.scenario_files import program_path
from harness.words import joined, listed

_NAME = re.compile(r"\w[\w.-]{0,252}")
"""Of a machine in the network, or the hash in its place."""

MOST_AT_ONCE = 32
"""Slots that are asked at the same time; each answer is waited for in a thread."""


def readiness(request: Request, variables: Mapping[str, str]) -> bytes:
    """What this slot has for ``request``; runs in a Dask worker.

    Args:
        request: what was asked.
        variables: where the user's own scenarios are, as on the machine of the command.

    Returns:
        A :class:`harness.records.cluster.Readiness`, as JSON.
    """
    on_worker.use(variables)
    said: list[str] = []
    processor = cpu()
    here = Readiness(
        machine=hostname(os.environ),
        machine_id=machine_id(processor),
        harness=__version__,
        cpus=len(usable()),
    )
    if (other := lock.holder()) is not None:
        said.append(f"waits for another campaign there ({other})")
    try:
        scenario = find(request.scenario)
        texts, swept = request.settings, getattr(request, "swept", {})
        asked = asking.points(scenario, texts, swept, asking.of_program(scenario, request))
        placed = asking.placements(request, said.append, variable=None)
        packages = work.packages_of(placed)
        table = asking.table(request, scenario, asked, said.append)
        here = msgspec.structs.replace(
            here,
            places={
                place: Place(
                    backend=placement.interpreter.backend,  # type: ignore[arg-type]  # checked
                    name=placement.interpreter.name or None,
                    python=str(placement.interpreter.python),
                    origin=placement.interpreter.origin,
                    device=placement.device,
                    packages=packages[place],
                )
                for place, placement in placed.items()
            },
            table=None if table is None else str(table),
            table_sha256=None if table is None else data.load(table).ratings_sha256,
            scenario_version=scenario.version,
            scenario_sha256=sources_sha256(scenario.source),
        )
    except HarnessError as error:
        here = msgspec.structs.replace(here, problem=str(error))
    return msgspec.json.encode(msgspec.structs.replace(here, said=said))


@dataclass(frozen=True)
class Equipped:
    """A slot that has what a campaign needs, under its ``name`` in the campaign."""

    slot: Slot
    name: str
    ready: Readiness
    pass_env: tuple[str, ...]
    variables: Mapping[str, str]

    @property
    def placed(self) -> dict[str, Placement]:
        """Interpreter and device of each place, as they are there."""
        return {
            name: Placement(
                interpreter=Interpreter(
                    backend=place.backend,
                    python=Path(place.python),
                    origin=place.origin,
                    name=place.name or msgspec.UNSET,
                    pass_env=self.pass_env,
                ),
                device=place.device,
            )
            for name, place in self.ready.places.items()
        }

    @property
    def table(self) -> Path | None:
        """The rating table there."""
        return None if self.ready.table is None else Path(self.ready.table)

    def means(self, request: Request, key: str) -> Means:
        """What tasks of ``request`` run with there."""
        return Means(
            key=key,
            interpreters={place: one.interpreter for place, one in self.placed.items()},
            timeout_s=request.timeout_s,
            memory_limit_bytes=request.memory_limit_bytes,
            pass_env=self.pass_env,
            program=program_path(request.scenario),
            variables=self.variables,
        )

    def launcher(
        self, connection: Connection, request: Request, key: str, say: Say
    ) -> ClusterLauncher:
        """Runs tasks of ``request`` there."""
        return ClusterLauncher(connection, self.slot, self.means(request, key), say)

    def circumstances(self, plan: Plan) -> dict[str, Circumstances]:
        """What each cell of ``plan`` would run under there now, by its digest."""
        return {
            cell.digest: Circumstances(
                scenario_version=self.ready.scenario_version,
                table_sha256=self.ready.table_sha256,
                packages=self.ready.places[cell.place].packages,
                scenario_sha256=self.ready.scenario_sha256,
            )
            for cell in plan.cells
        }


def equip(
    connection: Connection,
    request: Request,
    say: Say,
    *,
    exclusive: bool,
    variable: str | None = "KERAS_BACKEND",
) -> list[Equipped]:
    """The slots that can carry out ``request``, all with the same packages, scenario and data.

    Most of the slots decide what that is; each of the others is left out, and said with its reason.

    Args:
        connection: to the cluster.
        request: what was asked.
        say: prints what a person is to know of a slot.
        exclusive: whether to use one slot of each machine.
        variable: the environment variable that names the backend where the request does not.

    Raises:
        UnavailableError: if there is no slot, or none of them can.
    """
    slots = connection.slots()
    asked, variables = _as_sent(request, variable)
    with ThreadPoolExecutor(min(len(slots), MOST_AT_ONCE)) as pool:
        try:
            found = list(pool.map(lambda slot: _ask(connection, slot, asked, variables), slots))
        except KeyboardInterrupt:
            connection.end(slots)  # else the pool would wait until all have answered
            pool.shutdown(cancel_futures=True)
            raise
    names = cluster.names_of(slots, [ready.machine for ready in found])
    given = tuple(request.pass_env)
    equipped = [
        Equipped(slot=slot, name=name, ready=ready, pass_env=given, variables=variables)
        for slot, name, ready in zip(slots, names, found, strict=True)
    ]
    for line in _said(equipped):
        say(line)
    usual = Counter(map(_kind, (one.ready for one in equipped if one.ready.problem is None)))
    if not usual:
        told = dict.fromkeys(f"{one.name}: {one.ready.problem}" for one in equipped)
        raise UnavailableError("\n".join(["no slot can carry that out.", *told]))
    most = usual.most_common(1)[0][0]
    standard = next(one for one in equipped if _kind(one.ready) == most)
    left_out: dict[str, list[str]] = defaultdict(list)
    for one in equipped:
        if why := one.ready.problem or "; ".join(_differences(one.ready, standard.ready)):
            left_out[why].append(one.name)
    for why, named in left_out.items():
        say(f"left out: {listed(named)}: {why}")
    good = [one for one in equipped if _kind(one.ready) == most]
    return _one_of_each(good) if exclusive else good


def disturbing(equipped: Sequence[Equipped]) -> str:
    """That several slots of one machine disturb each other; empty where each has its own."""
    machines = Counter(one.ready.machine for one in equipped)
    crowded = [name for name, number in machines.items() if number > 1]
    if not crowded:
        return ""
    where = crowded[0] if len(crowded) == 1 else f"{len(crowded)} machines"
    return (
        f"several slots on {where} share its caches, its memory and its clock rate, and disturb "
        "each other: --exclusive uses one of each machine"
    )


def _said(equipped: Sequence[Equipped]) -> Iterator[str]:
    """What slots have to say, each line once, with whose it is where it is not that of all."""
    by_line: dict[str, list[str]] = defaultdict(list)
    for one in equipped:
        for line in dict.fromkeys(one.ready.said):
            by_line[line].append(one.name)
    for line, named in by_line.items():
        yield line if len(named) == len(equipped) else f"{listed(named)}: {line}"


def _as_sent(request: Request, variable: str | None) -> tuple[Request, dict[str, str]]:
    """The request without what means something else elsewhere, and the variables it goes with."""
    by_variable = os.environ.get(variable or "")
    backends = request.backends or ([by_variable] if by_variable else [])
    variables = {n: os.environ[n] for n in on_worker.USERS_OWN if n in os.environ}
    if folders := scenario_files.entries(os.environ):
        variables[scenario_files.SEARCH_PATH_VARIABLE] = os.pathsep.join(map(str, folders))
    if request.with_host:
        variables[WITH_HOST_VARIABLE] = "1"
    path = program_path(request.scenario)
    return replace(request, backends=backends, scenario=path or request.scenario), variables


def _ask(
    connection: Connection, slot: Slot, request: Request, variables: dict[str, str]
) -> Readiness:
    try:
        content = connection.call(slot, readiness, request, variables)
        return _checked(read_answer(content, Readiness))
    except (SlotLostError, EndedError):
        why = "its worker went away"
    except UndecodableError as error:
        why = f"it answers something else: {error}"
    except (ImportError, AttributeError) as error:
        why = f"its harness is another one: {error}"
    return Readiness(machine=slot.worker, machine_id="", harness="unknown", cpus=0, problem=why)


def _checked(ready: Readiness) -> Readiness:
    """Refuse names that are none: folders are called after machines, and cells after places.

    Raises:
        UndecodableError: naming the first of them.
    """
    if not _NAME.fullmatch(ready.machine):
        raise UndecodableError(f"{ready.machine!r} is no name of a machine")
    for name, place in ready.places.items():
        if name != place_of(place.backend, place.name or msgspec.UNSET):
            raise UndecodableError(f"{name!r} is no name of a place")
    return ready


def _kind(ready: Readiness) -> bytes | None:
    """What must be the same in all slots of a campaign; ``None`` for one that cannot."""
    if ready.problem is not None:
        return None
    return msgspec.json.encode(
        [
            ready.harness,
            {name: (place.device, place.packages) for name, place in ready.places.items()},
            ready.table_sha256,
            ready.scenario_version,
            ready.scenario_sha256,
        ],
        order="sorted",
    )


def _differences(ready: Readiness, standard: Readiness) -> Iterator[str]:
    """In what a slot differs from the others, with the command that repairs it."""
    if ready.harness != standard.harness:
        yield f"its harness is {ready.harness}, that of the others {standard.harness}"
    for name in standard.places:
        if name not in ready.places:
            yield f"it has no {name}: `harness env make` there, or --yes, makes an environment"
    if more := [name for name in ready.places if name not in standard.places]:
        yield f"it has {joined(more)} too: name the backends with --backend"
    for name in standard.places.keys() & ready.places.keys():
        mine, theirs = ready.places[name], standard.places[name]
        if mine.device != theirs.device:
            yield f"{name} runs on its {mine.device}, elsewhere on the {theirs.device}"
        other = [
            f"{package} {mine.packages.get(package, 'missing')} for {version}"
            for package, version in theirs.packages.items()
            if mine.packages.get(package) != version
        ]
        if other:
            yield f"its {name} has {', '.join(other)}: `harness env update` there"
    if ready.table_sha256 != standard.table_sha256:
        yield "its rating table has other content: `harness data verify` there"
    if (ready.scenario_version, ready.scenario_sha256) != (
        standard.scenario_version,
        standard.scenario_sha256,
    ):
        yield "its source of the scenario is another one"


def _one_of_each(equipped: Sequence[Equipped]) -> list[Equipped]:
    first: dict[str, Equipped] = {}
    for one in equipped:
        first.setdefault(one.ready.machine, one)
    return list(first.values())
