"""How far does the list-wise tutorial's figure depend on which lists were drawn?

    KERAS_BACKEND=jax .tox/jax/bin/python -m studies.family.lists_drawn [--times 20]

The tutorial draws its lists without a seed: one test list for each of 753 users. Here each time
draws other lists, for training and for testing, and begins with other weights. Validation lists are
drawn as the tutorial does, since its page shows what it learned on them, too.
"""

from __future__ import annotations

import argparse
import statistics

import keras
import numpy as np

from harness import data as rating_data
from harness.data import cache, file
from scenarios.listwise import SCENARIO, TRAIN_ROWS, VALIDATION_ROWS, ListwiseSettings, lists

PUBLISHED = {
    "mse": {"train": 0.9043, "validation": 0.9121, "test": 0.9109},
    "hinge": {"train": 0.9298, "validation": 0.9303, "test": 0.9348},
}
"""NDCG at the end of the page's one training by loss."""


def main() -> None:
    """Train as often as asked with each loss, and print where the page's figures lie."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    table = file.load(cache.find().table)
    rows = np.concatenate(rating_data.tutorial_split())
    for loss, published in PUBLISHED.items():
        found: dict[str, list[float]] = {part: [] for part in published}
        for seed in range(42, 42 + times):
            settings = ListwiseSettings(loss=loss, data_seed=seed)  # type: ignore[arg-type]
            data = SCENARIO.data(settings, table)
            validation = lists(
                table.ratings,
                rows[TRAIN_ROWS : TRAIN_ROWS + VALIDATION_ROWS],
                length=settings.list_length,
                each=1,
                draws=np.random.default_rng([seed, 1]),
            )
            keras.utils.set_random_seed(seed)
            model = SCENARIO.model(settings, data)
            history = model.fit(
                data.train.inputs,
                data.train.labels,
                validation_data=(validation.inputs, validation.labels),
                batch_size=settings.batch_size,
                epochs=settings.epochs,
                shuffle=False,
                verbose=0,
            ).history
            scores = model.evaluate(data.test.inputs, data.test.labels, return_dict=True, verbose=0)
            found["train"].append(history["ndcg"][-1])
            found["validation"].append(history["val_ndcg"][-1])
            found["test"].append(scores["ndcg"])
        for part, values in found.items():
            above = sum(value >= published[part] for value in values)
            print(
                f"{loss}, {part}: mean {statistics.fmean(values):.4f}, standard deviation "
                f"{statistics.stdev(values):.4f}, {min(values):.4f} to {max(values):.4f}; the page "
                f"says {published[part]:.4f}, {above} of {len(values)} reach that",
                flush=True,
            )


if __name__ == "__main__":
    main()
