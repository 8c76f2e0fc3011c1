"""SASRec: a Transformer decoder over the movies of a user's history."""

from __future__ import annotations

from typing import Any

import keras
import keras_rs
from keras import ops


class Block(keras.layers.Layer):
    """A decoder block, normalised before attention and before its two dense layers.

    Args:
        width: of the vectors, and of the dense layer between.
        heads: of the attention.
        dropout: share of zeros in attention and behind both parts.
    """

    def __init__(self, *, width: int, heads: int, dropout: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.before_attention = keras.layers.LayerNormalization(epsilon=1e-5)
        self.attention = keras.layers.MultiHeadAttention(
            num_heads=heads, key_dim=width // heads, dropout=dropout
        )
        self.behind_attention = keras.layers.Dropout(dropout)
        self.before_dense = keras.layers.LayerNormalization(epsilon=1e-5)
        self.dense = keras.layers.Dense(width, activation="relu")
        self.projection = keras.layers.Dense(width)
        self.behind_dense = keras.layers.Dropout(dropout)

    def build(self, input_shape: Any) -> None:
        """Make every layer for vectors of that shape."""
        for layer in (self.before_attention, self.before_dense, self.dense, self.projection):
            layer.build(input_shape)
        self.attention.build(input_shape, input_shape)
        super().build(input_shape)

    def call(self, x: Any, visible: Any, training: bool = False) -> Any:
        """Vectors of shape ``[batch_size, context, width]``, each of which sees those before it."""
        y = self.before_attention(x)
        y = self.attention(y, y, attention_mask=visible, use_causal_mask=True, training=training)
        x = ops.add(x, self.behind_attention(y, training=training))
        y = self.projection(self.dense(self.before_dense(x)))
        return ops.add(x, self.behind_dense(y, training=training))


class SasRecModel(keras.Model):
    """Scores what a user may watch next.

    Args:
        vocabulary_size: rows of the movie embedding table, the padding 0 included.
        context: how many movies of a history are seen.
        layers: how many blocks.
        heads: of each attention.
        width: columns of the table.
        dropout: share of zeros while it trains.

    Inputs are ``item_ids``, integers of shape ``[batch_size, context]``, and ``padding_mask``,
    true where there is a movie. While it does not train, the output has ``predictions``, ids of ten
    movies each.
    """

    def __init__(
        self,
        *,
        vocabulary_size: int,
        context: int = 200,
        layers: int = 2,
        heads: int = 1,
        width: int = 50,
        dropout: float = 0.2,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)

        def embedding(rows: int) -> keras.layers.Embedding:
            return keras.layers.Embedding(rows, width, embeddings_initializer="glorot_uniform")

        self.item_embedding = embedding(vocabulary_size)
        self.position_embedding = embedding(context)
        self.embeddings_dropout = keras.layers.Dropout(dropout)
        self.blocks = [Block(width=width, heads=heads, dropout=dropout) for _ in range(layers)]
        self.layer_norm = keras.layers.LayerNormalization(epsilon=1e-8)
        self.retrieval = keras_rs.layers.BruteForceRetrieval(k=10, return_scores=False)
        self.context = context
        self.width = width

    def build(self, input_shape: Any) -> None:
        """Make every layer; the candidates of the search are the rows of the movies' table."""
        embedded = (None, self.context, self.width)
        self.item_embedding.build((None, self.context))
        self.position_embedding.build((self.context,))
        for layer in (*self.blocks, self.layer_norm):
            layer.build(embedded)
        self.retrieval.candidate_embeddings = self.item_embedding.embeddings
        self.retrieval.build((None, self.width))
        super().build(input_shape)

    def call(self, inputs: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Read the histories; retrieve only where nobody trains."""
        mask = inputs["padding_mask"]
        x = self.item_embedding(inputs["item_ids"])
        x = ops.add(x, self.position_embedding(ops.arange(self.context, dtype="int32")))
        x = self.embeddings_dropout(x, training=training)
        for block in self.blocks:
            x = block(x, ops.expand_dims(mask, 1), training=training)
        x = self.layer_norm(x)
        result = {"item_sequence_embedding": x}
        if not training:
            last = ops.maximum(ops.sum(ops.cast(mask, "int32"), axis=1) - 1, 0)
            found = ops.take_along_axis(x, ops.expand_dims(last, (-2, -1)), axis=1)
            result["predictions"] = self.retrieval(ops.squeeze(found, axis=1))
        return result

    def compute_loss(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Binary cross-entropy of what came next against what did not, by weight."""
        seen = y_pred["item_sequence_embedding"]

        def losses(movies: Any, label: float) -> Any:
            logits = ops.sum(ops.multiply(self.item_embedding(movies), seen), axis=-1)
            return ops.binary_crossentropy(ops.full_like(logits, label), logits, from_logits=True)

        both = losses(y["positive_sequence"], 1.0) + losses(y["negative_sequence"], 0.0)
        weighted = ops.sum(ops.multiply(both, sample_weight))
        return ops.divide_no_nan(weighted, 2.0 * ops.sum(sample_weight))
