"""Cases of recurrent layers, attention and masks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .case import OUTPUTS, ROWS, Case
from .layers import _layer

Sequence = partial(Case, inputs="sequence")
Masked = partial(Case, inputs="ids", before="bare")

RECURRENT = {
    f"{name}{variant}": Sequence(build=_layer(name, 5, **options), even="stateful" in options)
    for name in ("LSTM", "GRU", "SimpleRNN")
    for variant, options in {
        "": {},
        "-return_sequences": {"return_sequences": True},
        "-go_backwards": {"go_backwards": True, "return_sequences": True},
        "-stateful": {"stateful": True},
        "-unroll": {"unroll": True},
        "-dropout": {"dropout": 0.3, "recurrent_dropout": 0.3},
        "-plain": {"use_bias": False, "activation": "sigmoid"},
    }.items()
} | {
    "GRU-reset_before": Sequence(build=_layer("GRU", 5, reset_after=False)),
    "LSTM-forget_zero": Sequence(build=_layer("LSTM", 5, unit_forget_bias=False)),
}


def _cells(*names: str) -> Callable[[Any, Any], Any]:
    def build(keras: Any, x: Any) -> Any:
        cells = [getattr(keras.layers, name)(4) for name in names]
        if len(cells) == 1:
            return keras.layers.RNN(cells[0])(x)
        return keras.layers.RNN(keras.layers.StackedRNNCells(cells), return_sequences=True)(x)

    return build


def _bidirectional(mode: str | None, name: str = "LSTM") -> Callable[[Any, Any], Any]:
    return lambda keras, x: keras.layers.Bidirectional(
        getattr(keras.layers, name)(4, return_sequences=True), merge_mode=mode
    )(x)


WRAPPED = {
    "RNN": Sequence(build=_cells("SimpleRNNCell")),
    "LSTMCell": Sequence(build=_cells("LSTMCell")),
    "GRUCell": Sequence(build=_cells("GRUCell")),
    "SimpleRNNCell": Sequence(build=_cells("SimpleRNNCell")),
    "StackedRNNCells": Sequence(build=_cells("LSTMCell", "GRUCell")),
    "Bidirectional": Sequence(build=_bidirectional("concat")),
    "Bidirectional-sum": Sequence(build=_bidirectional("sum", "GRU")),
    "Bidirectional-ave": Sequence(build=_bidirectional("ave", "SimpleRNN")),
    "TimeDistributed": Sequence(
        build=lambda keras, x: keras.layers.TimeDistributed(keras.layers.Dense(4))(x)
    ),
    "TimeDistributed-Conv2D": Case(
        inputs="frames",
        build=lambda keras, x: keras.layers.TimeDistributed(keras.layers.Conv2D(3, 2))(x),
    ),
    "ConvLSTM1D": Case(inputs="rows", build=_layer("ConvLSTM1D", 3, 2)),
    "ConvLSTM1D-same": Case(
        inputs="rows",
        build=_layer("ConvLSTM1D", 3, 3, padding="same", return_sequences=True),
    ),
    "ConvLSTM2D": Case(inputs="frames", build=_layer("ConvLSTM2D", 3, 2)),
    "ConvLSTM2D-strides": Case(
        inputs="frames", build=_layer("ConvLSTM2D", 3, 3, strides=2, padding="same")
    ),
    "ConvLSTM2D-dropout": Case(
        inputs="frames", build=_layer("ConvLSTM2D", 3, 2, dropout=0.3, recurrent_dropout=0.3)
    ),
    "ConvLSTM3D": Case(inputs="volumes", build=_layer("ConvLSTM3D", 2, 2)),
}


def _self(name: str, *, options: Any = None, **call: Any) -> Callable[[Any, Any], Any]:
    """``Attention`` and its like, whose query, value and key come in a list."""

    def build(keras: Any, x: Any) -> Any:
        other = keras.layers.Dense(x.shape[-1])(x)
        return getattr(keras.layers, name)(**(options or {}))([other, x], **call)

    return build


def _heads(name: str, *arguments: int, **options: Any) -> Callable[[Any, Any], Any]:
    """``MultiHeadAttention`` and its like, which take query and value one by one."""
    call = {key: options.pop(key) for key in ("use_causal_mask",) if key in options}
    return lambda keras, x: getattr(keras.layers, name)(*arguments, **options)(x, x, **call)


ATTENTION = {
    "Attention": Sequence(build=_self("Attention")),
    "Attention-scaled": Sequence(build=_self("Attention", options={"use_scale": True})),
    "Attention-concat": Sequence(
        build=_self("Attention", options={"score_mode": "concat", "use_scale": True})
    ),
    "Attention-causal": Sequence(build=_self("Attention", use_causal_mask=True)),
    "Attention-dropout": Sequence(build=_self("Attention", options={"dropout": 0.3})),
    "AdditiveAttention": Sequence(build=_self("AdditiveAttention")),
    "AdditiveAttention-causal": Sequence(build=_self("AdditiveAttention", use_causal_mask=True)),
    "MultiHeadAttention": Sequence(build=_heads("MultiHeadAttention", 2, 3)),
    "MultiHeadAttention-causal": Sequence(
        build=_heads("MultiHeadAttention", 2, 3, use_causal_mask=True)
    ),
    "MultiHeadAttention-dropout": Sequence(build=_heads("MultiHeadAttention", 2, 3, dropout=0.3)),
    "MultiHeadAttention-axes": Case(
        inputs="rows", build=_heads("MultiHeadAttention", 2, 3, attention_axes=(2,))
    ),
    "GroupQueryAttention": Sequence(build=_heads("GroupQueryAttention", 3, 4, 2)),
    "GroupQueryAttention-causal": Sequence(
        build=_heads("GroupQueryAttention", 3, 4, 2, use_causal_mask=True)
    ),
    "GroupQueryAttention-gate": Sequence(
        build=_heads("GroupQueryAttention", 3, 4, 2, use_gate=True)
    ),
    "GroupQueryAttention-window": Sequence(
        build=_heads("GroupQueryAttention", 3, 4, 2, sliding_window=2)
    ),
}


def _embedded(build: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Behind an embedding that masks the padding."""
    return lambda keras, x: build(keras, keras.layers.Embedding(ROWS, 6, mask_zero=True)(x))


