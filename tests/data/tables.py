"""Made-up tables in the forms of the sources, and a look at two of them."""

from __future__ import annotations

import zipfile
from pathlib import Path

from harness.data import Table

ONE_MILLION = {
    "ratings.dat": "2::3::5::20\n1::3::4::30\n2::1::1::20\n1::2::3::10\n",
    "movies.dat": (
        "1::Ünder (1999)::Drama|War\n3::Made: Up, The (1950)::Children's\n2::X (2000)::War\n"
    ),
    "users.dat": "2::M::25::10::00000-1234\n1::F::1::0::T1\n",
}


def zip_of(folder: Path, **changes: str) -> Path:
    """A zip as GroupLens', with other texts in place of those of its files."""
    path = folder / "ml-1m.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in ONE_MILLION.items():
            content = changes.get(name.removesuffix(".dat"), text).encode("latin-1")
            archive.writestr(f"ml-1m/{name}", content)
    return path


def assert_same(one: Table, other: Table) -> None:
    for part in ("ratings", "movies", "users"):
        for name, column in getattr(one, part).columns().items():
            found = getattr(getattr(other, part), name)
            assert column.tolist() == found.tolist(), f"{part}.{name}"
