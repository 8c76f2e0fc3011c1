"""Does each scenario learn what its tutorial published, on every backend?

    python studies/family/published.py FOLDER [--times 20] [--only dcn] [--env jax=.tox/jax …]

One campaign of 20 seeds for each row of the table, on all three backends. Nothing is timed, so
other programs may run beside it. ``--only`` takes names of scenarios.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from harness.analysis.speed.interval import MINIMUM_ROUNDS, interval
from harness.backends import BACKENDS
from harness.records.trial import Record
from studies.turns.campaigns import asked, campaign, show, table


class Row(NamedTuple):
    """One configuration, and what was published for it.

    ``metric`` is the scenario's own, unless it is named. ``digits`` are those that were printed.
    """

    scenario: str
    settings: str = ""
    published: float | None = None
    digits: int = 4
    metric: str = ""


ROWS = (
    Row("listwise", "loss=mse", 0.9109),
    Row("listwise", "loss=hinge", 0.9348),
    Row("listwise", "loss=listmle"),
    Row("multi_task", "", 0.25, 2),
    Row("multi_task", "", 0.022, 3, "top_k_accuracy"),
    Row("multi_task", "retrieval_weight=0", 0.26, 2),
    Row("multi_task", "retrieval_weight=0", 0.005, 3, "top_k_accuracy"),
    Row("multi_task", "ranking_weight=0", 0.78, 2),
    Row("multi_task", "ranking_weight=0", 0.020, 3, "top_k_accuracy"),
    Row("dcn", "structure=cross split=tutorial", 0.9136),
    Row("dcn", "structure=low_rank split=tutorial", 0.9156),
    Row("dcn", "structure=deep split=tutorial", 0.9174),
    Row("dcn", "structure=cross"),
    Row("dcn", "structure=low_rank"),
    Row("dcn", "structure=deep"),
    Row("retrieval", "", 0.020, 3),
    Row("retrieval", "loss=mse epochs=50", 0.4743, 4, "loss"),
    Row("two_stage"),
    Row("sas_rec"),
    Row("sas_rec", "context=200 keep=first"),
)


def main() -> None:
    """Run what is missing, and print every row."""
    study = asked(__doc__, times=20, only={"default": ""})
    only = [name for name in study.own.only.split(",") if name]
    lines = []
    for row in ROWS:
        if only and row.scenario not in only:
            continue
        name = "-".join([row.scenario, *row.settings.replace("=", "-").split()])
        options = ["--backend", ",".join(BACKENDS), "--rounds", str(study.times)]
        options += ["--time-budget", "0.001", *study.rest]
        options += [part for one in row.settings.split() for part in ("--set", one)]
        records = campaign(study.folder / name, options, scenario=row.scenario)
        lines.append(
            [row.scenario, row.settings or "–", row.metric or "its own", *told(row, records)]
        )
    header = ("scenario", "settings", "metric", *BACKENDS, "published", "seeds on both sides of it")
    show(table(header, lines))


def told(row: Row, records: Sequence[Record]) -> Iterable[str]:
    """The centre of the seeds on each backend with its interval, and how the published one lies."""
    beside = []
    for backend in BACKENDS:
        # A trial that was disturbed is in here with its repeat: a seed counts once.
        by_seed = {
            r.seed: v
            for r in records
            if r.cell.backend == backend and (v := value(row, r)) is not None
        }
        values = list(by_seed.values())
        if len(values) < MINIMUM_ROUNDS:
            yield "–"
            continue
        found = interval(values)
        yield f"{found.estimate:.4f} ({found.low:.4f}–{found.high:.4f})"
        if row.published is not None:
            half = 0.5 * 10**-row.digits  # as it was rounded
            low = sum(v <= row.published + half for v in values)
            high = sum(v >= row.published - half for v in values)
            beside.append(f"{low}/{high} of {len(values)}")
    yield "–" if row.published is None else f"{row.published:.{row.digits}f}"
    yield ", ".join(beside) or "–"


def value(row: Row, record: Record) -> float | None:
    """The metric of one trial; ``None`` where it left none."""
    if record.quality is None:
        return None
    return record.quality.others.get(row.metric) if row.metric else record.quality.value


if __name__ == "__main__":
    main()
