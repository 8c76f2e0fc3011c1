"""Whether backends that differ on a script's model in float32 agree on it in float64.

Round-off shrinks with the precision, by about 1e-9; a fault does not. So the model of each script
is made from the same weights and trained for a few batches, in float32 and in float64, by
``train_on_batch`` alone and with none of the code by which ``harness parity`` compares. Dropout is
switched off, since each backend draws its own masks.

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python -m studies.programs.float64 train SCRIPT FOLDER
    python -m studies.programs.float64 compare SCRIPT FOLDER

The first is run in each backend's environment, the second anywhere with NumPy.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np

BATCHES = 5
SEED = 42


class ReachedError(Exception):
    """The script has come to its first ``fit``."""


def train(script: Path, folder: Path) -> None:
    """Train the model of ``script`` in both precisions and leave what it computes in ``folder``."""
    import keras

    from harness.trial.program.script import Script
    from harness.trial.program.start import common_weights

    caught: dict[str, Any] = {}

    def fit(self: Any, x: Any, y: Any, batch_size: int = 32, **_: Any) -> None:
        caught.update(model=self, x=x, y=y, batch_size=batch_size)
        raise ReachedError

    keras.Model.fit = fit
    for precision in ("float32", "float64"):
        keras.utils.clear_session()
        keras.config.set_floatx(precision)
        keras.config.set_dtype_policy(precision)
        with common_weights(SEED, drawn=True), contextlib.suppress(ReachedError):
            Script(script, []).run()
        model, size = caught["model"], caught["batch_size"]
        for layer in model.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0
        found = {"output": model.predict(caught["x"][:size], verbose=0)}
        losses = []
        for number in range(BATCHES):
            rows = slice(
                (number * size) % len(caught["x"]), (number * size) % len(caught["x"]) + size
            )
            loss = model.train_on_batch(caught["x"][rows], caught["y"][rows], return_dict=True)[
                "loss"
            ]
            losses.append(float(loss))
        found["losses"] = np.array(losses)
        found |= {
            f"weight {variable.path}": np.asarray(value)
            for variable, value in zip(model.weights, model.get_weights(), strict=True)
        }
        backend = keras.backend.backend()
        np.savez(folder / f"{script.stem}-{precision}-{backend}.npz", **found)


def compare(script: Path, folder: Path) -> None:
    """Print the largest difference of each pair of backends, relative to the array's largest."""
    for precision in ("float32", "float64"):
        paths = sorted(folder.glob(f"{script.stem}-{precision}-*.npz"))
        arrays = {path.stem.rpartition("-")[2]: dict(np.load(path)) for path in paths}
        for (one, first), (other, second) in itertools.combinations(arrays.items(), 2):
            apart = {
                name: float(
                    np.abs(first[name] - second[name]).max() / (np.abs(first[name]).max() or 1)
                )
                for name in first.keys() & second.keys()
            }
            worst = max(apart, key=lambda name: apart[name])
            print(
                f"{script.stem:16} {precision} {one:>10} / {other:10} "
                f"output {apart['output']:.1e}, losses {apart['losses']:.1e}, "
                f"most {apart[worst]:.1e} ({worst})"
            )


if __name__ == "__main__":
    {"train": train, "compare": compare}[sys.argv[1]](
        Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve()
    )
