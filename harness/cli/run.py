"""``harness run``: measure a scenario on the backends that are there."""

from __future__ import annotations

import typer

from harness.cli import fields, options

EPILOG = """
\b
Examples:
  harness run ranking
  harness run ranking --rounds 20
  harness run ranking --backend jax,tf,torch --precision 2% --budget 5m
  harness run ranking --precision 2% --budget 5m --resume
  harness run ranking --seeds 42-46 --results results/laptop
  harness run ranking --backend jax --set batch_size=1000,4096 --set epochs=10
  harness run ranking --mode fit,tuned,custom_loop,native --precision 3%
  harness run ranking --backend torch --env torch=~/envs/torch --threads 4

\b
Exit codes:
  0 all trials measured; 1 at least one did not, or a cell was refused;
  2 a mistake in the command, or nothing but refused cells;
  3 data, an environment, a device or the folder is missing, or another
  campaign measures (--no-wait); 4 a record was kept elsewhere; 130 Ctrl-C.
"""


@fields.command(options.CampaignRequest)
def run(request: options.CampaignRequest) -> None:
    """Measure a scenario, one fresh process per trial.

    A round is one trial of every backend (and mode, and setting) with one seed, in shuffled order.
    Each trial leaves one record under --results, also when it fails; the others go on. Ctrl-C ends
    the running trial, keeps what there is, and shows it. There are as many rounds as it takes to
    know every ratio well, within a few minutes; the width of the intervals decides, never whether
    a difference shows.
    """
    # Imported here, so that `harness --help` does without everything that this needs.
    from harness.cli import campaign

    raise typer.Exit(campaign.carry_out(request))
