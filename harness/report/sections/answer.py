"""The answer in a sentence, made from the verdicts and never stronger than they are.

It leads every output. Below it are five facts, each with the question that it answers: whether the
backends learn the same, whether to believe it, what was compared, what to do next, what it costs.
Where the records give no verdict, the sentence says so first, and ``next_step`` is the one thing to
do. A folder of several modes leads with what Keras costs, a sweep with how a step grows
(:mod:`harness.report.leads`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.analysis.answers import Pair
from harness.analysis.speed.interval import MINIMUM_ROUNDS
from harness.analysis.study import About, Contest, Study
from harness.analysis.work import NOT_THE_SAME
from harness.backends import FACTS
from harness.records.cell import Struct
from harness.report import costs, leads, learning, modes, repeat
from harness.report import format as fmt
from harness.report.document import Section
from harness.report.machines import (
    OverMachines,
    certainty,
    named,
    over_machines,
    processors,
    sentence,
)
from harness.report.modes import Gap
from harness.report.naming import backends, maker, sides
from harness.report.sections.facts import (
    BELIEVED,
    COMPARED,
    COSTS,
    NEXT,
    Fact,
    behind,
    machine_facts,
)
from harness.report.standing import Standing, fastest, standings
from harness.report.table import machine_label
from harness.scenario_files import is_program
from harness.words import count, joined

UNRANKED = {
    "several-machines": "the records come from different machines",
    "several-scenario-versions": "the rows trained different versions of the scenario",
    "several-tables": "the rows trained on different data",
    "not-interleaved": (
        "the backends ran one after the other, not in interleaved rounds, so their figures may "
        "have drifted apart"
    ),
}
"""Why there is no verdict, by the code of the note that explains it at length."""


class Lead(Struct, frozen=True, kw_only=True):
    """How many times as fast as ``over`` the fastest is, with the ends of the interval."""

    over: str
    ratio: float
    low: float
    high: float


class Answer(Struct, frozen=True, kw_only=True):
    """What every output begins with, in words and as data.

    ``fastest`` is the backend that is faster than every other one measured beside it, if there is
    such a backend, with its ``leads``; ``settled`` says whether there is one, or all are equal.
    ``standings`` has every backend measured beside it. Where several ``machines`` interleaved the
    same, these are about all of them, and ``standings`` and costs about the one called ``shown``.
    ``gaps`` holds the modes of a folder with
    several; ``next_step`` and ``repeat`` are commands, which need what is ``given``; ``caveats``
    are counts.
    """

    sentence: str
    settled: bool
    scenario: str | None = None
    device: str | None = None
    mode: str | None = None
    machines: int = 1
    shown: str = ""
    fastest: str | None = None
    leads: Sequence[Lead] = ()
    standings: Sequence[Standing] = ()
    gaps: Sequence[Gap] = ()
    certainty: str = ""
    caveats: Sequence[str] = ()
    modes: Sequence[str] = ()
    quality: str = ""
    target: str = ""
    memory: str = ""
    first_step: str = ""
    versions: str = ""
    machine: str = ""
    next_step: str | None = None
    repeat: str | None = None
    given: str = ""


def section(found: Answer) -> Section:
    """What is behind the sentence, which is the lead of the report."""
    return behind(facts(found))


def facts(found: Answer, *, caveats: bool = True) -> list[Fact]:
    """The five facts below the sentence; those that the records say nothing to are left out.

    Args:
        found: the answer.
        caveats: whether to count them here; a page has them beside it.
    """
    costs = " ".join(text for text in (found.memory, found.first_step, found.target) if text)
    if found.shown and costs:
        costs = f"On machine {found.shown}: {costs}"
    compared = " ".join(text for text in (found.versions, found.machine) if text)
    next_step = found.next_step or found.repeat
    then = "For a verdict" if found.next_step else "Repeat it"
    then += f", {found.given}:" if found.given else ":"
    asked = [
        Fact(question="Do they learn the same?", text=found.quality),
        Fact(question=BELIEVED, text=believable(found) if caveats else found.certainty),
        Fact(question=COMPARED, text=compared),
        Fact(question=NEXT, text=then if next_step else "", command=next_step),
        # Last, so that all others are on the first screen of a phone.
        Fact(question=COSTS, text=costs),
    ]
    return [fact for fact in asked if fact.text]


def believable(found: Answer) -> str:
    """How sure the sentence is, and its caveats as counts."""
    counts = f"Caveats: {' · '.join(found.caveats)}." if found.caveats else ""
    return " ".join(text for text in (found.certainty, counts) if text)


def answer(study: Study) -> Answer:
    """The answer to a reader's questions, from the cells that a reader asks for first."""
    contest = next((one for one in study.contests if backends(one)), None)
    if contest is None:
        return _nothing(study)
    over = over_machines(study, contest)
    best = fastest(contest) if over is None else over.fastest
    ahead = [] if not best else _leads(best, contest) if over is None else _leads_over(best, over)
    gaps = modes.gaps(study, contest)
    about = study.about.get(contest.row.cell.scenario)
    equal = not best and (modes.all_equal(contest) if over is None else over.equal)
    again = repeat.command(study.campaign_of(contest), about, study.plans)
    speed = (
        sentence(over, study.rule.margin, _how(contest, several_modes=bool(gaps)))
        if over
        else _ranked(best, ahead, contest, several_modes=bool(gaps))
        if best
        else _equal(contest)
        if equal
        else _unranked(study, contest)
    )
    settled = bool(best) or equal
    sentences = [
        *leads.of(study, contest),
        leads.placed(study, contest, speed),
        _learned_in_short(study, contest, over.contests if over else [contest]),
        _unmeasured(study, contest),
    ]
    return Answer(
        sentence=" ".join(sentence for sentence in sentences if sentence),
        settled=settled,
        scenario=contest.row.cell.scenario,
        device=contest.row.cell.device,
        mode=contest.row.cell.mode,
        machines=len(over.machines) if over else 1,
        shown=machine_label(contest.row.machine_id) if over else "",
        fastest=best,
        leads=ahead,
        standings=standings(study, contest),
        gaps=gaps,
        certainty=certainty(over, study.rule.margin) if over else _certainty(contest),
        caveats=_caveats(study),
        modes=[modes.in_words(gap) for gap in gaps],
        quality=_learned(study, contest, about),
        target=costs.target(study, contest, about),
        memory=costs.memory(contest),
        first_step=costs.first_step(contest),
        versions=_versions(contest),
        machine=processors(study, over) if over else _machine(study, contest),
        next_step=None if settled else _next_step(study, contest, about),
        repeat=again if settled else None,
        given=_given(contest, about, several=over is not None),
    )


