"""What else changed between two campaigns: packages, settings of the engine, the machine itself.

None of it is judged. A reader who sees a difference looks here for what may have made it.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from harness.analysis.before_after.match import Matched
from harness.analysis.notes.note import Note, note
from harness.analysis.notes.sources import changed_between
from harness.analysis.rows import versions as versions_of
from harness.records.cell import Struct
from harness.records.machine import Environment
from harness.records.trial import Record
from harness.words import joined, listed, share

ABSENT = "absent"

TOLD_FROM = 0.01
"""A smaller change of the speed probe is in no caveat's short form."""

UNKNOWN = "unknown"

STATE: dict[str, Callable[[Environment], object]] = {
    "operating system": lambda e: e.os,
    "frequency governor": lambda e: e.cpu.governor,
    "turbo": lambda e: e.cpu.turbo,
    "CPU affinity": lambda e: e.cpu.affinity,
    "CPU quota": lambda e: "none" if e.cpu_quota is None else f"{e.cpu_quota:g} CPUs",
    "power": lambda e: {True: "mains", False: "battery", None: UNKNOWN}[e.on_mains],
}
"""What a machine's owner may change without its being another machine."""


class PackageChange(Struct, frozen=True, kw_only=True):
    """A package that is not the same before and after; ``absent`` where it was not installed."""

    name: str
    before: str
    after: str


def packages(matched: Sequence[Matched]) -> dict[str, list[PackageChange]]:
    """The packages that differ between the compared trials of each backend, Python among them."""
    sides: dict[str, tuple[list[Record], list[Record]]] = defaultdict(lambda: ([], []))
    for one in matched:
        sides[one.cell.backend][0].extend(one.before)
        sides[one.cell.backend][1].extend(one.after)
    return {
        backend: [PackageChange(name=name, before=a, after=b) for name, a, b in changed]
        for backend, (before, after) in sides.items()
        if (changed := list(_differing(_installed(before), _installed(after))))
    }


def versions(matched: Sequence[Matched]) -> list[PackageChange]:
    """Keras and the frameworks of the compared trials, before and after, the same or not."""
    before = _versions(record for one in matched for record in one.before)
    after = _versions(record for one in matched for record in one.after)
    packages = ["keras", *dict.fromkeys(one.cell.backend for one in matched)]
    return [
        PackageChange(name=name, before=joined(sorted(a)), after=joined(sorted(b)))
        for name in packages
        if (a := before.get(name)) and (b := after.get(name))
    ]


def notes(
    matched: Sequence[Matched], before: Sequence[Record], after: Sequence[Record], *, noisy: int
) -> list[Note]:
    """What weakens the comparison, and hints at what made a difference.

    Args:
        matched: The trials that are compared.
        before: All records of one campaign.
        after: All records of the other one.
        noisy: How many good trials were disturbed and are left out of the step times.
    """
    ranked = [one for one in matched if one.machine_id is not None]
    firsts = [record for one in ranked for record in one.before]
    seconds = [record for one in ranked for record in one.after]
    found = [
        *(_apart_in_time(firsts, seconds) if ranked else ()),
        *_machine_state(firsts, seconds),
        *_engine(matched),
        *changed_between(firsts, seconds),
        *_harness(firsts, seconds),
        *(_failed(records, side) for side, records in (("before", before), ("after", after))),
        _disturbed(noisy, len(before) + len(after)),
    ]
    return [one for one in found if one is not None]


def probe(matched: Sequence[Matched]) -> float | None:
    """The speed probe after over before, of what was measured on one machine."""
    ranked = [one for one in matched if one.machine_id is not None]
    first = _probe_s([record for one in ranked for record in one.before])
    second = _probe_s([record for one in ranked for record in one.after])
    return second / first if first and second else None


def _apart_in_time(before: Sequence[Record], after: Sequence[Record]) -> Iterator[Note]:
    first, second = _probe_s(before), _probe_s(after)
    moved = ""
    hint = "How fast the machine was is not known: the records of one side hold no speed probe."
    if first is not None and second is not None:
        change = second / first - 1
        moved = f", machine {change:+.0%} in time" if abs(change) >= TOLD_FROM else ""
        hint = (
            "As a hint: the speed probe, a fixed piece of work beside the trials, changed by "
            f"{second / first - 1:+.1%} ({1e3 * first:.0f} ms before, "
            f"{1e3 * second:.0f} ms after, medians)."
        )
    yield note(
        "drift",
        f"no common round{moved}",
        "The campaigns share no round, so a change of the machine between them (heat, other "
        "programs, a new kernel) looks the same as a change of software. To be sure, measure "
        f"before once more and see whether it comes back. {hint}",
    )


