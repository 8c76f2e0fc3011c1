"""Where a command trains that takes its tasks one by one: here, or in a slot of a cluster."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import asking
from harness.cli.cluster_options import LOCAL
from harness.errors import UnavailableError
from harness.launch.lock import only_campaign

if TYPE_CHECKING:
    from harness.cli.asking import Say
    from harness.launch.child import LocalLauncher
    from harness.launch.cluster.launcher import ClusterLauncher
    from harness.launch.devices import Placement
    from harness.scenario import Scenario, Settings


@dataclass(frozen=True)
class Site:
    """Interpreters, the rating table (``None`` if none is read), and what runs tasks with them."""

    placed: Mapping[str, Placement]
    table: Path | None
    launcher: LocalLauncher | ClusterLauncher


@contextlib.contextmanager
def site(
    request: Any,
    scenario: Scenario,
    settings: Settings,
    say: Say,
    *,
    least: int = 1,
    variable: str | None = "KERAS_BACKEND",
) -> Iterator[Site]:
    """A place that is the request's alone while the block lasts.

    Args:
        request: what was asked, with the options of a cluster.
        scenario: what is trained.
        settings: with which settings.
        say: prints what a person is to know.
        least: how many backends there must be.
        variable: the environment variable that names the backend where the request does not.

    Raises:
        HarnessError: for a mistake in the request, or something missing.
    """
    if request.launcher == LOCAL:
        asking.refuse_cluster_options(request)
        placed = asking.placements(request, say, least=least, variable=variable)
        table = asking.table(request, scenario, [settings], say)
        launcher = asking.launcher(request, placed)
        with only_campaign(wait=request.wait, say=say):
            yield Site(placed, table, launcher)
        return
    # Dask is imported where it is asked for alone.
    from harness.cli import machines, readiness
    from harness.launch.cluster.connection import connected

    specification = machines.specification_of(request)
    with connected(specification) as connection:
        equipped = readiness.equip(
            connection, request, say, exclusive=request.exclusive, variable=variable
        )[0]
        if len(equipped.placed) < least:
            names = ", ".join(equipped.placed)
            raise UnavailableError(f"two backends are needed, and {equipped.name} has {names}")
        say(f"in slot {equipped.name}")
        key = secrets.token_hex(4)
        launcher_there = equipped.launcher(connection, request, key, say)
        try:
            yield Site(equipped.placed, equipped.table, launcher_there)
        except KeyboardInterrupt:
            if launcher_there.lost is not None:
                raise UnavailableError(launcher_there.lost) from None
            connection.end([launcher_there.slot])
            raise
