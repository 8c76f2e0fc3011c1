"""Paths as a user writes them."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import UnavailableError


def expanded(text: str | os.PathLike[str]) -> Path:
    """The path with ``~`` replaced by the user's home.

    Raises:
        UnavailableError: if there is no home: a number without a name, in a container.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise UnavailableError(
            f"{text} begins in a home folder that this user does not have: write the whole path, "
            "or set HOME"
        ) from None
