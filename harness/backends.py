"""The backends, one row of facts each.

A fourth one is a row here and its adapter in ``harness.trial.backends``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

Backend = Literal["jax", "tensorflow", "torch"]
"""A backend as Keras calls it."""

BACKENDS: tuple[str, ...] = get_args(Backend)
"""In the order in which every table has them."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a backend before it runs.

    ``label`` is how its makers write it, ``tox_name`` its tox environment and its short name on
    the command line. ``distributions`` are the names under which it is published; whichever is
    installed is the one that ran. ``colour`` (from the palette of Okabe and Ito, which
    colour-blind readers can tell apart), ``shape`` and ``dash`` (lengths of line and gap) are
    those of its plots. ``start_up_guess_s`` is used for its imports and first step until one was
    measured.
    """

    label: str
    tox_name: str
    distributions: tuple[str, ...]
    colour: str
    shape: str
    dash: tuple[int, int]
    start_up_guess_s: float


FACTS: Mapping[str, Facts] = {
    "jax": Facts(
        label="JAX",
        tox_name="jax",
        distributions=("jax",),
        colour="#0072b2",
        shape="circle",
        dash=(1, 0),
        start_up_guess_s=2.5,
    ),
    "tensorflow": Facts(
        label="TensorFlow",
        tox_name="tf",
        distributions=("tensorflow", "tensorflow-cpu", "tensorflow-macos", "tensorflow-intel"),
        colour="#d55e00",
        shape="square",
        dash=(7, 3),
        start_up_guess_s=3.5,
    ),
    "torch": Facts(
        label="PyTorch",
        tox_name="torch",
        distributions=("torch",),
        colour="#009e73",
        shape="triangle-up",
        dash=(2, 2),
        start_up_guess_s=3.0,
    ),
}


def canonical(name: str) -> str:
    """The backend that ``name`` means: ``tf`` is ``tensorflow``; another name stays as it is."""
    return next((backend for backend, known in FACTS.items() if known.tox_name == name), name)


def package_set(backend: str, python: str, packages: Mapping[str, str]) -> dict[str, str]:
    """The versions that can change a figure of ``backend``, of all that are installed."""
    known = {name.lower().replace("_", "-"): version for name, version in packages.items()}
    found = {"python": python}
    found |= {name: known[name] for name in ("numpy", "keras") if name in known}
    for name in FACTS[backend].distributions:
        if name in known:
            return {**found, backend: known[name]}
    return found
