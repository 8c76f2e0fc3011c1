"""Compares two trainings stage by stage; :mod:`harness.analysis.parity.judge` judges the stages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.analysis.parity import envelope
from harness.records.cell import Struct
from harness.records.parity import (
    AS_IT_IS,
    LOSS,
    STAGES,
    Draw,
    ParityRecord,
    Stage,
    Training,
    array_name,
)

Array = NDArray[Any]

Figures = Sequence[float | None]


class Comparison(Struct, frozen=True, kw_only=True):
    """One quantity of two trainings.

    ``difference`` is the largest absolute difference (for the optimizer alone, relative), ``None``
    where there is no number to give; ``note`` then says why. ``at`` is the step or epoch where it
    stands. ``changed`` is how far the largest element moved from the start on either side.
    """

    stage: Stage
    quantity: str
    difference: float | None
    envelope: float
    at: str | None = None
    changed: tuple[float, float] | None = None
    note: str | None = None

    @property
    def size(self) -> float:
        """The difference in envelopes; above 1 it is no round-off.

        Where a moved training leaves the finite numbers, nothing can be told apart.
        """
        if self.envelope == np.inf:
            return 0.0
        return np.inf if self.difference is None else self.difference / self.envelope

    @property
    def deviates(self) -> bool:
        """Whether this is outside its envelope."""
        return self.size > 1.0


@dataclass(frozen=True)
class Subject:
    """One training of one backend: the record it stands in, and the arrays beside that."""

    label: str
    record: ParityRecord
    arrays: Mapping[str, Array]
    name: str = AS_IT_IS

    @property
    def training(self) -> Training:
        """The training itself.

        Raises:
            LookupError: if the record has none of this name.
        """
        return self.named(self.name)

    @property
    def moved(self) -> list[Training]:
        """The same backend's moved trainings, which measure its drift."""
        return [each for each in self.record.trainings if each.drift]

    def named(self, name: str) -> Training:
        """Another training of the same record.

        Raises:
            LookupError: if the record has none of this name.
        """
        for each in self.record.trainings:
            if each.name == name:
                return each
        raise LookupError(f"the record of {self.label} has no training '{name}'")

    def of(self, stage: Stage, name: str | None = None) -> dict[str, Array]:
        """The arrays of a stage by their quantity, in the model's order."""
        prefix = array_name(name or self.name, stage, "")
        return {
            key.removeprefix(prefix): values
            for key, values in self.arrays.items()
            if key.startswith(prefix)
        }


NO_DRAWS = "none"
"""Stands where a layer's name would, in a model without random numbers."""


def compare(first: Subject, second: Subject, scale: Sequence[Subject] = ()) -> list[Comparison]:
    """Every quantity of two trainings, in the order of the stages and of the model.

    Args:
        first: a training.
        second: another one.
        scale: whose moved trainings measure the envelopes; the two by default. All backends that
            train this model say more about how far it drifts than two of them.
    """
    scale = scale or (first, second)
    found = list(_structure(first, second))
    for stage in STAGES:
        if stage == "draws":
            found += _draws(first, second)
        elif stage == "losses":
            found += _series(first, second, scale, _Series(stage, LOSS, "step", lambda t: t.losses))
        elif stage == "metrics":
            metric = first.record.metric or "metric"
            found += _series(
                first, second, scale, _Series(stage, metric, "epoch", lambda t: t.metrics)
            )
        elif stage == "optimizer":
            found += _optimizer_alone(first, second, scale)
        else:
            if stage == "first-batch":
                found += _series(
                    first, second, scale, _Series(stage, LOSS, "", lambda t: [t.first_loss])
                )
            found += _arrays(first, second, scale, stage)
    return found


def first_layer(
    first: Subject, second: Subject, scale: Sequence[Subject] = ()
) -> Comparison | None:
    """The first layer whose output for the first batch is outside its envelope, if one is."""
    outputs = _arrays(first, second, scale or (first, second), "layers")
    return next((each for each in outputs if each.deviates), None)


def _structure(first: Subject, second: Subject) -> Iterator[Comparison]:
    """Variables and slots that only one side has, or has in another shape, or does not train."""
    ours, theirs = _facts(first), _facts(second)
    missing = ("missing", "", "")
    for name in dict.fromkeys([*ours, *theirs]):
        for one, other in zip(ours.get(name, missing), theirs.get(name, missing), strict=True):
            if one != other:
                note = f"{one} on {first.label}, {other} on {second.label}"
                yield _incomparable("start", name, note)
                break


def _facts(subject: Subject) -> dict[str, tuple[str, str, str]]:
    trained = {v.path: "trained" if v.trained else "not trained" for v in subject.record.variables}
    return {
        name: ("there", f"of shape {list(values.shape)}", trained.get(name, "a slot"))
        for name, values in subject.of("start").items()
    }


def _draws(first: Subject, second: Subject) -> Iterator[Comparison]:
    """What each layer draws, and with which settings; layers that draw the same are told too."""
    ours, theirs = _draws_of(first), _draws_of(second)
    if not ours and not theirs:
        yield Comparison(stage="draws", quantity=NO_DRAWS, difference=0.0, envelope=1.0)
    for layer in dict.fromkeys([*ours, *theirs]):
        one, other = ours.get(layer, []), theirs.get(layer, [])
        if one == other:
            yield Comparison(stage="draws", quantity=layer, difference=0.0, envelope=1.0)
            continue
        note = " and ".join(
            f"{_drawn(mine, apart=yours) or 'nothing more'} on {subject.label}"
            for subject, mine, yours in ((first, one, other), (second, other, one))
        )
        yield _incomparable("draws", layer, f"draws {note}")


