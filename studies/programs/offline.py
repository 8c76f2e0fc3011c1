"""Runs a published script unchanged, with generated data in place of what it would download.

The arrays have the shapes and types of the published ones, and fewer rows. What the script asks for
by ``keras.utils.get_file``, or opens at a path of its author's, is made here; nothing else is
changed. The script runs in its own folder:

    harness run studies/programs/offline.py --env jax=PATH -- FOLDER/mnist_convnet.py
"""

from __future__ import annotations

import builtins
import io
import os
import runpy
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

FOLDER = Path(tempfile.mkdtemp())
ROWS = {"images": (640, 128), "reviews": (320, 64), "ratings": 6_000, "weather": 6_000}
CREDIT_CARDS = "creditcard.csv"  # below the home of the example's author
CARDS = 16_000


def mnist(path: Path) -> None:
    """Ten patterns of 28 × 28 bytes, with noise."""
    rng = np.random.default_rng(0)
    patterns = rng.uniform(size=(10, 28, 28))
    arrays = {}
    for part, rows in zip(("train", "test"), ROWS["images"], strict=True):
        classes = rng.integers(0, 10, rows)
        pixels = 160 * patterns[classes] + 95 * rng.uniform(size=(rows, 28, 28))
        arrays |= {f"x_{part}": pixels.astype("uint8"), f"y_{part}": classes.astype("uint8")}
    np.savez(path, **arrays)


def imdb(path: Path) -> None:
    """Reviews of 50 to 400 words, of which each class prefers other ones."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, rows in zip(("train", "test"), ROWS["reviews"], strict=True):
        classes = rng.integers(0, 2, rows)
        words = [rng.integers(1, 9_000, rng.integers(50, 400)) * 2 + c for c in classes]
        reviews = np.empty(rows, dtype=object)
        reviews[:] = [each.tolist() for each in words]
        arrays |= {f"x_{part}": reviews, f"y_{part}": classes}
    np.savez(path, **arrays)


def movielens(path: Path) -> None:
    """Made-up ratings: none of GroupLens'."""
    rng = np.random.default_rng(0)
    rows = ROWS["ratings"]
    users, movies = rng.integers(1, 611, rows), rng.integers(1, 2_001, rows)
    stars = np.clip(np.round(2 * (3 + users % 3 - movies % 2 + rng.normal(size=rows))), 1, 10) / 2
    lines = [f"{u},{m},{s},0" for u, m, s in zip(users, movies, stars, strict=True)]
    titles = [f"{movie},Movie {movie} (2000),Drama" for movie in range(1, 2_001)]
    with zipfile.ZipFile(path, "w") as archive:
        text = "\n".join(["userId,movieId,rating,timestamp", *lines])
        archive.writestr("ml-latest-small/ratings.csv", text)
        archive.writestr("ml-latest-small/movies.csv", "\n".join(["movieId,title,genres", *titles]))


def weather(path: Path) -> None:
    """Fourteen quantities every ten minutes, with a day's rhythm."""
    keys = (
        "p (mbar),T (degC),Tpot (K),Tdew (degC),rh (%),VPmax (mbar),VPact (mbar),VPdef (mbar),"
        "sh (g/kg),H2OC (mmol/mol),rho (g/m**3),wv (m/s),max. wv (m/s),wd (deg)"
    )
    rng = np.random.default_rng(0)
    rows = ROWS["weather"]
    day = np.sin(np.arange(rows) * 2 * np.pi / 144)[:, None]
    values = 10 + 5 * day + rng.normal(size=(rows, 14))
    lines = [
        f"{1 + i // 144 % 28:02}.01.2009 {i // 6 % 24:02}:{i % 6}0:00,"
        + ",".join(f"{v:.2f}" for v in row)
        for i, row in enumerate(values)
    ]
    with zipfile.ZipFile(path, "w") as archive:
        text = "\n".join([f"Date Time,{keys}", *lines])
        archive.writestr("jena_climate_2009_2016.csv", text)


def credit_cards() -> str:
    """Thirty numbers and a class, which one in a hundred has."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(CARDS, 30))
    classes = (numbers[:, 0] + numbers[:, 1] > 3.3).astype(int)
    lines = [
        ",".join(f"{n:.4f}" for n in row) + f',"{c}"'
        for row, c in zip(numbers, classes, strict=True)
    ]
    return "\n".join(["Time," + ",".join(f"V{i}" for i in range(1, 29)) + ",Amount,Class", *lines])


FILES: dict[str, Callable[[Path], None]] = {
    "mnist.npz": mnist,
    "imdb.npz": imdb,
    "ml-latest-small.zip": movielens,
    "jena_climate_2009_2016.csv.zip": weather,
}


def get_file(fname: str | None = None, origin: str | None = None, **_: Any) -> str:
    """In place of ``keras.utils.get_file``."""
    name = fname or str(origin).rpartition("/")[2]
    path = FOLDER / name
    if not path.exists():
        FILES[name](path)
    return str(path)


def opened(path: Any, *arguments: Any, **named: Any) -> Any:
    """In place of ``open``."""
    if str(path).endswith(f"/{CREDIT_CARDS}"):
        return io.StringIO(credit_cards())
    return OPEN(path, *arguments, **named)


OPEN = builtins.open


def main() -> None:
    """Run the script that is named."""
    builtins.open = opened
    for module in list(sys.modules.values()):
        if getattr(module, "get_file", None) is keras.utils.get_file and module is not keras.utils:
            module.get_file = get_file  # type: ignore[attr-defined]
    keras.utils.get_file = get_file
    script = Path(sys.argv[1]).absolute()
    sys.argv = [str(script), *sys.argv[2:]]
    os.chdir(script.parent)
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    main()
