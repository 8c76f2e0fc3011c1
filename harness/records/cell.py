"""One point of the matrix: what a record says was measured, and the words for it."""

from __future__ import annotations

import hashlib
from typing import Literal, get_args

import msgspec

from harness.backends import Backend
from harness.records.bounds import Number, ScenarioName

Device = Literal["cpu", "gpu"]
Mode = Literal["fit", "tuned", "custom_loop", "native"]
Init = Literal["common", "keras"]
DEVICES: tuple[str, ...] = get_args(Device)
MODES: tuple[str, ...] = get_args(Mode)
INITS: tuple[str, ...] = get_args(Init)
Scalar = bool | int | float | str


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything that is written to disk: immutable, with named fields only."""


class Cell(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One point of the matrix.

    ``settings`` always holds *every* setting of the scenario, defaults included, so that two
    records with equal cells were asked the same thing even if a default has changed in between.
    ``init`` tells where the initial weights come from: ``common`` draws them with NumPy from the
    seed, alike on every backend; ``keras`` leaves them to each backend's own initialisers.
    ``threads`` of ``None`` leaves the number of CPU threads to the framework. ``name`` is that
    of the environment that it runs in, where a user gave it one: two versions of one backend are
    two cells. Where there is none, JSON has no such field, and the digest is that of a harness
    which did not know names.
    """

    scenario: ScenarioName
    backend: Backend
    device: Device
    mode: Mode = "fit"
    init: Init = "common"
    threads: Number | None = None
    settings: dict[str, Scalar] = {}
    name: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def place(self) -> str:
        """Where it runs: ``jax``, or ``jax (old)`` in an environment with a name."""
        return place_of(self.backend, self.name)

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that tell this cell from any other."""
        canonical = msgspec.json.encode(self, order="deterministic")
        return hashlib.sha256(canonical).hexdigest()[:8]

    @property
    def label(self) -> str:
        """The cell in a few words, for a person: ``jax cpu fit``, ``jax (old) cpu fit``."""
        return f"{self.place} {self.device} {self.mode}"


def place_of(backend: str, name: str | msgspec.UnsetType | None) -> str:
    """What a backend is called in an environment of that name: ``jax (old)``, or ``jax``."""
    return f"{backend} ({name})" if name else backend


def parts_of(place: str) -> tuple[str, str | msgspec.UnsetType]:
    """The backend, and the name of the environment, of what :func:`place_of` made."""
    backend, _, name = place.partition(" (")
    return backend, name.removesuffix(")") or msgspec.UNSET
