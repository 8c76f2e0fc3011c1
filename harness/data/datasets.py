"""The data sets there are. Needs the standard library alone, since a trial imports it."""

from __future__ import annotations

import dataclasses

from harness.errors import HarnessError
from harness.words import unknown


class UnknownDatasetError(HarnessError):
    """There is no data set of that name."""


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A set of ratings.

    ``name`` is what a scenario, ``--dataset`` and TensorFlow Datasets call it (``movielens/1m-…``);
    ``zip_sha256`` that of GroupLens' zip, as TensorFlow Datasets registers it
    (``url_checksums/movielens.txt``).
    """

    name: str
    title: str
    zip_sha256: str

    @property
    def stem(self) -> str:
        """The name of its files, without an ending."""
        return f"ml-{self.name}"


DEFAULT = "100k"

DATASETS = {
    one.name: one
    for one in (
        Dataset(
            name=DEFAULT,
            title="MovieLens-100K",
            zip_sha256="50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
        ),
        Dataset(
            name="1m",
            title="MovieLens-1M",
            zip_sha256="a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
        ),
    )
}


def dataset(name: str) -> Dataset:
    """The data set of that name.

    Raises:
        UnknownDatasetError: if there is none.
    """
    try:
        return DATASETS[name]
    except KeyError:
        raise UnknownDatasetError(unknown("data set", name, list(DATASETS))) from None


def remake(name: str) -> str:
    """The command that makes the table of a data set."""
    return "harness data prepare" + ("" if name == DEFAULT else f" --dataset {name}")