def _draws_of(subject: Subject) -> dict[str, list[Draw]]:
    found: dict[str, list[Draw]] = {}
    for draw in subject.record.draws:
        found.setdefault(draw.layer, []).append(draw)
    return found


def _drawn(draws: Sequence[Draw], apart: Sequence[Draw]) -> str:
    """The draws that the other side has not, with the arguments that differ from its nearest."""
    told = []
    for place, draw in enumerate(draws):
        if draw in apart:
            continue
        near = (
            apart[place] if place < len(apart) and apart[place].function == draw.function else None
        )
        differing = {
            name: value
            for name, value in draw.arguments.items()
            if near is None or near.arguments.get(name) != value
        }
        inside = ", ".join(f"{name}={value}" for name, value in differing.items())
        told.append(f"{draw.function}({inside})")
    return ", ".join(told)


def _arrays(
    first: Subject, second: Subject, scale: Sequence[Subject], stage: Stage
) -> Iterator[Comparison]:
    ours, theirs = first.of(stage), second.of(stage)
    starts = first.of("start"), second.of("start")
    moved = [training.drift for subject in scale for training in subject.moved]
    steps = {"step-1": 1, "epoch-1": len(first.training.losses)}.get(stage, 0)
    for quantity in [name for name in ours if name in theirs]:
        one, other = ours[quantity], theirs[quantity]
        if one.shape != other.shape:
            continue  # told by _structure
        changed = None
        if stage in {"step-1", "epoch-1"}:
            changed = _reach(one, starts[0][quantity]), _reach(other, starts[1][quantity])
        # Nothing is computed before the first step, so moved weights drift by their move alone.
        key = f"{stage}/{quantity}"
        drifts = [] if stage == "start" else [drift[key] for drift in moved if key in drift]
        yield Comparison(
            stage=stage,
            quantity=quantity,
            difference=envelope.difference(one, other),
            envelope=envelope.of_array(drifts, one, other, steps=steps),
            changed=changed,
        )


@dataclass(frozen=True)
class _Series:
    """Figures of a training one after the other; ``place`` says what each belongs to."""

    stage: Stage
    quantity: str
    place: str
    figures: Callable[[Training], Figures]


def _series(
    first: Subject, second: Subject, scale: Sequence[Subject], series: _Series
) -> Iterator[Comparison]:
    """The first place of a series that is outside its envelope, else the one nearest to that."""
    figures = series.figures
    ours, theirs = figures(first.training), figures(second.training)
    if len(ours) != len(theirs):
        note = f"{len(ours)} on {first.label}, {len(theirs)} on {second.label}"
        yield _incomparable(series.stage, series.quantity, note)
        return
    drifts = []
    for subject in scale:
        base = figures(subject.named(AS_IT_IS))
        drifts += [
            [_apart(*pair) for pair in zip(figures(moved), base, strict=True)]
            for moved in subject.moved
            if len(figures(moved)) == len(base) == len(ours)
        ]
    envelopes = envelope.of_series(drifts, ours, theirs)
    found = [
        Comparison(
            stage=series.stage,
            quantity=series.quantity,
            difference=_apart(one, other),
            envelope=limit,
            at=f"{series.place} {number}" if series.place else None,
        )
        for number, (one, other, limit) in enumerate(
            zip(ours, theirs, envelopes, strict=True), start=1
        )
    ]
    if found:
        yield next((c for c in found if c.deviates), max(found, key=lambda c: c.size))


def _optimizer_alone(
    first: Subject, second: Subject, scale: Sequence[Subject]
) -> Iterator[Comparison]:
    """What either optimizer made of the same gradients: element by element, and on average."""
    ours, theirs = first.of("optimizer", AS_IT_IS), second.of("optimizer", AS_IT_IS)
    for quantity in [name for name in ours if name in theirs]:
        moved = [
            envelope.relative(base, subject.of("optimizer", training.name)[quantity])
            for subject in scale
            if (base := subject.of("optimizer", AS_IT_IS).get(quantity)) is not None
            for training in subject.moved
        ]
        off = envelope.relative(ours[quantity], theirs[quantity])
        for what, value, limit in (
            (quantity, np.abs(off).max(axis=1), envelope.of_elements(moved)),
            (
                f"{quantity}, on average",
                np.abs(off.mean(axis=1)),
                envelope.of_mean(moved, off.shape[1]),
            ),
        ):
            step = int(np.argmax(value > limit) if (value > limit).any() else np.argmax(value))
            yield Comparison(
                stage="optimizer",
                quantity=what,
                difference=float(value[step]) if np.isfinite(value[step]) else None,
                envelope=limit,
                at=f"step {step + 1}",
            )


def _incomparable(stage: Stage, quantity: str, note: str) -> Comparison:
    return Comparison(stage=stage, quantity=quantity, difference=None, envelope=1.0, note=note)


def _apart(one: float | None, other: float | None) -> float | None:
    """The absolute difference; figures that are both no finite number do not differ."""
    if one is None or other is None:
        return 0.0 if one is other else None
    return abs(one - other)


def _reach(after: Array, before: Array) -> float:
    return float(np.abs(after.astype(np.float64) - before.astype(np.float64)).max(initial=0.0))
