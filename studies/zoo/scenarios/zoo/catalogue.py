"""All cases by name, what they cover of Keras, and what is left out with its reason."""

from __future__ import annotations

import inspect
from typing import Any

from . import augmentation, layers, losses, optimizers, sequences
from .case import Case

LAYERS: dict[str, Case] = {**layers.CASES, **sequences.CASES, **augmentation.CASES}
CASES: dict[str, Case] = {**LAYERS, **optimizers.CASES, **losses.CASES}

NEEDS_TENSORFLOW = "needs TensorFlow beside JAX and PyTorch: Keras refuses to make it without"

LEFT_OUT: dict[str, dict[str, str]] = {
    "layers": {
        "FlaxLayer": "wraps a module of JAX, and trains on no other backend",
        "HashedCrossing": NEEDS_TENSORFLOW,
        "Hashing": NEEDS_TENSORFLOW,
        "InputLayer": "is in every model of the zoo",
        "InputSpec": "is no layer",
        "IntegerLookup": NEEDS_TENSORFLOW,
        "JaxLayer": "wraps a function of JAX, and trains on no other backend",
        "Layer": "is the abstract base of all",
        "MaxNumBoundingBoxes": "takes bounding boxes, not what a model computes",
        "StringLookup": "takes text, which no tensor of JAX and PyTorch holds",
        "TFSMLayer": "wraps a SavedModel of TensorFlow, and trains on no other backend",
        "TextVectorization": "takes text, which no tensor of JAX and PyTorch holds",
        "TorchModuleWrapper": "wraps a module of PyTorch, and trains on no other backend",
        "Wrapper": "is the abstract base of wrappers",
    },
    "optimizers": {"Optimizer": "is the abstract base of all"},
    "losses": {"Loss": "is the abstract base of all"},
    "metrics": {
        "Mean": "takes values, not labels and predictions; every loss is shown by one",
        "MeanMetricWrapper": "is the base of most others",
        "Metric": "is the abstract base of all",
        "Sum": "takes values, not labels and predictions",
    },
}
"""Public classes without a case, by module of Keras."""


MODULES: dict[str, tuple[dict[str, Case], str]] = {
    "layers": (LAYERS, ""),
    "optimizers": (optimizers.CASES, ""),
    "losses": (losses.CASES, "loss-"),
    "metrics": (losses.CASES, "metric-"),
}
"""The cases of each module of Keras, and what their names have before that of the class."""


def first(module: str) -> dict[str, str]:
    """The first case of each class of ``keras.<module>``, by the class."""
    cases, prefix = MODULES[module]
    found: dict[str, str] = {}
    for name, case in cases.items():
        if name.startswith(prefix):
            for own in (name.removeprefix(prefix).partition("-")[0], *case.also):
                found.setdefault(own, name)
    return found


def covered(module: str) -> set[str]:
    """The classes of ``keras.<module>`` that have a case."""
    return set(first(module))


def public(keras: Any, module: str) -> dict[str, str]:
    """Every public class of ``keras.<module>``, with the name under which the zoo knows it.

    An alias (``MaxPool2D``) is the same object as another public name, which stands for both.
    """
    place = getattr(keras, module)
    classes = {name: each for name in dir(place) if inspect.isclass(each := getattr(place, name))}
    own = {each: name for name, each in reversed(classes.items())}
    own |= {each: name for name, each in classes.items() if each.__name__ == name}
    return {name: own[each] for name, each in classes.items()}


def missing(keras: Any, module: str) -> list[str]:
    """Public classes of ``keras.<module>`` with neither a case nor a reason."""
    known = covered(module) | LEFT_OUT[module].keys()
    return sorted(name for name, own in public(keras, module).items() if own not in known)


def unknown_to_keras(keras: Any, module: str) -> list[str]:
    """What the zoo covers or leaves out, and Keras does not have."""
    names = public(keras, module)
    return sorted((covered(module) | LEFT_OUT[module].keys()) - names.keys())
