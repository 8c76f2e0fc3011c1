"""The steps of ``harness bisect``: which versions there are, a campaign for each, the answer."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import typer

from harness.analysis.bisection import (
    Conclusion,
    Judgement,
    conclusion,
    judge,
    most_campaigns,
    next_version,
)
from harness.cli import asking, campaign, compare, env, parse
from harness.cli.bisect import RULES, BisectRequest
from harness.cli.closing import paragraph
from harness.cli.folder import studied
from harness.errors import ExitCode, GateCode, HarnessError, UnavailableError
from harness.launch import env_cache, index
from harness.launch.campaign.forecast import spell_duration
from harness.launch.env_cache import Recipe
from harness.launch.env_make import EXPECTED
from harness.records.bisection import Bisection, Question, Step
from harness.records.cell import INITS, MODES
from harness.report.outputs import markdown, terminal
from harness.report.sections import bisection as report
from harness.scenario import find
from harness.scenario_files import name_of
from harness.store import bisections
from harness.store import folder as store
from harness.store.layout import BISECTION_REPORT, CAMPAIGN
from harness.words import count, unknown

MORE_ROUNDS = "for more rounds, go on by the same command with --precision 2% --budget 20m"


def carry_out(request: BisectRequest) -> int:
    """Measure until there is an answer, or none can be had; the exit code.

    Raises:
        HarnessError: for a mistake in the request, or if the good version cannot be measured.
    """
    return _Bisect(request).carry_out()


class _Bisect:
    """A request that was found to be possible, its log, and where to say what happens."""

    def __init__(self, request: BisectRequest) -> None:
        self._request = _checked(request)
        rules = request.fail_on or [RULES]
        self._rules = compare.parse_rules(rules)
        if self._rules.inconclusive:
            raise HarnessError(
                "--fail-on inconclusive: a version without a verdict is neither good nor bad; "
                "leave it out"
            )
        self._limits = compare.limits_of(self._rules)
        self._console = terminal.console(stderr=request.as_json)
        self._say = asking.speaker(self._console)
        self._log = self._begun(_question(self._request, ",".join(rules)))
        self._most = most_campaigns(len(self._log.versions))
        self._tried: set[str] = set()

    def carry_out(self) -> int:
        """Measure until there is an answer, or none can be had; the exit code."""
        for line in self._plan_lines():
            self._say(line)
        if self._request.dry_run:
            if self._request.as_json:
                _print_json({"most_campaigns": self._most, "log": self._log})
            return ExitCode.OK
        self._agree()
        self._make_good()
        while (version := next_version(self._log, self._tried)) is not None:
            done = len(self._log.steps) + 1
            self._say("")
            self._say(
                f"step {done}: {self._request.package} {version} beside {self._request.good} "
                f"({self._most} steps at most where each has an answer)"
            )
            code = self._step(version)
            if code is not None:
                return code
        return self._end()

    def _begun(self, question: Question) -> Bisection:
        """The log to go on with, or a new one.

        Raises:
            HarnessError: if the folder has that of another question.
        """
        versions = _versions(question.package, question.good, question.bad)
        there = bisections.load(self._request.results)
        if there is None:
            return Bisection(question=question, versions=versions)
        if there.question != question:
            asked = there.question
            raise HarnessError(
                f"{self._request.results} has the log of another question ({asked.scenario} on "
                f"{asked.backend}: {asked.package} {asked.good} to {asked.bad}, {asked.rules}): "
                "name another folder with --results"
            )
        return Bisection(question=question, versions=versions, steps=there.steps)

    def _plan_lines(self) -> Iterator[str]:
        request, versions = self._request, self._log.versions
        yield f"{count(len(versions), 'version')} of {request.package}: {', '.join(versions)}"
        if self._log.steps:
            yield f"{count(len(self._log.steps), 'step')} done in {request.results}; going on"
        plan = asking.plan(request, [], {})
        long = (
            f"{spell_duration(self._most * plan.budget_s)} of measuring at most"
            if plan.budget_s is not None
            else count(plan.rounds or 0, "round") + " each"
        )
        yield f"at most {count(self._most, 'campaign')}, {long}"
        missing = min(self._missing(), self._most + 1)
        if missing:
            takes = EXPECTED[self._recipe(request.good).extra.removesuffix("-gpu")]
            yield (
                f"at most {count(missing, 'environment')} to be made: "
                f"{takes.times(missing).told}; `harness env remove` removes them"
            )

    def _recipe(self, version: str) -> Recipe:
        beside = parse.parse_requirements("--with", self._request.beside)
        return Recipe(
            backend=self._log.question.backend,
            python=env_cache.this_python(),
            requirements=(f"{self._request.package}=={version}", *beside),
        )

    def _missing(self) -> int:
        return sum(not env.is_current(self._recipe(version)) for version in self._log.versions)

    def _agree(self) -> None:
        """Ask whether environments may be made.

        Raises:
            UnavailableError: if nobody says so.
        """
        if self._missing() and not (self._request.yes or env.confirmed("Make them as needed?")):
            raise UnavailableError(
                "nothing was done: each version needs an environment of its own. Add --yes to make "
                "them without a question"
            )

    def _make(self, version: str) -> None:
        recipe = self._recipe(version)
        if not env.is_current(recipe):
            env.make_all([recipe], say=self._say)

    def _make_good(self) -> None:
        try:
            self._make(self._request.good)
        except UnavailableError as error:
            raise UnavailableError(
                f"the good version cannot be measured, so nothing can be compared with it: {error}"
            ) from None

    def _step(self, version: str) -> int | None:
        """Measure a version and note what came of it; an exit code if that ends the command."""
        try:
            self._make(version)
        except UnavailableError as error:
            reason = f"it cannot be installed: {error}"
            self._note(version, Judgement(outcome="skipped", reason=reason), None)
            return None
        names = [self._name(each) for each in (self._request.good, version)]
        folder = self._request.results / self._name(version)
        both = zip(names, (self._request.good, version), strict=True)
        code = campaign.carry_out(
            dataclasses.replace(
                self._request,
                environments=[f"{name}={self._request.package}=={one}" for name, one in both],
                results=folder,
                resume=(folder / CAMPAIGN).exists(),
                margin=self._limits.margin,
                as_json=False,
                yes=True,
            ),
            self._console,
        )
        if code in {ExitCode.INTERRUPTED, ExitCode.NOT_STORED}:
            return code
        study = studied(store.load(folder))
        good = [record for record in study.records if record.cell.name == names[0]]
        if not any(record.status == "ok" for record in good):
            raise UnavailableError(
                f"{self._request.package} {self._request.good} left no measurement, so nothing can "
                f"be compared with it: `harness report {folder}` says why"
            )
        self._note(version, judge(study, names[0], names[1], self._rules, self._limits), folder)
        return None

    def _name(self, version: str) -> str:
        """The name of a version's environment: ``keras-3.14.0``, as short as a name may be."""
        full = f"{self._request.package}-{version}"
        return full if len(full) <= 40 else version

    def _note(self, version: str, said: Judgement, folder: Path | None) -> None:
        step = _as_step(version, said, folder, self._request.results)
        if said.outcome not in {"good", "bad"}:
            self._tried.add(version)
        steps = [one for one in self._log.steps if one.version != version]
        self._log = msgspec.structs.replace(self._log, steps=[*steps, step])
        self._write()
        self._say(
            f"{self._request.package} {version}: {report.WORDS[step.outcome]} ({step.reason})"
        )

    def _conclusion(self) -> Conclusion:
        return conclusion(self._log, self._tried)

    def _write(self) -> None:
        document = report.compose(self._log, self._conclusion(), self._limits)
        try:
            bisections.save(self._request.results, self._log, markdown.render(document))
        except OSError as error:
            raise UnavailableError(
                f"the log cannot be written to {self._request.results}: {error.strerror or error}. "
                "Choose another folder with --results"
            ) from None

    def _end(self) -> int:
        found = self._conclusion()
        self._write()
        document = report.compose(self._log, found, self._limits)
        codes = {"found": ExitCode.OK, "not bad": ExitCode.TRIAL_FAILED}
        code = codes.get(found.kind, GateCode.INCONCLUSIVE)
        if self._request.as_json:
            answer = {"exit_code": int(code), "answer": document.title, "conclusion": found}
            _print_json({**answer, "log": self._log})
        self._console.print()
        asked = self._log.question
        named = f"{asked.package} {asked.good} to {asked.bad}"
        terminal.show(msgspec.structs.replace(document, title=named), self._console)
        self._console.print()
        self._say(f"the log: {self._request.results / BISECTION_REPORT}")
        if any(step.outcome == "open" for step in self._log.steps):
            self._say(MORE_ROUNDS)
        self._console.print()
        style = "bold green" if found.kind == "found" else "bold yellow"
        paragraph(document.title, self._console, style=style)
        return code


