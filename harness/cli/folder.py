"""A results folder as commands name it, and what is known here of the records in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.errors import UnavailableError

if TYPE_CHECKING:
    from harness.analysis.study import About, Study
    from harness.records.cell import Scalar
    from harness.records.trial import Record
    from harness.scenario import Scenario
    from harness.store.folder import Results

DEFAULT_FOLDER = Path("results/local")


def results_folder(named: Path | None) -> Path:
    """The folder that was named, or the default one, which need not be there.

    Raises:
        UnavailableError: if the named one is none.
    """
    root = named or DEFAULT_FOLDER
    if root.is_dir() or (named is None and not root.exists()):
        return root
    what = "is not a folder" if root.exists() else "does not exist"
    raise UnavailableError(
        f"the results folder {root} {what}. Name one that holds records, or make some: "
        "`harness run ranking` writes them to results/local"
    )


def studied(results: Results) -> Study:
    """What a folder says, with what is known here of its scenarios."""
    from harness.analysis.study import study_of
    from harness.store import benchmarks, runs

    return study_of(
        results.records,
        about=about(results.records),
        plans=results.plans,
        homes={run: str(path) for run, path in results.homes.items() if path != DEFAULT_FOLDER},
        broken=results.broken,
        benchmarks=benchmarks.read(results.benchmarks),
        parity=runs.read_parity(results.parity),
        anatomy=runs.read_anatomy(results.anatomy),
    )


def about(records: Iterable[Record]) -> dict[str, About]:
    """What is known here of the records' scenarios; records may come from elsewhere.

    Of an empty folder it describes the main scenario, since its backends are what is missing.
    """
    import msgspec

    from harness import scenario
    from harness.analysis.provenance import MAIN_SCENARIO
    from harness.analysis.study import About
    from harness.program import ProgramSettings, metric_of
    from harness.report import format as fmt
    from harness.scenario_files import ScenarioFileError

    records = list(records)
    wanted = dict.fromkeys(record.cell.scenario for record in records) or {MAIN_SCENARIO: None}
    here = set(scenario.names())
    found = {}
    for name in wanted:
        if name in here:
            try:
                found[name] = scenario.find(name)
            except ScenarioFileError as error:  # its records are good all the same
                typer.echo(
                    fmt.plain(f"{name} is judged by its records alone: {error}", limit=2_000),
                    err=True,
                )
    cells = {record.cell.digest: record.cell for record in records}.values()
    known = {
        name: About(
            metric=one.metric,
            defaults=msgspec.to_builtins(scenario.parse_settings(one)),
            changed=dict(one.settings_before),
            published={
                cell.digest: value
                for cell in cells
                if cell.scenario == name and (value := _published(one, cell.settings)) is not None
            },
        )
        for name, one in found.items()
    }
    usual = msgspec.to_builtins(ProgramSettings())
    for name in wanted.keys() - known.keys():
        mine = [record for record in records if record.cell.scenario == name]
        if (metric := metric_of(mine)) is not None:
            known[name] = About(metric=metric, defaults=usual)
    return known


def _published(scenario: Scenario, settings: Mapping[str, Scalar]) -> float | None:
    """What was published for these settings; those that a record lacks came later."""
    import msgspec

    try:
        asked = msgspec.convert({**scenario.settings_before, **settings}, scenario.settings_type)
    except msgspec.ValidationError:  # of a version of the scenario that had other settings
        return None
    return scenario.published(asked)


def local_titles() -> dict[str, Mapping[int, str]]:
    """Titles by ``movie_id`` of each prepared table on this machine, by the hash of its ratings."""
    from harness import data
    from harness.data import cache, datasets

    found: dict[str, Mapping[int, str]] = {}
    for dataset in datasets.DATASETS:
        with contextlib.suppress(UnavailableError):
            table = data.load(cache.find(dataset=dataset).table)
            ids, titles = table.movies.movie_id.tolist(), table.movies.title.tolist()
            found[table.ratings_sha256] = dict(zip(ids, titles, strict=True))
    return found