MASKS = {
    **{
        f"{name}-mask": Masked(build=_embedded(_layer(name, 5, **options)))
        for name, options in {
            "LSTM": {},
            "GRU": {},
            "SimpleRNN": {"return_sequences": True},
        }.items()
    },
    "LSTM-mask-backwards": Masked(build=_embedded(_layer("LSTM", 5, go_backwards=True))),
    "LSTM-mask-zero_output": Masked(
        build=_embedded(
            lambda keras, x: keras.layers.RNN(
                keras.layers.LSTMCell(5), return_sequences=True, zero_output_for_mask=True
            )(x)
        )
    ),
    "Bidirectional-mask": Masked(build=_embedded(_bidirectional("concat"))),
    "TimeDistributed-mask": Masked(
        build=_embedded(lambda keras, x: keras.layers.TimeDistributed(keras.layers.Dense(4))(x))
    ),
    "Attention-mask": Masked(build=_embedded(_self("Attention"))),
    "AdditiveAttention-mask": Masked(build=_embedded(_self("AdditiveAttention"))),
    "MultiHeadAttention-mask": Masked(build=_embedded(_heads("MultiHeadAttention", 2, 3))),
    "MultiHeadAttention-mask-causal": Masked(
        build=_embedded(_heads("MultiHeadAttention", 2, 3, use_causal_mask=True))
    ),
    "GroupQueryAttention-mask": Masked(build=_embedded(_heads("GroupQueryAttention", 3, 4, 2))),
    "GlobalAveragePooling1D-mask": Masked(build=_embedded(_layer("GlobalAveragePooling1D"))),
    "BatchNormalization-mask": Masked(build=_embedded(_layer("BatchNormalization"))),
    "Softmax-mask": Sequence(
        build=lambda keras, x: keras.layers.Softmax(axis=1)(x, mask=keras.ops.greater(x, -1.0))
    ),
    "Masking": Sequence(
        build=lambda keras, x: keras.layers.LSTM(4)(
            keras.layers.Masking(0.0)(keras.layers.ReLU(threshold=1.0)(x))
        )
    ),
    "Masking-loss": Masked(
        build=lambda keras, x: keras.layers.Dense(OUTPUTS)(
            keras.layers.Embedding(ROWS, 6, mask_zero=True)(x)
        ),
        after=False,
        labels="sequence",
    ),
    "Concatenate-mask": Masked(
        build=_embedded(
            lambda keras, x: keras.layers.GlobalAveragePooling1D()(
                keras.layers.Concatenate()([x, keras.layers.Dense(3)(x)])
            )
        )
    ),
}

CASES = {**RECURRENT, **WRAPPED, **ATTENTION, **MASKS}