def _checked(request: BisectRequest) -> BisectRequest:
    """The request, if one backend, one mode and one set of settings are asked for.

    Raises:
        HarnessError: if not, or for names that are none.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", request.package):
        raise HarnessError(f"--package {request.package} is no name of a package, such as keras")
    named = request.backends or [os.environ.get("KERAS_BACKEND", "")]
    backends = parse.parse_backends([name for name in named if name]) if any(named) else []
    if len(backends) != 1:
        few = f"{len(backends)} are named" if backends else "none is named"
        raise HarnessError(f"bisect measures one backend, and {few}: write such as --backend jax")
    scenario = find(request.scenario)
    given = asking.of_program(scenario, request)
    several = {
        "--set": len(asking.points(scenario, request.settings, given=given)),
        "--mode": len(parse.parse_names("mode", [request.modes], MODES)),
        "--init": len(parse.parse_names("init", [request.inits], INITS)),
        "--threads": len(parse.parse_threads(request.threads)),
    }
    for option, number in several.items():
        if number > 1:
            raise HarnessError(
                f"bisect compares two versions and nothing else: give {option} one value"
            )
    asking.check_source(request)
    return dataclasses.replace(request, backends=backends)


def _question(request: BisectRequest, rules: str) -> Question:
    scenario = find(request.scenario)
    (point,) = asking.points(scenario, request.settings, given=asking.of_program(scenario, request))
    asked = {name: str(value) for name, value in asking.as_scalars(point).items()}
    usual = {"mode": request.modes, "init": request.inits, "device": request.device}
    asked |= {"threads": request.threads or ""} | usual
    asked["with"] = " ".join(parse.parse_requirements("--with", request.beside))
    return Question(
        scenario=name_of(request.scenario),
        backend=request.backends[0],
        package=request.package,
        good=request.good,
        bad=request.bad,
        rules=rules,
        asked=asked,
    )


def _versions(package: str, good: str, bad: str) -> list[str]:
    """The versions from the good one to the bad one.

    Raises:
        HarnessError: if one of them is not there, or the good one is the later one.
    """
    there = index.versions(package)
    for option, version in (("--good", good), ("--bad", bad)):
        if version not in there:
            raise HarnessError(f"{option}: {unknown(f'version of {package}', version, there)}")
    if there.index(good) >= there.index(bad):
        raise HarnessError(f"--good {good} must be an earlier version than --bad {bad}")
    return there[there.index(good) : there.index(bad) + 1]


def _as_step(version: str, said: Judgement, folder: Path | None, root: Path) -> Step:
    return Step(
        version=version,
        outcome=said.outcome,
        reason=said.reason,
        failing=said.failing,
        figures=said.figures,
        rounds=said.rounds,
        folder=None if folder is None else folder.relative_to(root).as_posix(),
        ended_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _print_json(content: dict[str, Any]) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())
