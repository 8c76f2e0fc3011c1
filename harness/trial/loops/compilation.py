"""What becomes of a step that the framework cannot compile, or compiles again and again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras

from harness.errors import RefusedError
from harness.trial.backends import Adapter

SETTLED_AFTER = 2
"""Epochs after which nothing is left to compile: the first has every size of batch, and what an
evaluation does to the model shows in the second."""


INSTEAD = "; run it in the mode fit"


@contextlib.contextmanager
def refused_if_uncompiled(adapter: Adapter) -> Iterator[None]:
    """Inside, an error by which a framework says that it cannot compile is a refusal.

    Raises:
        RefusedError: in its place, with the reason in one line.
    """
    try:
        yield
    except Exception as error:
        reason = None
        cause: BaseException | None = error
        while reason is None and isinstance(cause, Exception):
            reason = adapter.uncompiled(cause)
            cause = cause.__cause__
        if reason is None:
            raise
        raise RefusedError(f"{reason}{INSTEAD}") from error


class RecompilationWatch(keras.callbacks.Callback):
    """Ends a training whose step is compiled again and again.

    It looks at the ends of epochs only: a hook at every batch would change how ``fit`` runs. Put it
    before whatever evaluates, since evaluation compiles for itself.

    Raises:
        RefusedError: from the third epoch on, if anything was compiled in it.
    """

    def __init__(self, adapter: Adapter) -> None:
        super().__init__()
        self._adapter = adapter
        self._epochs = 0
        self._frames = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Count from here."""
        self._adapter.watch_recompilation(on=True)
        self._frames = self._adapter.compiled_frames()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Compare."""
        self._adapter.watch_recompilation(on=False)
        self._epochs += 1
        compiled = self._adapter.compiled_frames() - self._frames
        if compiled and self._epochs > SETTLED_AFTER:
            raise RefusedError(
                f"the step is still being compiled in epoch {self._epochs}: "
                f"{self._adapter.recompiled()}{INSTEAD}"
            )