def _caveats(study: Study) -> list[str]:
    """Each in a few words; what holds of several scenarios or cells is said once, with a count."""
    counts = Counter(note.brief or note.code for note in study.notes)
    return [brief if times == 1 else f"{times} × {brief}" for brief, times in counts.items()]


def _learned(study: Study, contest: Contest, about: About | None) -> str:
    """Whether they learn the same; of several scenarios only one is answered for, and named."""
    text = learning.at_length(contest, about)
    if study.across is None:
        return text
    return f"{text.removesuffix('.')}, in {fmt.plain(contest.row.cell.scenario, limit=60)}."


def _learned_in_short(study: Study, contest: Contest, everywhere: Sequence[Contest]) -> str:
    text = learning.in_short(contest, everywhere)
    return text if study.across is None or not text else f"{text.removesuffix('.')} there."


def _nothing(study: Study) -> Answer:
    if study.records:
        sentence = "No verdict: no trial left a measurement. The caveats say why."
        return Answer(sentence=sentence, settled=False, caveats=_caveats(study))
    return Answer(
        sentence="No verdict: there are no records yet.",
        settled=False,
        next_step=next((fmt.plain(lack.command) for lack in study.missing), None),
    )


def _leads(best: str, contest: Contest) -> list[Lead]:
    found = []
    for pair in contest.judged:
        verdict = pair.speed.verdict if pair.speed else None
        if verdict is None or best not in sides(pair):
            continue
        first, second = sides(pair)
        if verdict.ratio is None or verdict.low is None or verdict.high is None:
            continue
        ratio, low, high = verdict.ratio, verdict.low, verdict.high
        found.append(
            Lead(over=second, ratio=1 / ratio, low=1 / high, high=1 / low)
            if best == first
            else Lead(over=first, ratio=ratio, low=low, high=high)
        )
    return found


