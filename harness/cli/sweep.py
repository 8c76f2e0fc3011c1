"""``harness sweep``: measure along one or several axes, and show how step time and memory grow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import typer

from harness import defaults
from harness.cli import fields, options, values
from harness.cli.command import AXES, HOW_LONG
from harness.errors import HarnessError

EPILOG = """
\b
Examples:
  harness sweep ranking --batch-size 256,1000,4096,16384
  harness sweep ranking --embedding-rows 10000,1000000 --memory-limit 16GB
  harness sweep ranking --dtype-policy float32,mixed_bfloat16 --threads 1,2
  harness sweep ranking --embedding-size 16,32,64 --seeds 42-46 --dry-run

\b
Exit codes:
  those of `harness run`: 0 every point was measured; 1 one failed, by want
  of memory perhaps, and is a record all the same; 2 a mistake in the command;
  3 something is missing; 4 a record was kept elsewhere; 130 Ctrl-C.
"""


def _axis(option: str, help_: str) -> Any:
    return typer.Option(option, metavar="VALUES", help=help_, rich_help_panel=AXES)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SweepRequest(options.CampaignRequest):
    """What ``harness sweep`` was asked."""

    usual_seeds: ClassVar[str] = defaults.SWEEP_SEEDS
    until_known: ClassVar[bool] = False
    shares_points: ClassVar[bool] = True

    batch_size: Annotated[
        str | None, _axis("--batch-size", "Examples in a batch, such as 256,1000.")
    ] = None
    embedding_rows: Annotated[
        str | None,
        _axis(
            "--embedding-rows",
            "Rows of the large embedding table; on synthetic data, with one epoch and few batches "
            "unless --epochs or --set say otherwise.",
        ),
    ] = None
    embedding_size: Annotated[
        str | None, _axis("--embedding-size", "Columns of the embedding tables.")
    ] = None
    dtype_policy: Annotated[
        str | None,
        _axis(
            "--dtype-policy",
            "What is computed in, by Keras' name: float32, mixed_bfloat16. It is the setting "
            "`precision`; the option --precision is how narrow an interval has to be.",
        ),
    ] = None
    epochs: Annotated[str | None, _axis("--epochs", "Epochs until the quality is taken.")] = None
    threads: Annotated[
        str | None,
        typer.Option(
            "--threads",
            metavar="NUMBERS",
            help="CPU threads, such as 1,2; auto leaves them to the framework.",
            rich_help_panel=AXES,
        ),
    ] = None
    seeds: Annotated[
        str | None,
        values.seeds_option(
            f"{defaults.SWEEP_SEEDS}, or {defaults.ADAPTIVE_SEEDS} with --rounds, --precision or "
            "--budget",
            " Several are needed for a verdict at each point.",
        ),
    ] = None
    rounds: Annotated[
        int | None,
        values.number(
            "--rounds", "Run so many. Default: one for each seed.", HOW_LONG, most=10_000
        ),
    ] = None
    timeout_s: Annotated[float, values.timeout_option(defaults.SWEEP_TIMEOUT_S)] = (
        defaults.SWEEP_TIMEOUT_S
    )

    @property
    def swept(self) -> Mapping[str, str]:
        """The values of each axis that becomes a setting, as typed."""
        axes = ("batch_size", "embedding_rows", "embedding_size", "dtype_policy", "epochs")
        return {axis: getattr(self, axis) for axis in axes if getattr(self, axis) is not None}


@fields.command(SweepRequest)
def sweep(request: SweepRequest) -> None:
    """Measure how step time and memory grow along one or more axes.

    Every combination of their values is a point: the trials of all points and backends are
    interleaved in rounds, each leaves one record, and the rest goes on after one that failed.
    At the end you see how step time and peak memory grow with each axis of numbers: the part that
    is fixed, the part that comes with each unit, and how well that line fits. docs/sweeps.md
    explains it.
    """
    if not request.swept and request.threads is None:
        raise HarnessError(
            "no axis is named: give values of one, such as --batch-size 256,1000,4096; "
            "`harness sweep --help` lists them"
        )
    # Imported here, so that `harness --help` does without everything that this needs.
    from harness.cli import campaign

    raise typer.Exit(campaign.carry_out(request))
