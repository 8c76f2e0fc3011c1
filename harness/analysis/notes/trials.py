"""Notes on what is there at all: failed, disturbed, unsettled and missing trials, broken files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.analysis.failures import failures
from harness.analysis.notes.note import Note, note
from harness.analysis.provenance import Missing
from harness.analysis.rows import Group, Row
from harness.analysis.speed.pairs import Reasons
from harness.analysis.step_time import steadiness
from harness.analysis.work import started
from harness.records.trial import Record
from harness.store.reading import Broken
from harness.words import count, joined, listed, share


def missing_backends(missing: Sequence[Missing]) -> Iterator[Note]:
    """Backends that nobody has measured."""
    for lack in missing:
        yield note(
            "missing-backend",
            f"{lack.backend} not measured",
            f"No record of {lack.backend} on {lack.device} in {lack.scenario}. To make one:",
            lack.command,
        )


def synthetic_data(groups: Sequence[Group]) -> Iterator[Note]:
    """Trials on generated data."""
    trials = _measured(groups)
    synthetic = sum(record.synthetic for record in trials)
    if synthetic:
        yield note(
            "synthetic-data",
            f"{synthetic:,} of {len(trials):,} on SYNTHETIC data",
            f"SYNTHETIC DATA in {share(synthetic, len(trials), 'trial')}: generated, not real "
            "ratings. Quality on it says nothing about the published figure.",
        )


def custom_initialisers(groups: Sequence[Group]) -> Iterator[Note]:
    """Initial weights of a user's own initialiser, which one backend computed for all."""
    trials = [record for group in groups for record in group.trials if record.custom_initial]
    sources = {backend for record in trials for backend in record.custom_initial.values()}
    names = sorted({path for record in trials for path in record.custom_initial})
    if names:
        yield note(
            "custom-initialisers",
            "custom initialisers",
            f"Custom initialisers ({listed(names)}): their code ran on {joined(sorted(sources))}, "
            "and the other backends were handed its values.",
        )


def failed_trials(groups: Sequence[Group]) -> Iterator[Note]:
    """Trials without a measurement: how many, which, and why."""
    trials = [record for group in groups for record in group.trials]
    failed = [record for record in trials if record.status != "ok"]
    if failed:
        names = [
            f"{alike.name} ({alike.status}: {_first_line(alike.reason)})"
            for alike in failures(sorted(trials, key=started))
        ]
        yield note(
            "failed-trials",
            f"{len(failed):,} of {len(trials):,} failed",
            f"{share(len(failed), len(trials), 'trial')} left no measurement and "
            f"{'is' if len(failed) == 1 else 'are'} in no figure: {listed(names, '; ')}.",
        )


def disturbed_trials(groups: Sequence[Group], why: Reasons) -> Iterator[Note]:
    """Trials beside which something else used the machine, and by what they show."""
    trials = sorted((record for group in groups for record in group.good), key=started)
    names = [
        f"{record.cell.label} seed {record.seed} repetition {record.repetition} ({reason})"
        for record in trials
        if (reason := why[id(record)]) is not None
    ]
    if names:
        yield note(
            "disturbed-trials",
            f"{len(names):,} of {len(trials):,} disturbed",
            f"{share(len(names), len(trials), 'trial')} {'was' if len(names) == 1 else 'were'} "
            "disturbed: in the table, since nothing measured is hidden, and in no verdict: "
            f"{listed(names, '; ')}. To see what disturbs a machine:",
            "harness doctor",
        )


def unsettled_trials(groups: Sequence[Group]) -> Iterator[Note]:
    """Trials whose epochs never came to a level."""
    names, judged, in_turns = [], 0, True
    for record in (record for group in groups for record in group.good):
        state = steadiness(record)
        judged += state is not None
        if state is not None and not state.settled:
            names.append(f"{record.cell.label} seed {record.seed} ({state.reason})")
            in_turns = in_turns and record.took_turns
    if names:
        yield note(
            "unsettled-trials",
            f"{len(names):,} of {judged:,} unsteady",
            f"{share(len(names), judged, 'trial')} never settled to a step time, so that "
            f"{'its' if len(names) == 1 else 'their'} figure says less: {listed(names, '; ')}. "
            + (
                "Verdicts compare them turn by turn, and do not rest on it."
                if in_turns
                else "More timed training may help: --time-budget."
            ),
        )


def one_trial(groups: Sequence[Group]) -> Iterator[Note]:
    """Rows that rest on a single process."""
    single = [_named(g.row) for g in groups if g.row.good == 1]
    if single:
        yield note(
            "one-trial",
            f"{count(len(single), 'row')} of a single trial",
            # The spread between processes: docs/method.md, 50 processes per backend.
            f"One trial only for {listed(single)}: no spread can be given, and processes "
            "that measure the same thing differ by 3 to 5%, some by far more.",
        )


def broken_records(broken: Sequence[Broken]) -> Iterator[Note]:
    """Files that were no records."""
    if broken:
        names = [f"{file.path} ({_first_line(file.reason)})" for file in broken]
        yield note(
            "broken-records",
            f"{count(len(broken), 'unreadable file')}",
            f"{len(broken)} record file{'s' * (len(broken) != 1)} could not be read and "
            f"{'are' if len(broken) != 1 else 'is'} in no figure: {listed(names, '; ')}.",
        )


def harness_checkout(groups: Sequence[Group]) -> Iterator[Note]:
    """Records of a changed or of several harnesses."""
    trials = _measured(groups)
    dirty = sum(record.harness.dirty is True for record in trials)
    if dirty:
        yield note(
            "dirty-harness",
            f"{dirty:,} of {len(trials):,} from changed code of the harness",
            f"{share(dirty, len(trials), 'trial')} ran from a checkout with uncommitted "
            "changes: the commit in the record is not what was measured.",
        )
    commits = {r.harness.commit or f"version {r.harness.version}" for r in trials}
    if len(commits) > 1:
        yield note(
            "several-harnesses",
            f"{len(commits):,} versions of the harness",
            f"Records come from {len(commits)} commits of the harness, which may measure "
            f"differently: {listed([c[:12] for c in sorted(commits)])}.",
        )


def _measured(groups: Sequence[Group]) -> list[Record]:
    """The good trials; all of them if there is none, since nothing else is there to be told of."""
    trials = [record for group in groups for record in group.trials]
    return [record for record in trials if record.status == "ok"] or trials


def _named(row: Row) -> str:
    cell = row.cell
    name = f"{cell.place} {cell.device}" if cell.mode == "fit" else cell.label
    return name + row.name.removeprefix(cell.place)


def _first_line(text: str) -> str:
    line = next(iter(text.strip().splitlines()), "")
    return line if len(line) <= 120 else f"{line[:117]}..."
