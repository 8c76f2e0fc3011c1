"""``harness data``: prepare the rating table, look closely at it, list its sources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.command import Command
from harness.words import plain

if TYPE_CHECKING:
    from harness.data.prepare import Prepared
    from harness.data.verify import Verified

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="The rating table: prepare it, verify it, list its sources.",
)

CacheDir = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Folder of the table and the downloads; default: HARNESS_CACHE_DIR, "
        "or this user's cache folder.",
        show_default=False,
    ),
]
DatasetName = Annotated[
    str,
    typer.Option("--dataset", metavar="NAME", help="100k (the default) or 1m.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a script to read.")]


@app.command(cls=Command)
def prepare(
    source: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="auto, tfds, archive or mirror. auto takes the prepared table if there is one, "
            "else the first source that works, in this order.",
        ),
    ] = "auto",
    dataset: DatasetName = "100k",
    cache_dir: CacheDir = None,
    as_json: AsJson = False,
) -> None:
    """Make the table that trials read, unless it is there.

    Example: harness data prepare --source mirror

    Exit codes: 0 the table is there; 2 there is no such source or data set; 3 no source works, or
    the cache cannot be written.
    """
    from harness.data import prepare as preparing

    prepared = preparing.prepare(source, dataset=dataset, cache_dir=cache_dir, report=_progress)
    if as_json:
        _print_json(
            {
                "path": str(prepared.path),
                "source": prepared.source,
                "ratings_sha256": prepared.ratings_sha256,
                "pinned": prepared.pinned,
                "made": prepared.made,
                "attempts": [{"source": a.source, "problem": a.problem} for a in prepared.attempts],
            }
        )
        return
    typer.echo(f"table    {prepared.path}{'' if prepared.made else ' (was there)'}")
    typer.echo(f"source   {prepared.source}")
    typer.echo(f"ratings  {_ratings(prepared)}")


@app.command(cls=Command)
def verify(
    source: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Also read tfds, archive or mirror again, and compare.",
            show_default=False,
        ),
    ] = None,
    dataset: DatasetName = "100k",
    cache_dir: CacheDir = None,
    as_json: AsJson = False,
) -> None:
    """Check the prepared table and count what it holds.

    Example: harness data verify --source mirror

    Exit codes: 0 the table is what it should be; 2 there is no such source or data set; 3 there is
    no table, it is damaged, or the source delivers another.
    """
    from harness.data import verify as verifying

    verified = verifying.verify(source, dataset=dataset, cache_dir=cache_dir, report=_progress)
    if as_json:
        import dataclasses

        _print_json(dataclasses.asdict(verified) | {"path": str(verified.path)})
        return
    typer.echo(f"table    {verified.path}")
    typer.echo(f"source   {plain(verified.source)}")
    typer.echo(
        f"content  {verified.ratings:,} ratings of {verified.movies:,} movies "
        f"by {verified.users:,} users"
    )
    typer.echo(f"ratings  {_ratings(verified)}")
    typer.echo(f"titles   {_titles(verified)}")
    if verified.comparison:
        typer.echo(f"{verified.comparison.source:<8} {_comparison(verified)}")


@app.command(cls=Command)
def sources(
    dataset: DatasetName = "100k", cache_dir: CacheDir = None, as_json: AsJson = False
) -> None:
    """List the sources and whether each is usable now.

    Example: harness data sources

    Exit codes: 0, whether or not one works; 2 there is no such data set.
    """
    from harness.data import cache as caches
    from harness.data.sources import SOURCES

    cache = caches.find(cache_dir, dataset)
    rows = [
        {
            "source": source.name,
            "how": source.how,
            "needs": source.needs,
            "problem": source.online(cache),
        }
        for source in SOURCES.values()
    ]
    rows.append(
        {
            "source": "synthetic",
            "how": "a seeded generator, any size; only where a scenario asks for it",
            "needs": "nothing",
            "problem": None,
        }
    )
    if as_json:
        _print_json({"cache_dir": str(cache.folder), "sources": rows})
        return
    # Not a rich table: lines that can be copied whole matter more here than a frame.
    for row in rows:
        typer.echo(f"{row['source']:<10} {row['how']}")
        typer.echo(f"{'':<10} needs {row['needs']}")
        typer.echo(
            f"{'':<10} {'not usable now: ' + row['problem'] if row['problem'] else 'usable'}"
        )
    typer.echo("\nauto takes the first that is usable, in this order, but never synthetic.")
    typer.echo(f"A zip downloaded by hand belongs at {cache.archive}")


def _ratings(found: Prepared | Verified) -> str:
    known = "as pinned" if found.pinned else "of GroupLens' zip, whose sha256 is pinned"
    return f"sha256 {found.ratings_sha256}, {known}"


def _titles(verified: Verified) -> str:
    differ = verified.titles_differ
    if differ is None:
        return f"of no known kind (sha256 {verified.titles_sha256}); the ratings are right"
    if not differ:
        return "as GroupLens'"
    return f"{_count(differ, verified.movies)} lack GroupLens' space at their end"


def _comparison(verified: Verified) -> str:
    other = verified.comparison
    assert other is not None  # noqa: S101 - the caller has looked
    titles = f"{_count(other.titles, verified.movies)} titles differ" if other.titles else ""
    parts = [
        "the same ratings",
        titles or "the same titles",
        "the same genres" if other.genres_equal else "other genres",
        "the same users" if other.users_equal else "other users",
    ]
    return ", ".join(parts)


def _count(movie_ids: tuple[int, ...], of: int) -> str:
    shown = ", ".join(str(i) for i in movie_ids[:5]) + (", …" if len(movie_ids) > 5 else "")
    return f"{len(movie_ids)} of {of:,} (movies {shown})"


def _progress(line: str) -> None:
    typer.echo(
        plain(line, limit=4_000), err=True
    )  # so that a script reading the output sees only the outcome


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, indent=2))
