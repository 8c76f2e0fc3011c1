"""What many A/A campaigns say: each measured one thing under two names, so no verdict is true.

    python -m studies.turns.twins results/twins
    python -m studies.twins.twins results/twins studies/twins/turns-quiet.parquet

runs 20 campaigns in turns and writes them as one table; ``--busy`` makes those of
``turns-busy.parquet``. Those of trials one after the other are from::

    for i in $(seq -w 1 20); do
      python -m studies.twins.slowed --backend jax --twins --seeds 42-47 --time-budget 0.25 \
        --turns off --results results/twins/$i
    done

For ``busy.parquet``, put ``python -m studies.twins.busy --seed $((100 + 10#$i * 2))`` before each.
Without a folder, print what the tables say, as Markdown::

    python -m studies.twins.twins > studies/twins/README.md
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from harness.analysis.speed import disturbed
from harness.analysis.speed.pairs import judging, verdicts_within
from harness.store import folder as store

HERE = Path(__file__).parent
TABLES = {
    "In turns, with nothing beside them": "turns-quiet.parquet",
    "In turns, beside busy processes": "turns-busy.parquet",
    "One after the other, on a quiet machine": "quiet.parquet",
    "One after the other, beside busy processes": "busy.parquet",
}


def pack(folder: Path, table: Path) -> None:
    """Keep every file of the campaigns in ``folder`` as one row of ``table``, unchanged."""
    paths = sorted(path for path in folder.rglob("*.json") if path.is_file())
    names = [path.relative_to(folder).parts for path in paths]
    pl.DataFrame(
        {
            "campaign": [parts[0] for parts in names],
            "file": ["/".join(parts[1:]) for parts in names],
            "json": [path.read_text(encoding="utf-8") for path in paths],
        }
    ).write_parquet(table, compression="zstd", compression_level=22)


def unpack(table: Path, folder: Path) -> None:
    """Write the files of ``table`` below ``folder``, one folder for each campaign."""
    for campaign, file, text in pl.read_parquet(table).iter_rows():
        path = folder / campaign / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def verdicts(folder: Path) -> Iterator[str]:
    """What the campaigns below ``folder`` say, as lines of Markdown: a sentence, then a table."""
    rows = []
    wrong = holds = without = flagged = trials = 0
    for campaign in sorted(path for path in folder.iterdir() if path.is_dir()):
        there = store.load(campaign)
        rule = judging(there.plans)
        (found,) = verdicts_within(there.records, margin=rule.margin, sequential=rule.sequential)
        given = found.verdict
        noisy = sum(why is not None for why in disturbed.reasons(there.records))
        flagged, trials = flagged + noisy, trials + len(there.records)
        measured = f"{noisy} of {len(there.records)} | {given.rounds}"
        counts = f"| {campaign.name} | {found.pair.first.backend} | {measured} "
        if given.low is None or given.high is None:
            without += 1
            rows.append(f"{counts}| – | – | no interval |")
            continue
        wrong += given.kind in {"faster", "slower"}
        holds += given.low <= 1 <= given.high
        rows.append(
            f"{counts}| {given.ratio:.3f} | {given.low:.3f} to {given.high:.3f} | {given.kind} |"
        )
    yield (
        f"{len(rows)} campaigns in which both cells are the same: {wrong} said `faster` or "
        f"`slower`; {holds} of {len(rows) - without} intervals hold the true ratio of 1. "
        f"{flagged} of {trials} trials were flagged as disturbed, and {without} campaigns were "
        "left with too few undisturbed rounds for an interval."
    )
    yield ""
    yield "| campaign | backend | disturbed trials | rounds | ratio | 95% interval | verdict |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | --- |"
    yield from rows


def page() -> Iterator[str]:
    """The lines of ``README.md``."""
    yield "# One backend under two names"
    yield ""
    yield "Measured and written by [`twins.py`](twins.py), from the tables beside it."
    for title, table in TABLES.items():
        yield from ("", f"## {title}", "")
        with tempfile.TemporaryDirectory() as folder:
            unpack(HERE / table, Path(folder))
            yield from verdicts(Path(folder))


if __name__ == "__main__":
    if sys.argv[1:]:
        pack(*map(Path, sys.argv[1:]))
    else:
        print("\n".join(page()))
