"""What the slots of a cluster answer: how they are equipped, and what they measured."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from harness.backends import Backend
from harness.records.bounds import Count
from harness.records.cell import Device, Struct
from harness.records.decoding import UndecodableError, decode
from harness.records.machine import Free
from harness.records.preflight import Refusal
from harness.records.trial import Memory, Record

_Kind = TypeVar("_Kind")


class Place(Struct, frozen=True, kw_only=True):
    """A backend, or one in a named environment, on a slot: the Python that serves it, its packages.

    ``packages`` are Python, NumPy, Keras and the framework, by which machines are compared.
    """

    backend: Backend
    name: str | None
    python: str
    origin: str
    device: Device
    packages: dict[str, str]


class Readiness(Struct, frozen=True, kw_only=True):
    """What a slot has for a campaign, or the ``problem`` that keeps it out.

    ``machine`` is the machine's name as records have it, a hash unless its user asked for the name.
    ``places`` are by :attr:`harness.records.cell.Cell.place`. ``table`` is the path of the rating
    table there, ``None`` if none is read. ``said`` is what a person is to be told.
    """

    machine: str
    machine_id: str
    harness: str
    cpus: Count
    places: dict[str, Place] = msgspec.field(default_factory=dict)
    table: str | None = None
    table_sha256: str | None = None
    scenario_version: int = 0
    scenario_sha256: str | None = None
    said: list[str] = msgspec.field(default_factory=list)
    problem: str | None = None


class Measured(Struct, frozen=True, kw_only=True):
    """The records of trials that were measured together, in their order.

    ``lacks`` tells why further ones were not started beside them, by
    :class:`harness.launch.campaign.room.Lack`; ``free`` is what memory there was.
    """

    records: list[Record]
    lacks: list[str] = msgspec.field(default_factory=list)
    free: Free | None = None


class Foreseen(Struct, frozen=True, kw_only=True):
    """The cells that cannot be trained in their mode, as one slot found without training."""

    refusals: list[Refusal]


def read_answer(content: object, kind: type[_Kind]) -> _Kind:
    """What a slot answered, checked like a stranger's file.

    Raises:
        UndecodableError: if that is not an answer of this kind.
    """
    if not isinstance(content, bytes):
        raise UndecodableError("it is not even bytes")
    return decode(content, kind, "answer")


Needed = dict[str, Memory]
"""What processes are known to need, by the digest of their cell."""
