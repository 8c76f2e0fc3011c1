"""The steps of ``harness run`` on a cluster: every slot measures, and nothing crosses machines.

Each slot carries out a campaign of its own, by the same loop as without a cluster, into a folder of
its own below the results folder (``machines/NAME``): its rounds are interleaved on one machine, and
it is gone on with there. ``harness run`` has every slot measure all cells; ``harness sweep`` shares
the points out, each with all its backends to one slot at a time.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.cli import asking, outcome, readiness
from harness.cli.machines_campaign import LOST, MachinesCampaign
from harness.cli.options import CampaignRequest
from harness.cli.readiness import Equipped
from harness.errors import ExitCode
from harness.launch import preflight
from harness.launch.cluster import slot as on_worker
from harness.launch.cluster.connection import (
    Connection,
    connected,
    queued,
)
from harness.launch.cluster.specification import Specification, specify
from harness.records.cluster import Foreseen, read_answer
from harness.records.decoding import UndecodableError
from harness.records.plan import Plan
from harness.records.preflight import Refusal
from harness.words import count

if TYPE_CHECKING:
    from rich.console import Console

    from harness.cli.asking import Say
    from harness.scenario import Scenario, Settings


def carry_out(
    request: CampaignRequest, scenario: Scenario, asked: Sequence[Settings], say: Console
) -> ExitCode:
    """Do what was asked, in every slot of the cluster that can.

    Args:
        request: what was asked; its mistakes are known not to be in the plan.
        scenario: what is trained.
        asked: its settings.
        say: where to print.

    Raises:
        HarnessError: for a mistake in the request or something missing; nothing was measured then.
    """
    try:
        return _carry_out(request, scenario, asked, say)
    except KeyboardInterrupt:  # a campaign deals with its own
        asking.speaker(say)("interrupted before anything was measured")
        return ExitCode.INTERRUPTED


def _carry_out(
    request: CampaignRequest, scenario: Scenario, asked: Sequence[Settings], say: Console
) -> ExitCode:
    tell = asking.speaker(say)
    specification = specification_of(request)
    if request.dry_run and specification.queue is not None:
        show_script(specification, tell)
        return ExitCode.OK
    with connected(specification) as connection:
        wanted = None if specification.queue is None else specification.queue.jobs
        connection.slots(wanted)
        if connection.dashboard:
            tell(f"dashboard: {connection.dashboard}")
        equipped = readiness.equip(connection, request, tell, exclusive=request.exclusive)
        plan = asking.plan(request, asked, equipped[0].placed)
        refused = preflight.without_native_code(plan.cells, scenario)
        plan = preflight.without(plan, refused)
        if not request.dry_run:
            more = _foreseen(connection, request, equipped[0], plan)
            plan = preflight.without(plan, more, refused)
            refused = [*refused, *more]
        for line in preflight.lines(refused):
            tell(line)
        campaign = MachinesCampaign(
            request, plan, scenario=scenario, connection=connection, equipped=equipped, say=say
        )
        campaign.describe(tell)
        if request.dry_run:
            if request.as_json:
                outcome.print_plan(campaign.first_work(), equipped[0].placed, refused)
            return ExitCode.OK
        return campaign.measure(refused)


def specification_of(request: Any) -> Specification:
    """The cluster that a request names; see :func:`specify`."""
    return specify(
        request.launcher,
        scheduler=request.scheduler,
        file=request.cluster_file,
        insecure=request.insecure,
    )


def show_script(specification: Specification, tell: Say) -> None:
    """Print the job script that a queueing system would get."""
    if specification.queue is None:
        raise AssertionError("there is no queue")
    cluster = queued(specification.queue, specification)
    try:
        tell(f"{count(specification.queue.jobs, 'job')} for {specification.queue.system}, each:")
        for line in str(cluster.job_script()).splitlines():
            tell(f"  {line}")
        tell("what each of them measures is known when the first one runs")
    finally:
        cluster.close()


def _foreseen(
    connection: Connection, request: CampaignRequest, equipped: Equipped, plan: Plan
) -> list[Refusal]:
    """The cells that cannot be trained in their mode, as the first slot finds without training."""
    means = equipped.means(request, secrets.token_hex(4))
    try:
        content = connection.call(
            equipped.slot, on_worker.foresee, plan, means, equipped.ready.table
        )
        there = {cell.digest for cell in plan.cells}
        found = read_answer(content, Foreseen).refusals
        return [refusal for refusal in found if refusal.cell.digest in there]
    except (*LOST, UndecodableError):
        return []  # the trials look for the same
