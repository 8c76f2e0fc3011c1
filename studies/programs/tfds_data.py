"""Builds the tutorial's two data sets where ``tfds.load`` finds them, from the prepared ratings.

    .tox/data/bin/python -m studies.programs.tfds_data FOLDER
    TFDS_DATA_DIR=FOLDER harness run studies/programs/tutorial.py --pass-env TFDS_DATA_DIR …

Whoever reaches GroupLens needs none of this: TensorFlow Datasets downloads them by itself.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from harness.data import file
from harness.data.frozen.generate import load, rebuild_archive, registered
from harness.data.prepare import prepare


def main(folder: Path) -> None:
    """Build ``movielens/100k-ratings`` and ``movielens/100k-movies`` in ``folder``."""
    table = file.load(prepare(report=print).path)
    with tempfile.TemporaryDirectory() as temporary:
        archive = rebuild_archive(table, Path(temporary))
        with registered(archive):
            for name in ("100k-ratings", "100k-movies"):
                print(name, load(name, archive, folder).cardinality().numpy())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