def _leads_over(best: str, over: OverMachines) -> list[Lead]:
    """Those over several machines; of two, which give no interval, none."""
    return [
        Lead(over=named(one)[0], ratio=one.ratio, low=one.low, high=one.high)
        for one in over.ahead_of(best)
        if one.low is not None and one.high is not None
    ]


def _ranked(best: str, leads: Sequence[Lead], contest: Contest, *, several_modes: bool) -> str:
    margin = modes.verdicts(contest)[0].margin
    much = [
        f"{ratio} {lead.over} ({interval})"
        for lead in leads
        for ratio, interval in [fmt.ratio(lead.ratio, lead.low, lead.high, margin=margin)]
    ]
    how = _how(contest, several_modes=several_modes)
    return f"{best} is fastest here{how}: {', '.join(much)}."


def _how(contest: Contest, *, several_modes: bool) -> str:
    """The mode, where it is not understood, and that data were generated."""
    mode = contest.row.cell.mode
    return (f" under {mode}" if several_modes or mode != "fit" else "") + _of_data(contest)


def _equal(contest: Contest) -> str:
    margin = fmt.percent(modes.verdicts(contest)[0].margin)
    return f"{joined(backends(contest))} are equally fast here{_of_data(contest)}, within {margin}."


def _unranked(study: Study, contest: Contest) -> str:
    """The sentence without a fastest: not settled, or never to be compared."""
    found = modes.verdicts(contest)
    if found and all(verdict.low is None for verdict in found):
        few = dict.fromkeys(fmt.count(f(v.rounds for v in found)) for f in (min, max))
        return (
            f"No verdict yet: each pair needs {MINIMUM_ROUNDS} complete rounds, and there are "
            f"{' to '.join(few)}."
        )
    if found:
        return f"No verdict on the fastest: {'; '.join(_pair(p) for p in contest.pairs)}."
    measured = dict.fromkeys(b for one in study.contests for b in backends(one))
    if len(measured) == 1:
        return f"No verdict: only {next(iter(measured))} was measured."
    if other_work := _other_work(study, contest):
        return f"No verdict: {other_work}."
    codes = {note.code for note in study.notes}
    reasons = [why for code, why in UNRANKED.items() if code in codes]
    why = reasons[0] if reasons else "no two backends share an undisturbed round"
    return f"No verdict: {why}."


def _other_work(study: Study, contest: Contest) -> str | None:
    """Why a pair with one side here did not do the same work, in the words of the verdicts."""
    cells = [group.row.cell for group in contest.groups]
    return next(
        (
            f"{joined(sides(pair))}: {pair.why}"
            for pair in study.answers.pairs
            if pair.why is not None
            and pair.why.startswith(NOT_THE_SAME)
            and (pair.first in cells or pair.second in cells)
        ),
        None,
    )


def _pair(pair: Pair) -> str:
    """A pair from the faster one's side, which stands second."""
    slower, faster = sides(pair)
    found = pair.speed.verdict if pair.speed else None
    if found is None:
        return f"{slower} and {faster} cannot be compared, {pair.why}"
    if pair.outcome == "equivalent":
        return f"{slower} and {faster} are equally fast within {fmt.percent(found.margin)}"
    if found.ratio is None or found.low is None or found.high is None:
        return f"{slower} and {faster} are open, {found.reason}"
    figure, interval = fmt.ratio(found.ratio, found.low, found.high, margin=found.margin)
    if pair.outcome == "inconclusive":
        return f"{faster} is {interval} times as fast as {slower}, {found.reason}"
    but = ", but learns worse" if pair.quality and pair.quality.kind == "better" else ""
    return f"{faster} is faster than {slower}, {figure} ({interval}){but}"


