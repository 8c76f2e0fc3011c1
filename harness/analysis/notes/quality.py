"""Notes on what cells learned: from equal seeds, equal weights and the same work, apart or not."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from harness.analysis.couples import couples
from harness.analysis.notes.note import Note, note, rung_name
from harness.analysis.quality import draws, of_couples
from harness.analysis.rows import Group
from harness.analysis.speed.interval import MINIMUM_ROUNDS
from harness.analysis.speed.rounds_needed import MOST_ROUNDS
from harness.analysis.work import asked
from harness.words import joined


def quality_differs(groups: Sequence[Group], tolerances: Mapping[str, float]) -> Iterator[Note]:
    """Backends that ended apart from equal seeds and equal initial weights.

    Compared are rows that did the same work and differ in backend, mode or versions alone, since
    every mode trains one model. Where the model draws random numbers in training, equal seeds do
    not give equal masks, so that no single seed tells anything: these are judged over seeds.
    ``tolerances`` are those of the scenarios' metrics; a scenario that is not known here is not
    judged.
    """
    families: dict[object, list[Group]] = defaultdict(list)
    for group in groups:
        cell = group.row.cell
        if group.row.good and cell.init == "common" and cell.scenario in tolerances:
            families[asked(cell), group.row.work].append(group)
    apart: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for family in families.values():
        scenario = family[0].row.cell.scenario
        yield from _other_weights(family)
        if not any(draws(group.good) for group in family):
            apart[scenario] += _seed_by_seed(family, tolerances[scenario])
    for scenario, cases in apart.items():
        if cases:
            difference, text = max(cases)
            yield note(
                "quality-differs",
                "not all learned the same",
                f"Not all cells learned the same in {scenario}: from equal initial weights "
                f"and {text}, {difference:.5f} apart where {tolerances[scenario]:.5f} is allowed"
                + (f" (the widest of {len(cases)} such cases)." if len(cases) > 1 else "."),
            )
    yield from _over_seeds(groups, tolerances)


def _other_weights(family: Sequence[Group]) -> Iterator[Note]:
    """Rows that were to begin from common weights and did not."""
    began: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for group in family:
        for record in group.good:
            if record.hashes is not None:
                began[record.seed][record.hashes.initial_weights].append(rung_name(group.row))
    for seed, weights in began.items():
        if len(weights) > 1:
            names = "; ".join(joined(dict.fromkeys(rungs)) for rungs in weights.values())
            keras = sorted({group.row.versions.get("keras", "") for group in family} - {""})
            why = f" Keras {joined(keras)} may draw them differently." if len(keras) > 1 else ""
            yield note(
                "initial-weights",
                "different initial weights",
                f"Rows of {family[0].row.cell.scenario} were to begin from common weights, and on "
                f"seed {seed} began from {len(weights)} different sets ({names}): what they "
                f"learned cannot be compared seed by seed.{why}",
            )
            return


def _seed_by_seed(family: Sequence[Group], tolerance: float) -> Iterator[tuple[float, str]]:
    """Every seed on which two rows that began from equal weights ended too far apart."""
    values: dict[tuple[int, str | None], dict[str, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for group in family:
        for record in group.good:
            if record.quality is not None:
                weights = record.hashes.initial_weights if record.hashes else None
                values[record.seed, weights][rung_name(group.row)].append(record.quality.value)
    for (seed, _), ended in values.items():
        ends = sorted((statistics.fmean(v), name) for name, v in ended.items())
        (low, low_name), (high, high_name) = ends[0], ends[-1]
        if high - low > tolerance:
            text = f"seed {seed}, {low_name} ended at {low:.5f} and {high_name} at {high:.5f}"
            yield high - low, text


def _over_seeds(groups: Sequence[Group], tolerances: Mapping[str, float]) -> Iterator[Note]:
    """What the seeds together say of rows whose model draws random numbers in training."""
    both = couples(groups)
    hidden: dict[str, list[tuple[str, int | None]]] = defaultdict(list)
    for couple, found in zip(both, of_couples(both, tolerances), strict=True):
        first, second = couple.first, couple.second
        if found is None or not (draws(first.good) or draws(second.good)):
            continue
        scenario = first.row.cell.scenario
        names = f"{rung_name(first.row)} and {rung_name(second.row)}"
        if found.kind in {"better", "worse"} and found.difference is not None:
            yield note(
                "quality-differs",
                "not all learned the same",
                f"Not all cells learned the same in {scenario}: over {found.seeds} seeds {names} "
                f"ended {abs(found.difference):.5f} apart where {found.tolerance:.5f} is allowed, "
                "more than the seed's randomness explains.",
            )
        elif found.kind == "undecided":
            hidden[scenario].append((names, found.seeds_needed))
    for scenario, pairs in hidden.items():
        yield note(
            "seed-randomness",
            "quality hidden by random seeds",
            f"The model of {scenario} draws random numbers in training, each backend its own, so "
            "that equal seeds do not give equal quality. The seed's randomness hides whether "
            f"{'; '.join(dict.fromkeys(names for names, _ in pairs))} learn the same within "
            f"{tolerances[scenario]:.5f}: {_seeds([needed for _, needed in pairs])}",
        )


def _seeds(needed: Sequence[int | None]) -> str:
    """How many seeds would tell."""
    known = [seeds for seeds in needed if seeds is not None]
    if len(known) < len(needed):
        return f"it takes more than {MOST_ROUNDS:,} seeds to find out."
    if max(known) <= MINIMUM_ROUNDS:
        return f"at least {MINIMUM_ROUNDS} seeds are needed to say anything."
    return f"it takes about {max(known):,} seeds to find out."
