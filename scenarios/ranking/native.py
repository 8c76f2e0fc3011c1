"""What the three native versions of the ranking model have in common: what they can train."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import RefusedError

if TYPE_CHECKING:
    from . import RankingSettings


class UnknownToNativeError(RefusedError):
    """A setting that the native code was not written for."""


def require_known(settings: RankingSettings) -> None:
    """Refuse what the native code would train otherwise than the Keras model.

    Raises:
        UnknownToNativeError: for another optimizer than Adagrad, and for another precision.
    """
    if settings.optimizer != "adagrad" or settings.precision != "float32":
        raise UnknownToNativeError(
            "the native code of ranking trains with optimizer=adagrad and precision=float32, not "
            f"with optimizer={settings.optimizer} and precision={settings.precision}; "
            "run it in the modes fit, tuned or custom_loop"
        )
