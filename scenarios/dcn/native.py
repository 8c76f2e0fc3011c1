"""What the three native versions of the deep and cross network have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.errors import RefusedError

if TYPE_CHECKING:
    from . import DcnSettings

BETA_1, BETA_2, EPSILON, WEIGHT_DECAY = 0.9, 0.999, 1e-7, 0.004
"""Of Keras' AdamW."""

FEATURES = 6
SLOTS = ("momentum", "velocity")

CROSSED = {"cross": 2, "low_rank": 3, "deep": 0}
"""How many variables the crosses of each structure have, behind the six tables."""


class UnknownToNativeError(RefusedError):
    """A setting that the native code was not written for."""


def require_known(settings: DcnSettings) -> None:
    """Refuse what the native code would train otherwise than the Keras model.

    Raises:
        UnknownToNativeError: for another precision than float32.
    """
    if settings.precision != "float32":
        raise UnknownToNativeError(
            f"the native code of dcn trains with precision=float32, not with {settings.precision}; "
            "run it in the modes fit, tuned or custom_loop"
        )


def parts(weights: Sequence[Any], crossed: int) -> tuple[Any, Any, list[tuple[Any, Any]]]:
    """The tables, the variables of the crosses, and kernel and bias of each dense layer."""
    tables, cross = weights[:FEATURES], weights[FEATURES : FEATURES + crossed]
    dense = weights[FEATURES + crossed :]
    return tables, cross, list(zip(dense[::2], dense[1::2], strict=True))
