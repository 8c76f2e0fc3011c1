"""The rating table: sources, verification, split, synthetic generator.

What is re-exported here needs only NumPy and the standard library, since a trial imports it.
Making the table (:mod:`harness.data.prepare`) needs more and is imported by its own name.
"""

from harness.data.file import CorruptTableError, MissingTableError, load
from harness.data.split import (
    TUTORIAL_SPLIT_SHA256,
    random_split,
    split_sha256,
    tutorial_split,
)
from harness.data.table import RATINGS_SHA256, Movies, Ratings, Table, Users

__all__ = [
    "RATINGS_SHA256",
    "TUTORIAL_SPLIT_SHA256",
    "CorruptTableError",
    "MissingTableError",
    "Movies",
    "Ratings",
    "Table",
    "Users",
    "load",
    "random_split",
    "split_sha256",
    "tutorial_split",
]
