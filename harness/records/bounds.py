"""The ranges of what records hold: a figure outside of them was never measured.

They are checked where JSON is decoded (msgspec), not where a struct is made in Python. An upper
bound is far beyond every real figure, and low enough that sums and squares of what passes are
finite numbers.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Seconds = Annotated[float, Meta(ge=0, le=1e9)]
"""A span of time; 30 years at most."""

Size = Annotated[int, Meta(ge=0, le=2**60)]
"""In bytes."""

Count = Annotated[int, Meta(ge=0, le=2**53)]
"""How many; exact as a float too."""

Number = Annotated[int, Meta(ge=1, le=2**53)]
"""Counted from 1 on, or how many where none makes no sense."""

Seed = Annotated[int, Meta(ge=0, le=2**32 - 1)]
"""What NumPy takes for a seed, and what the command line accepts."""

Share = Annotated[float, Meta(ge=0, le=1)]

Level = Annotated[float, Meta(ge=0, le=1e9)]
"""A load, or a frequency in MHz."""

Rate = Annotated[float, Meta(ge=0, le=1e24)]
"""Operations or bytes, or how many of them in a second."""

Figure = Annotated[float, Meta(ge=-1e100, le=1e100)]
"""A loss or a metric: float32 ends at 3.4e38."""

_SIGN = r'[^\x00-\x1f\x7f-\x9f/\\:*?"<>|]'
ScenarioName = Annotated[
    str,
    Meta(pattern=rf"^([^\W\d]\w*|(?!\.){_SIGN}+\.py)(?![\s\S])", max_length=200),
]
"""A module's name, or that of a script: it becomes a folder, and must not lead out of another."""
