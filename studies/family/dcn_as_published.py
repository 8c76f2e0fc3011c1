"""Does the DCN tutorial learn what its page says, if nothing of this harness trains it?

    KERAS_BACKEND=tensorflow .tox/tf/bin/python -m studies.family.dcn_as_published [--times 10]

The tutorial's own data pipeline (tf.data, shuffled anew by whoever reads it, then cached), Keras'
own ``fit`` with its own initial weights, ten models on the same rows. Its page says .9136 ± .0030.
"""

from __future__ import annotations

import argparse
import statistics

import keras
import numpy as np
import tensorflow as tf

from harness.data import cache, file
from scenarios.dcn import SCENARIO, TRAIN_ROWS, DcnSettings


def main() -> None:
    """Train as often as asked, and print the RMSE of each model, their mean and their spread."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--structure", choices=("cross", "low_rank", "deep"), default="cross")
    given = parser.parse_args()
    settings = DcnSettings(structure=given.structure)
    data = SCENARIO.data(settings, file.load(cache.find().table))
    parts = (data.train, data.test)
    inputs = {
        name: np.concatenate([part.inputs[name] for part in parts]) for name in data.train.inputs
    }
    labels = np.concatenate([part.labels for part in parts])
    ratings = tf.data.Dataset.from_tensor_slices((inputs, labels)).shuffle(len(labels))
    train = ratings.take(TRAIN_ROWS).batch(settings.batch_size).cache()
    test = ratings.skip(TRAIN_ROWS).batch(settings.batch_size).cache()
    found = []
    for _ in range(given.times):
        model = SCENARIO.model(settings, data)
        model.fit(train, epochs=settings.epochs, verbose=0)
        scores = model.evaluate(test, return_dict=True, verbose=0)
        found.append(scores[SCENARIO.metric.name])
        print(f"{found[-1]:.4f}", flush=True)
    print(
        f"Keras {keras.__version__}, {given.structure}, {model.count_params():,} parameters: "
        f"mean {statistics.fmean(found):.4f}, standard deviation {statistics.pstdev(found):.4f}, "
        f"{min(found):.4f} to {max(found):.4f}"
    )


if __name__ == "__main__":
    main()
