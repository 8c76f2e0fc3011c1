"""The scenario's own prediction, as the tutorial ends: which movie would this user like best?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.analysis.provenance import MAIN_SCENARIO
from harness.analysis.rows import Row
from harness.analysis.study import About, Study
from harness.report import format as fmt
from harness.report.document import Section
from harness.report.table import SYNTHETIC, Column, Table, machine_label, settings

Inputs = tuple[tuple[str, int], ...]

Titles = Mapping[str, Mapping[int, str]]
"""Titles by ``movie_id``, by the hash of the ratings that they belong to."""

COLUMNS = 6
"""So many rows of the study are shown side by side; a sweep has more than fit on a page."""


KEY = "predictions"


def section(study: Study, titles: Titles) -> Section:
    """What each backend would recommend."""
    return Section(key=KEY, heading="Prediction", tables=tables(study, titles))


def tables(study: Study, titles: Titles) -> list[Table]:
    """Candidates against backends, best first, for each scenario that predicts something.

    Args:
        study: its rows hold the predictions, as means over trials.
        titles: movie titles by ``movie_id``, from the local tables. Records hold none, since the
            licence of the data does not allow it. Movies of another table, or generated ones,
            get no title.
    """
    kinds: dict[tuple[str, bool, str | None], list[Row]] = {}
    for row in study.rows:
        if row.predictions:
            kind = (row.cell.scenario, row.synthetic, row.table_sha256)
            kinds.setdefault(kind, []).append(row)
    found = []
    for (scenario, synthetic, table), rows in kinds.items():
        known = None if synthetic else titles.get(table or "")
        several = sum(kind[:2] == (scenario, synthetic) for kind in kinds) > 1
        found.append(_table(rows, study.about.get(scenario), known, several=several))
    return found


def _table(
    rows: list[Row], about: About | None, titles: Mapping[int, str] | None, *, several: bool
) -> Table:
    side_by_side = rows[:COLUMNS]
    values: dict[Inputs, dict[int, float]] = {}
    for i, row in enumerate(side_by_side):
        for predicted in row.predictions:
            values.setdefault(tuple(predicted.inputs.items()), {})[i] = predicted.shown.value
    best_first = sorted(values, key=lambda inputs: -_mean(values[inputs]))
    common = _common(best_first)
    return Table(
        title=_title(rows, common, several=several),
        columns=[Column(header="candidate"), *_columns(side_by_side, about)],
        rows=[
            [
                _candidate([pair for pair in inputs if pair not in common], titles),
                *(fmt.shown(values[inputs].get(i)) for i in range(len(side_by_side))),
            ]
            for inputs in best_first
        ],
    )


def _mean(shown: Mapping[int, float]) -> float:
    return sum(shown.values()) / len(shown)


def _common(candidates: Sequence[Inputs]) -> list[tuple[str, int]]:
    """Inputs that all candidates share, such as the user; of a single candidate there are none."""
    if len(candidates) == 1:
        return []
    return [pair for pair in candidates[0] if all(pair in other for other in candidates)]


def _title(rows: Sequence[Row], common: Sequence[tuple[str, int]], *, several: bool) -> str:
    scenario = rows[0].cell.scenario
    unit = "stars (1 to 5)" if scenario == MAIN_SCENARIO else "values"
    whose = f" for {', '.join(_input(*pair) for pair in common)}" if common else ""
    beyond = len(rows) - COLUMNS
    title = f"Predicted {unit}{whose}, mean over trials (scenario {scenario})"
    title += f", {SYNTHETIC} DATA" if rows[0].synthetic else ""
    title += f", ratings {str(rows[0].table_sha256)[:8]}" if several else ""
    title += f"; the first {COLUMNS} of {len(rows)} rows" if beyond > 0 else ""
    return fmt.plain(title)


def _columns(rows: Sequence[Row], about: About | None) -> Iterator[Column]:
    devices = len({row.cell.device for row in rows}) > 1
    machines = len({row.machine_id for row in rows}) > 1
    for row, told in zip(rows, settings(rows, about), strict=True):
        # That the data is synthetic stands in the title.
        extra = [setting for setting in told if setting != SYNTHETIC]
        names = [row.name, *([row.cell.device] if devices else []), *extra]
        names += [f"on {machine_label(row.machine_id)}"] if machines else []
        yield Column(header=" ".join(names), figures=True)


def _input(name: str, value: int) -> str:
    return f"{name.removesuffix('_id')} {value}"


def _candidate(inputs: Sequence[tuple[str, int]], titles: Mapping[int, str] | None) -> str:
    text = ", ".join(_input(*pair) for pair in inputs)
    title = (titles or {}).get(dict(inputs).get("movie_id", -1))
    return fmt.plain(f"{title} ({text})" if title else text)
