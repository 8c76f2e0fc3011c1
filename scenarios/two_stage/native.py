"""What the three native versions of both stages have in common: what they can train."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import RefusedError

if TYPE_CHECKING:
    from . import TwoStageSettings

EPSILON = 1e-7
"""Of Keras' Adagrad, inside the root."""


class UnknownToNativeError(RefusedError):
    """A setting that the native code was not written for."""


def require_known(settings: TwoStageSettings) -> None:
    """Refuse what the native code would train otherwise than the Keras model.

    Raises:
        UnknownToNativeError: for another precision than float32.
    """
    if settings.precision != "float32":
        raise UnknownToNativeError(
            "the native code of two_stage trains with precision=float32, not with "
            f"{settings.precision}; run it in the modes fit, tuned or custom_loop"
        )
