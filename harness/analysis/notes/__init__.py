"""What weakens the answer of a set of records, said in whole sentences beside the figures.

Each note tells what was seen and why it matters, and names the command that mends it where there
is one. A note never ranks: verdicts are not made here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.analysis.notes import comparison, quality, trials
from harness.analysis.notes.note import Note
from harness.analysis.notes.programs import programs
from harness.analysis.notes.sources import changed_scenarios
from harness.analysis.notes.waiting import busy_waiting
from harness.analysis.provenance import Missing
from harness.analysis.rows import Group
from harness.analysis.speed.machines import Combined
from harness.analysis.speed.pairs import Reasons
from harness.store.reading import Broken


def weaknesses(
    groups: Sequence[Group],
    why: Reasons,
    missing: Sequence[Missing],
    broken: Sequence[Broken],
    tolerances: Mapping[str, float],
    *,
    combined: Sequence[Combined] = (),
) -> list[Note]:
    """All notes, those first that forbid a comparison altogether.

    Args:
        groups: The trials, put together.
        why: What disturbed each of them.
        missing: Backends that nobody has measured.
        broken: Files that should have been records.
        tolerances: Largest difference in quality of no consequence, by scenario.
        combined: What several machines say together.
    """
    found = [
        *trials.synthetic_data(groups),
        *comparison.several_machines(groups, combined),
        *comparison.other_work(groups),
        *quality.quality_differs(groups, tolerances),
        *programs(groups),
        *changed_scenarios(groups),
        *comparison.not_interleaved(groups),
        *comparison.several_versions(groups),
        *comparison.products_in_tf32(groups),
        *trials.disturbed_trials(groups, why),
        *trials.unsettled_trials(groups),
        *comparison.loaded_machine(groups),
        *busy_waiting(groups),
        *trials.missing_backends(missing),
        *trials.failed_trials(groups),
        *trials.one_trial(groups),
        *trials.custom_initialisers(groups),
        *trials.broken_records(broken),
        *trials.harness_checkout(groups),
    ]
    # Two machines may well have the same to say.
    return list(dict.fromkeys(found))