def _probe_s(records: Sequence[Record]) -> float | None:
    probes = [
        probe_s
        for record in records
        if record.noise is not None
        for probe_s in (record.noise.probe_before_s, record.noise.probe_after_s)
        if probe_s is not None
    ]
    return statistics.median(probes) if probes else None


def _machine_state(before: Sequence[Record], after: Sequence[Record]) -> Iterator[Note]:
    changed = []
    for name, read in STATE.items():
        first, second = (
            {str(read(record.environment)) for record in side if record.environment}
            for side in (before, after)
        )
        if first != second and UNKNOWN not in first | second:
            changed.append(f"{name} {joined(sorted(first))} before, {joined(sorted(second))} after")
    if changed:
        yield note(
            "machine-state",
            "the machine changed",
            f"The machine itself was changed: {'; '.join(changed)}.",
        )


def _engine(matched: Sequence[Matched]) -> Iterator[Note]:
    """What really ran: Keras' ``auto`` may mean another thing in another version."""
    changed: dict[str, list[str]] = defaultdict(list)
    for one in matched:
        first, second = (_settings(side) for side in (one.before, one.after))
        for name, a, b in _differing(first, second):
            changed[f"{name} {a} before, {b} after"].append(one.cell.label)
    if changed:
        told = [f"{what} ({listed(cells)})" for what, cells in changed.items()]
        yield note(
            "engine",
            "other engine settings",
            f"Other settings of the engine were in force: {'; '.join(told)}.",
        )


def _harness(before: Sequence[Record], after: Sequence[Record]) -> Iterator[Note]:
    first, second = (
        {(r.harness.commit or f"version {r.harness.version}")[:20] for r in side}
        for side in (before, after)
    )
    if first != second:
        yield note(
            "several-harnesses",
            "two versions of the harness",
            "The harness itself is not the same, and may measure differently: "
            f"{joined(sorted(first))} before, {joined(sorted(second))} after.",
        )


def _failed(records: Sequence[Record], side: str) -> Note | None:
    failed = [record for record in records if record.status != "ok"]
    if not failed:
        return None
    names = [f"{record.cell.label} ({record.status})" for record in failed]
    return note(
        "failed-trials",
        f"{len(failed):,} of {len(records):,} failed {side}",
        f"{share(len(failed), len(records), 'trial')} {side} left no measurement and "
        f"{'is' if len(failed) == 1 else 'are'} in no figure: {listed(names)}.",
    )


def _disturbed(noisy: int, trials: int) -> Note | None:
    if not noisy:
        return None
    return note(
        "disturbed-trials",
        f"{noisy:,} of {trials:,} disturbed",
        f"{share(noisy, trials, 'trial')} {'was' if noisy == 1 else 'were'} disturbed by other "
        "programs or machines and left out of the step times; memory and quality keep them.",
    )


def _versions(records: Iterable[Record]) -> dict[str, set[str]]:
    """Keras and the frameworks, whichever distribution they come from."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, version in {pair for record in records for pair in versions_of(record).items()}:
        found[name].add(version)
    return found


def _installed(records: Iterable[Record]) -> dict[str, set[str]]:
    # Equal pairs are many: ten thousand trials of one environment say the same hundred things.
    seen = {
        pair
        for record in records
        if record.environment is not None
        for pair in (("python", record.environment.python), *record.environment.packages.items())
    }
    found: dict[str, set[str]] = defaultdict(set)
    for name, version in seen:
        found[name].add(version)
    return found


def _settings(records: Iterable[Record]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for name, value in {pair for record in records for pair in record.engine.items()}:
        # The version of Keras stands among the packages.
        if name != "keras":
            found[name].add(str(value))
    return found


def _differing(
    before: dict[str, set[str]], after: dict[str, set[str]]
) -> Iterator[tuple[str, str, str]]:
    for name in sorted(before.keys() | after.keys()):
        first, second = before.get(name, {ABSENT}), after.get(name, {ABSENT})
        if first != second:
            yield name, joined(sorted(first)), joined(sorted(second))