def _next_step(study: Study, contest: Contest, about: About | None) -> str | None:
    """The one thing to do for a verdict: what the first note advises, or more rounds."""
    for note in study.notes:
        if note.code in UNRANKED and note.command:
            return fmt.plain(note.command)
    groups = study.campaign_of(contest)
    if len(backends(contest)) == 1 and study.missing:
        # Whoever is measured alone is in no round with the others: only one run of all ranks.
        lacking = [
            lack.backend
            for lack in study.missing
            if (lack.scenario, lack.device) == (contest.row.cell.scenario, contest.row.cell.device)
        ]
        return repeat.beside(groups, about, lacking)
    return repeat.more(groups, about, study.plans, study.homes)


def _given(contest: Contest, about: About | None, *, several: bool) -> str:
    """What a command needs: the machines, and a scenario that is not known here."""
    scenario = contest.row.cell.scenario
    if about is not None or is_program(scenario):
        return "on each of these machines" if several else ""
    return f"on a machine that has the scenario {fmt.plain(scenario, limit=60)}"


def _of_data(contest: Contest) -> str:
    return " on SYNTHETIC data" if contest.row.synthetic else ""


def _unmeasured(study: Study, contest: Contest) -> str:
    cell = contest.row.cell
    lacking = [
        FACTS[lack.backend].label
        for lack in study.missing
        if (lack.scenario, lack.device) == (cell.scenario, cell.device)
    ]
    failed = [maker(group.row.cell) for group in contest.failed]
    were = "was" if len(lacking) == 1 else "were"
    # A single backend is named as the only one; of environments with names no other was asked for.
    if len(backends(contest)) == 1 or any(group.row.cell.name for group in contest.groups):
        lacking = []
    words = [f"{joined(lacking)} {were} not measured."] if lacking else []
    words += [f"No trial of {joined(dict.fromkeys(failed))} succeeded."] if failed else []
    return " ".join(words)


def _certainty(contest: Contest) -> str:
    """How sure the sentence on speed is, and what it rests on."""
    speeds = [pair.speed for pair in contest.judged if pair.speed]
    if not any(speed.verdict.low is not None for speed in speeds):
        return "Not as a ranking: there is no verdict."
    rounds = sorted({speed.verdict.rounds for speed in speeds})
    over = " to ".join(fmt.count(n) for n in dict.fromkeys((rounds[0], rounds[-1])))
    together = " for all pairs together" if len(speeds) > 1 else ""
    # Of each pair, not added up: a disturbed trial costs every pair of its backend the same round.
    left_out = max(speed.pair.disturbed for speed in speeds)
    noisy = f" {count(left_out, 'disturbed round')} left out." if left_out else ""
    return (
        f"95% intervals{together} from {over} interleaved rounds of fresh processes; differences "
        f"up to {fmt.percent(speeds[0].verdict.margin)} count as none.{noisy}"
    )


def _versions(contest: Contest) -> str:
    """The packages of every backend, each once."""
    cell = contest.row.cell
    rows = [group.row for group in contest.groups]
    names = ["keras", *dict.fromkeys(row.cell.backend for row in rows)]
    seen = dict.fromkeys(
        f"{name} {row.versions[name]}" for name in names for row in rows if name in row.versions
    )
    packages = f": {', '.join(seen)}" if seen else ""
    return fmt.plain(f"{cell.scenario}, {cell.mode} on the {cell.device.upper()}{packages}.")


def _machine(study: Study, contest: Contest) -> str:
    machines = study.machines
    mine = next((m for m in machines if m.machine_id == contest.row.machine_id), None)
    if mine is None:
        return "The records do not name the machine."
    return machine_facts(mine, others=len(machines) - 1)
