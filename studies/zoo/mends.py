"""The findings' causes mended, line by line: with them, what deviated has to be the same.

Each is the text of one function of Keras 3.15.1 with a piece replaced, so that it says exactly what
a fault is, and cannot be applied to a Keras that has another text.
"""

from __future__ import annotations

import importlib
import inspect
import textwrap
from typing import Any, NamedTuple


class Mend(NamedTuple):
    """``old`` becomes ``new`` in ``function`` of ``module``, on one backend."""

    backend: str
    module: str
    function: str
    old: str
    new: str


_IMAGES = "keras.src.layers.preprocessing.image_preprocessing"

MENDS = (
    Mend(
        "tensorflow",
        "keras.src.backend.tensorflow.numpy",
        "add",
        "1 == len(x2_squeeze_shape)",
        "False",
    ),
    Mend(
        "torch",
        f"{_IMAGES}.random_brightness",
        "RandomBrightness.transform_images",
        "images += rgb_delta",
        "images = images + rgb_delta",
    ),
    Mend(
        "torch",
        "keras.src.backend.torch.image",
        "affine_transform",
        "transform = convert_to_tensor(transform)",
        "transform = convert_to_tensor(transform).clone()",
    ),
    Mend("torch", "keras.src.backend.torch.nn", "one_hot", "dtype=None", 'dtype="float32"'),
)


def apply(backend: str) -> None:
    """Put the mends of ``backend`` in place.

    Raises:
        LookupError: if Keras has not the text that a mend replaces.
    """
    for mend in MENDS:
        if mend.backend != backend:
            continue
        module = importlib.import_module(mend.module)
        place: Any = module
        *outer, name = mend.function.split(".")
        for part in outer:
            place = getattr(place, part)
        text = textwrap.dedent(inspect.getsource(getattr(place, name)))
        if mend.old not in text:
            raise LookupError(f"{mend.module}.{mend.function} has no text {mend.old!r}")
        code = compile(text.replace(mend.old, mend.new), module.__file__ or name, "exec")
        exec(code, vars(module))  # noqa: S102 - Keras' own text
        if outer:
            setattr(place, name, vars(module).pop(name))
