"""The tutorial's model, data and ``fit`` on one backend, ready to train in this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness import data as rating_data
from harness import scenario
from harness.data.prepare import prepare
from harness.trial import backends

if TYPE_CHECKING:
    from harness.trial.loops import Loop
    from harness.trial.prepared import Prepared


def ready_to_fit(backend: str, changed: Mapping[str, str] | None = None) -> tuple[Prepared, Loop]:
    """From common weights of seed 42, on the CPU; Keras is imported here."""
    adapter = backends.load(backend)
    adapter.use("cpu", None)

    from harness.trial import loops
    from harness.trial.initial import initialised
    from harness.trial.prepared import Prepared

    chosen = scenario.find("ranking")
    settings = scenario.parse_settings(chosen, changed or {})
    data = chosen.data(settings, rating_data.load(prepare(report=lambda _: None).path))
    model = initialised(chosen, settings, data, "common", 42)
    prepared = Prepared(chosen=chosen, settings=settings, data=data, adapter=adapter, model=model)
    return prepared, loops.make("fit", prepared)
