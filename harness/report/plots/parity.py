"""How far the losses of two backends drift apart, inside the envelope of round-off or out of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt

from harness.analysis.parity import envelope
from harness.analysis.study import Study
from harness.records.cell import MODES
from harness.records.parity import AS_IT_IS, ParityRecord, Training
from harness.report import format as fmt
from harness.report.naming import maker
from harness.report.plots import base
from harness.report.plots.base import Plot
from harness.report.table import Column, Table

SMALLEST = 1e-9
"""Stands for a difference of 0, which a logarithmic axis has no place for."""

PAIRS = {
    "JAX / TensorFlow": ("#0072b2", "circle"),
    "JAX / PyTorch": ("#009e73", "triangle-up"),
    "TensorFlow / PyTorch": ("#d55e00", "square"),
}
"""Colour and shape of a pair: the colour of the one that the other pairs with JAX do not have."""

OTHERS = (base.BAND, "diamond")


def plots(study: Study) -> Iterator[Plot]:
    """One plot for the latest comparison that has the losses of two backends."""
    for compared in study.parity.runs:
        rows = [
            row
            for first, second in itertools.combinations(_of_one_mode(compared.records), 2)
            for row in _apart(first, second)
        ]
        if rows:
            yield _plot(rows)
            return


def _of_one_mode(records: Sequence[ParityRecord]) -> list[ParityRecord]:
    """Those of the first mode that there is, ``fit`` if it was compared."""
    modes = [mode for mode in MODES if mode in {record.cell.mode for record in records}]
    return [record for record in records if record.cell.mode in modes[:1]]


def _apart(first: ParityRecord, second: ParityRecord) -> list[dict[str, Any]]:
    """The difference of every step's loss and its envelope; empty where they do not match."""
    one, other = _as_it_is(first), _as_it_is(second)
    if one is None or other is None or len(one.losses) != len(other.losses):
        return []
    drifts = [
        [_difference(a, b) for a, b in zip(moved.losses, still.losses, strict=True)]
        for record, still in ((first, one), (second, other))
        for moved in record.trainings
        if moved.drift and len(moved.losses) == len(still.losses)
    ]
    limits = envelope.of_series(drifts, one.losses, other.losses)
    pair = f"{maker(first.cell)} / {maker(second.cell)}"
    rows = []
    for step, (a, b, limit) in enumerate(zip(one.losses, other.losses, limits, strict=True), 1):
        apart = _difference(a, b)
        if apart is not None:
            rows.append(
                {
                    "pair": pair,
                    "step": step,
                    "apart": max(apart, SMALLEST),
                    "limit": max(limit, SMALLEST),
                    "envelopes": apart / limit,
                    "tip": f"{pair}, step {step}: {fmt.significant(apart / limit)} envelopes",
                }
            )
    return rows


def _as_it_is(record: ParityRecord) -> Training | None:
    return next((t for t in record.trainings if t.name == AS_IT_IS), None)


def _difference(a: float | None, b: float | None) -> float | None:
    if a is None or b is None:
        return 0.0 if a is b else None
    return abs(a - b)


def _plot(rows: list[dict[str, Any]]) -> Plot:
    pairs = list(dict.fromkeys(row["pair"] for row in rows))
    looks = [PAIRS.get(pair, OTHERS) for pair in pairs]
    scale = alt.Scale(domain=pairs, range=[colour for colour, _ in looks])
    shapes = alt.Scale(domain=pairs, range=[shape for _, shape in looks])
    drawn = base.thinned(rows)

    def chart(width: int) -> base.Chart:
        made = alt.Chart(base.values(drawn)).encode(
            x=alt.X("step:Q", title="training step", axis=base.few_ticks()),
            color=alt.Color("pair:N", scale=scale, title=None, legend=_key(width)),
            description="tip:N",
        )
        y = alt.Y(
            "apart:Q",
            title="difference of the loss (logarithmic)",
            scale=alt.Scale(type="log"),
            axis=alt.Axis(format="~e", tickCount=5, labelOverlap=True),
        )
        limit = made.mark_line(strokeDash=[5, 4], strokeWidth=1.5, aria=False).encode(
            y=alt.Y("limit:Q", scale=alt.Scale(type="log"))
        )
        dots = made.mark_point(filled=True, size=22).encode(
            y=y, shape=alt.Shape("pair:N", scale=shapes, title=None, legend=_key(width))
        )
        return (limit + dots).properties(width=width - 90, height=260)

    worst = {pair: max((r for r in rows if r["pair"] == pair), key=_size) for pair in pairs}
    return Plot(
        key="parity",
        group="model",
        title="Is it the same model? The loss of every step",
        caption=(
            "How far the losses of two backends lie apart that started from the same weights. The "
            f"dashed line is the envelope: {envelope.MARGIN:g} times how far a backend drifts from "
            "itself when its weights are moved by one unit in the last place. Below it is "
            "round-off." + base.thinned_note(len(drawn), len(rows))
        ),
        alternative="Difference of losses in envelopes, at most: "
        + "; ".join(row["tip"] for row in worst.values())
        + ".",
        numbers=_numbers(pairs, worst),
        chart=chart,
    )


def _key(width: int) -> alt.Legend:
    """One legend for colour and shape; on a phone its pairs are below each other."""
    return base.key(columns=1 if width < base.WIDE else 0)


def _size(row: dict[str, Any]) -> float:
    return float(row["envelopes"])


def _numbers(pairs: Sequence[str], worst: dict[str, dict[str, Any]]) -> Table:
    return Table(
        title="Largest difference of the loss",
        columns=[
            Column(header="pair"),
            Column(header="step", figures=True),
            Column(header="in envelopes", figures=True),
        ],
        rows=[
            [pair, fmt.count(worst[pair]["step"]), fmt.significant(worst[pair]["envelopes"])]
            for pair in pairs
        ],
    )
