"""The tutorial's scenario with a train step that is slowed on purpose, to see what verdicts say.

``slowdown`` is the share by which every step takes longer; ``twin`` changes nothing, so that one
thing can be measured under two names. ``studies/twins/slowed.py`` runs both.
"""

from __future__ import annotations

import time
from typing import Annotated, Any

import msgspec

from scenarios.ranking import Ranking, RankingSettings


class SlowedSettings(RankingSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Those of the tutorial's scenario, and what is done to its step."""

    slowdown: Annotated[float, msgspec.Meta(ge=0, le=10)] = 0.0
    twin: str = "a"


STEPS_PER_BURN = 40
"""So often is burnt what is owed for the steps since. Worker threads that find nothing to do for a
tenth of a millisecond fall asleep, and to wake them costs up to half a millisecond more than was
asked for: burning 5% after every single step made JAX's 7% slower and 10% made it 20% slower.
Burnt for 40 together, they come out as 5.8% and 10.2% (25 pairs of two epochs in one process)."""


class Burner:
    """Lets steps take longer by a share of what they took, from the end of the one before.

    So the step's own work counts and what lies between two steps as well. Equal cells without a
    slowdown wait for the device after each step too; else that alone would be a difference.
    """

    def __init__(self, train_function: Any, slowdown: float, clock: Any = time.perf_counter):
        self._train_function = train_function
        self._slowdown = slowdown
        self._clock = clock
        self._ended_s: float | None = None
        self._owed_s = 0.0
        self._steps = 0

    def restart(self) -> None:
        """Forget when the last step ended: an evaluation came in between."""
        self._ended_s = None

    def __call__(self, *arguments: Any) -> Any:
        begun_s = self._clock() if self._ended_s is None else self._ended_s
        outputs = self._train_function(*arguments)
        _wait_for(outputs)
        self._ended_s = self._clock()
        self._owed_s += (self._ended_s - begun_s) * self._slowdown
        self._steps += 1
        if self._steps % STEPS_PER_BURN == 0:
            self._burn()
        return outputs

    def _burn(self) -> None:
        until_s = self._clock() + self._owed_s
        while self._clock() < until_s:
            pass
        self._owed_s = 0.0
        self._ended_s = self._clock()


class Slowed(Ranking):
    """The tutorial's scenario; only ``fit`` differs."""

    name = "slowed"
    summary = "The tutorial's ranking model, slowed on purpose (a test of the verdicts)"
    settings_type = SlowedSettings

    def model(self, settings: SlowedSettings, data: Any) -> Any:
        """The tutorial's model, which remembers by how much its steps are to be slowed."""
        model = super().model(settings, data)
        model.slowdown = settings.slowdown
        return model

    def fit(
        self, model: Any, train: Any, *, callbacks: list[Any] | None = None, **how: Any
    ) -> None:
        """Train with every step slowed."""
        import keras

        model.make_train_function()  # keeps the one that is there
        if not isinstance(model.train_function, Burner):
            model.train_function = Burner(model.train_function, model.slowdown)
        burner = model.train_function
        restart = keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: burner.restart())
        super().fit(model, train, callbacks=[restart, *(callbacks or [])], **how)


def _wait_for(outputs: Any) -> None:
    """Until the device has finished; each framework in its own way, none imported here."""
    import keras

    for leaf in keras.tree.flatten(outputs):
        if hasattr(leaf, "block_until_ready"):
            leaf.block_until_ready()
        elif hasattr(leaf, "numpy"):
            leaf.numpy()


SCENARIO = Slowed()
