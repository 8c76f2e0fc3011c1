"""The steps of ``harness run``: check everything, say the plan, measure, show what there is."""

from __future__ import annotations

import dataclasses
import itertools
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness import probe
from harness.cli import asking, outcome, progress
from harness.cli.cluster_options import LOCAL
from harness.cli.options import CampaignRequest
from harness.errors import ExitCode
from harness.launch import preflight, variables
from harness.launch.campaign import work
from harness.launch.campaign.forecast import describe
from harness.launch.campaign.loop import run_campaign
from harness.launch.campaign.work import Work
from harness.launch.devices import Placement
from harness.launch.interrupts import ends_as_interrupt
from harness.launch.lock import only_campaign
from harness.probe.doctor import examine
from harness.probe.noise import speed_probe
from harness.probe.rates import rates
from harness.program import RULE, Program
from harness.records.plan import Plan
from harness.records.preflight import Refusal
from harness.report.outputs import terminal
from harness.scenario import Scenario, find
from harness.store import folder as store

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class _Job:
    """A request that was found to be possible, and where to say what happens."""

    request: CampaignRequest
    scenario: Scenario
    placed: dict[str, Placement]
    plan: Plan
    say: Console
    refused: Sequence[Refusal] = ()


def carry_out(request: CampaignRequest, say: Console | None = None) -> ExitCode:
    """Do what was asked; whatever can be known to fail fails before the first trial.

    Args:
        request: what was asked.
        say: where to print, if it is not the request's affair.

    Raises:
        HarnessError: for a mistake in the request or something missing; nothing was measured then.
    """
    started_s = time.monotonic()
    say = say or terminal.console(stderr=request.as_json)
    with ends_as_interrupt():
        scenario = find(request.scenario)
        given = asking.of_program(scenario, request)
        points = asking.points(scenario, request.settings, request.swept, given)
        asking.check_source(request)
        asking.plan(request, points, {})  # mistakes come to light before environments are sought
        if request.launcher != LOCAL:
            from harness.cli import machines

            return machines.carry_out(request, scenario, points, say)
        asking.refuse_cluster_options(request)
        asked_s = time.monotonic()
        placed = asking.placements(request, asking.speaker(say))
        started_s += time.monotonic() - asked_s  # a budget is not for making environments
        plan = asking.plan(request, points, placed)
        refused = preflight.without_native_code(plan.cells, scenario)
        job = _without(_Job(request, scenario, placed, plan, say), refused)
        if request.dry_run:
            there = _find_work(job, table=None)
            _say_all(say, _plan_lines(job, there))
            if request.as_json:
                outcome.print_plan(there, placed, job.refused)
            return ExitCode.OK
        store.ensure_writable(request.results, store.RECORD_BYTES * len(placed))
        table = asking.table(request, scenario, points, asking.speaker(say))
        asked_s = time.monotonic()
        try:
            with only_campaign(wait=request.wait, say=lambda line: _say_all(say, [line])):
                # A budget is for measuring, not for waiting on somebody else.
                started_s += time.monotonic() - asked_s
                return _measure(job, table, started_s)
        except KeyboardInterrupt:  # a campaign deals with its own; so this one was still waiting
            _say_all(say, ["interrupted before anything was measured"])
            return ExitCode.INTERRUPTED


def _measure(job: _Job, table: Path | None, started_s: float) -> ExitCode:
    """Run the campaign, with the machine to ourselves."""
    request = job.request
    _say_all(job.say, _unfit(request.results))
    interpreters = {place: one.interpreter for place, one in job.placed.items()}
    refused = preflight.refusals(
        job.plan,
        interpreters,
        table,
        memory_limit_bytes=request.memory_limit_bytes,
        pass_env=request.pass_env,
    )
    job = _without(job, refused)
    there = _find_work(job, table)
    _say_all(job.say, _plan_lines(job, there))
    store.sweep(request.results)
    store.ensure_writable(request.results, store.RECORD_BYTES * there.trials)
    store.add_plan(request.results, there.plan)
    launcher = asking.launcher(request, job.placed)
    metric, adaptive = job.scenario.metric, there.plan.adaptive
    with progress.progress(job.say, metric, adaptive=adaptive) as observer:
        left = run_campaign(
            there.plan,
            launcher,
            request.results,
            observer,
            durations=there.durations,
            table=table,
            harness=probe.provenance(),
            present=there.present,
            gaps=there.gaps,
            speed_probe=speed_probe,
            rates=rates,
            started_s=started_s,
        )
    kept = outcome.still_there(left, request.results, there.plan)
    left = msgspec.structs.replace(kept, refused=job.refused)
    code = outcome.exit_code(left, there.unmeasured)
    said = outcome.show(
        left,
        there,
        request.results,
        job.say,
        variants=not request.swept,
        typed=request.typed_again,
    )
    if request.as_json:
        outcome.print_outcome(left, said, request.results, code)
    return code


def _unfit(results: Path) -> Iterator[str]:
    """What disturbs measuring now, by the two-second look of ``harness doctor``."""
    findings = examine(results=results, table=lambda: None, variables=os.environ)
    disturbing = [f"{finding.check} ({finding.seen})" for finding in findings if finding.disturbs]
    if disturbing:
        yield f"this machine is NOT fit to measure on as it is: {'; '.join(disturbing)}"
        yield "  times may be many times too long; harness doctor says why, and what to do"


def _without(job: _Job, refused: Sequence[Refusal]) -> _Job:
    """``job`` without the cells that are refused, each of which is said.

    Raises:
        RefusedError: if nothing is left.
    """
    if not refused:
        return job
    plan = preflight.without(job.plan, refused, job.refused)
    _say_all(job.say, preflight.lines(refused))
    return dataclasses.replace(job, plan=plan, refused=[*job.refused, *refused])


def _find_work(job: _Job, table: Path | None) -> Work:
    earlier = store.load(job.request.results)
    if not job.request.resume:
        return work.begin(job.plan, earlier)
    now = work.circumstances(job.plan, job.scenario, job.placed, table)
    return work.go_on(job.plan, earlier, now)


def _plan_lines(job: _Job, there: Work) -> Iterator[str]:
    gaps = list(itertools.chain.from_iterable(there.gaps))
    lines = list(describe(there.plan, there.durations, there.rounds, gaps, there.why))
    yield from lines[:-1]
    for place, placement in job.placed.items():
        yield f"  {place}: {placement.interpreter}"
    yield lines[-1]
    if isinstance(job.scenario, Program):
        yield f"  {job.scenario.name}: {RULE}"
    yield from there.remarks
    pass_env = job.request.pass_env
    if kept_back := variables.kept_back(os.environ, pass_env):
        yield (
            f"set here and not passed on to the trials: {', '.join(kept_back)}; "
            "--pass-env NAME passes one on"
        )
    if absent := [name for name in pass_env if name not in os.environ]:
        yield f"not passed on, since not set here: {', '.join(absent)}"


def _say_all(say: Console, lines: Iterable[str]) -> None:
    for line in lines:
        asking.speaker(say)(line)
