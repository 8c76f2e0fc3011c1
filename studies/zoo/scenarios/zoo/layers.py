"""Cases of ``keras.layers`` but for recurrent ones, those with masks, and image augmentation."""

from __future__ import annotations

from functools import partial
from typing import Any

from .case import ROWS, Case


def _two(name: str, **options: Any) -> Any:
    """A merging layer of ``x`` and another trained view of it."""

    def build(keras: Any, x: Any) -> Any:
        other = keras.layers.Dense(x.shape[-1])(x)
        return getattr(keras.layers, name)(**options)([x, other])

    return build


def _layer(name: str, *arguments: Any, **options: Any) -> Any:
    return lambda keras, x: getattr(keras.layers, name)(*arguments, **options)(x)


Vector = Case
Sequence = partial(Case, inputs="sequence")
Image = partial(Case, inputs="image")
Volume = partial(Case, inputs="volume")
Whole = partial(Case, before="bare")

CORE = {
    "Dense": Case(build=_layer("Dense", 5, activation="tanh")),
    "Dense-lora": Case(build=_layer("Dense", 5, lora_rank=2)),
    "Dense-orthogonal": Case(build=_layer("Dense", 6, kernel_initializer="orthogonal")),
    "Dense-identity": Case(build=_layer("Dense", 6, kernel_initializer="identity")),
    "Dense-regularized": Case(
        build=_layer(
            "Dense",
            5,
            kernel_regularizer="L1L2",
            activity_regularizer="l2",
            kernel_constraint="max_norm",
            bias_constraint="non_neg",
        )
    ),
    "Dense-unit_norm": Case(build=_layer("Dense", 5, kernel_constraint="unit_norm")),
    "EinsumDense": Sequence(
        build=_layer("EinsumDense", "abc,cd->abd", output_shape=(7, 4), bias_axes="d")
    ),
    "Embedding": Whole(inputs="id", build=_layer("Embedding", ROWS, 4)),
    "Embedding-sequence": Whole(inputs="ids", build=_layer("Embedding", ROWS, 4)),
    "Embedding-lora": Whole(inputs="ids", build=_layer("Embedding", ROWS, 4, lora_rank=2)),
    "ReversibleEmbedding": Whole(
        inputs="ids",
        build=lambda keras, x: (layer := keras.layers.ReversibleEmbedding(ROWS, 4))(
            layer(x), reverse=True
        ),
    ),
    "ReversibleEmbedding-untied": Whole(
        inputs="ids",
        build=lambda keras, x: (
            layer := keras.layers.ReversibleEmbedding(
                ROWS, 4, tie_weights=False, logit_soft_cap=1.0
            )
        )(layer(x), reverse=True),
    ),
    "Lambda": Case(build=lambda keras, x: keras.layers.Lambda(keras.ops.sin)(x)),
    "Identity": Case(build=_layer("Identity")),
    "Activation": Case(build=_layer("Activation", "mish")),
    "ActivityRegularization": Case(build=_layer("ActivityRegularization", l1=0.01, l2=0.01)),
    "ELU": Case(build=_layer("ELU", 0.7)),
    "LeakyReLU": Case(build=_layer("LeakyReLU", 0.2)),
    "PReLU": Sequence(build=_layer("PReLU", alpha_initializer="ones", shared_axes=[1])),
    "ReLU": Case(build=_layer("ReLU", max_value=1.0, negative_slope=0.1, threshold=0.2)),
    "Softmax": Sequence(build=_layer("Softmax", axis=1)),
    "Softmax-axes": Sequence(build=_layer("Softmax", axis=(1, 2))),
    **{
        f"Activation-{name}": Case(build=_layer("Activation", name))
        for name in (
            "celu",
            "exponential",
            "gelu",
            "hard_shrink",
            "hard_sigmoid",
            "hard_silu",
            "hard_tanh",
            "log_sigmoid",
            "log_softmax",
            "relu6",
            "selu",
            "sigmoid",
            "silu",
            "soft_shrink",
            "softplus",
            "softsign",
            "sparse_plus",
            "sparse_sigmoid",
            "sparsemax",
            "squareplus",
            "tanh",
            "tanh_shrink",
        )
    },
    # Keras 3.15 promises the shape of the inputs, and gives half as many columns.
    "Activation-glu": Sequence(
        build=lambda keras, x: keras.layers.GlobalAveragePooling1D()(
            keras.layers.Permute((2, 1))(keras.layers.Activation("glu")(x))
        )
    ),
}

SHAPES = {
    "Flatten": Sequence(build=_layer("Flatten")),
    "Permute": Sequence(build=_layer("Permute", (2, 1))),
    "Reshape": Case(build=_layer("Reshape", (2, 3))),
    "RepeatVector": Case(build=_layer("RepeatVector", 3)),
    "Cropping1D": Sequence(build=_layer("Cropping1D", (1, 2))),
    "Cropping2D": Image(build=_layer("Cropping2D", ((1, 2), (0, 1)))),
    "Cropping3D": Volume(build=_layer("Cropping3D", ((1, 2), (0, 1), (1, 0)))),
    "ZeroPadding1D": Sequence(build=_layer("ZeroPadding1D", (1, 2))),
    "ZeroPadding2D": Image(build=_layer("ZeroPadding2D", ((1, 2), (0, 1)))),
    "ZeroPadding3D": Volume(build=_layer("ZeroPadding3D", ((1, 2), (0, 1), (1, 0)))),
    "UpSampling1D": Sequence(build=_layer("UpSampling1D", 2)),
    "UpSampling2D": Image(build=_layer("UpSampling2D", (2, 3))),
    **{
        f"UpSampling2D-{name}": Image(build=_layer("UpSampling2D", 2, interpolation=name))
        for name in ("bilinear", "bicubic", "lanczos3", "lanczos5")
    },
    "UpSampling3D": Volume(build=_layer("UpSampling3D", (2, 1, 2))),
}

MERGING = {
    "Add": Case(build=_two("Add")),
    "Average": Case(build=_two("Average")),
    "Concatenate": Sequence(build=_two("Concatenate", axis=1)),
    "Dot": Sequence(build=_two("Dot", axes=(1, 1))),
    "Dot-normalize": Sequence(build=_two("Dot", axes=(2, 2), normalize=True)),
    "Maximum": Case(build=_two("Maximum")),
    "Maximum-ties": Case(build=lambda keras, x: keras.layers.Maximum()([x, x])),
    "Minimum": Case(build=_two("Minimum")),
    "Multiply": Case(build=_two("Multiply")),
    "Subtract": Case(build=_two("Subtract")),
}

_SAME = {"padding": "same"}
CONVOLUTIONS = {
    "Conv1D": Sequence(build=_layer("Conv1D", 4, 3)),
    "Conv1D-causal": Sequence(build=_layer("Conv1D", 4, 3, padding="causal", dilation_rate=2)),
    "Conv1D-same-strides": Sequence(build=_layer("Conv1D", 4, 2, strides=3, **_SAME)),
    "Conv1D-groups": Sequence(build=_layer("Conv1D", 4, 3, groups=2)),
    "Conv1D-channels_first": Sequence(build=_layer("Conv1D", 4, 3, data_format="channels_first")),
    "Conv2D": Image(build=_layer("Conv2D", 4, 3)),
    "Conv2D-same-strides": Image(build=_layer("Conv2D", 4, (3, 2), strides=2, **_SAME)),
    "Conv2D-same-even": Image(build=_layer("Conv2D", 4, 4, strides=3, **_SAME)),
    "Conv2D-dilation": Image(build=_layer("Conv2D", 4, 3, dilation_rate=(2, 3), **_SAME)),
    "Conv2D-groups": Image(build=_layer("Conv2D", 6, 3, groups=3)),
    "Conv2D-channels_first": Image(build=_layer("Conv2D", 4, 3, data_format="channels_first")),
    "Conv2D-lora": Image(build=_layer("Conv2D", 4, 3, lora_rank=2)),
    "Conv3D": Volume(build=_layer("Conv3D", 3, 2)),
    "Conv3D-same-strides": Volume(build=_layer("Conv3D", 3, 3, strides=2, **_SAME)),
    "Conv1DTranspose": Sequence(build=_layer("Conv1DTranspose", 4, 3, strides=2)),
    "Conv1DTranspose-same": Sequence(build=_layer("Conv1DTranspose", 4, 3, strides=2, **_SAME)),
    "Conv1DTranspose-dilation": Sequence(
        build=_layer("Conv1DTranspose", 4, 3, dilation_rate=2, **_SAME)
    ),
    "Conv1DTranspose-output_padding": Sequence(
        build=_layer("Conv1DTranspose", 4, 3, strides=3, output_padding=1)
    ),
    "Conv2DTranspose": Image(build=_layer("Conv2DTranspose", 4, 3, strides=2)),
    "Conv2DTranspose-same": Image(
        build=_layer("Conv2DTranspose", 4, (3, 2), strides=(2, 3), **_SAME)
    ),
    "Conv2DTranspose-narrow": Image(build=_layer("Conv2DTranspose", 4, 2, strides=3, **_SAME)),
    "Conv2DTranspose-output_padding": Image(
        build=_layer("Conv2DTranspose", 4, 3, strides=2, output_padding=1, **_SAME)
    ),
    "Conv3DTranspose": Volume(build=_layer("Conv3DTranspose", 3, 2, strides=2)),
    "Conv3DTranspose-same": Volume(build=_layer("Conv3DTranspose", 3, 3, strides=2, **_SAME)),
    "DepthwiseConv1D": Sequence(build=_layer("DepthwiseConv1D", 3, depth_multiplier=2)),
    "DepthwiseConv1D-same-strides": Sequence(
        build=_layer("DepthwiseConv1D", 3, strides=2, **_SAME)
    ),
    "DepthwiseConv2D": Image(build=_layer("DepthwiseConv2D", 3, depth_multiplier=2)),
    "DepthwiseConv2D-same-strides": Image(build=_layer("DepthwiseConv2D", 3, strides=2, **_SAME)),
    "DepthwiseConv2D-dilation": Image(build=_layer("DepthwiseConv2D", 3, dilation_rate=2, **_SAME)),
    "SeparableConv1D": Sequence(build=_layer("SeparableConv1D", 4, 3, depth_multiplier=2)),
    "SeparableConv2D": Image(build=_layer("SeparableConv2D", 4, 3, depth_multiplier=2)),
    "SeparableConv2D-same-strides": Image(
        build=_layer("SeparableConv2D", 4, 3, strides=2, **_SAME)
    ),
}

_KINDS = {"1D": Sequence, "2D": Image, "3D": Volume}
_FIRST = {"data_format": "channels_first"}
POOLING = {
    f"{name}{kind}{variant}": make(build=_layer(f"{name}{kind}", **options))
    for kind, make in _KINDS.items()
    for name, variants in {
        "MaxPooling": {
            "": {},
            "-same": {"pool_size": 3, "strides": 2, **_SAME},
            "-channels_first": _FIRST,
        },
        "AveragePooling": {
            "": {"pool_size": 2},
            "-same": {"pool_size": 3, "strides": 2, **_SAME},
            "-channels_first": {"pool_size": 2, **_FIRST},
        },
        "GlobalMaxPooling": {"": {}, "-keepdims": {"keepdims": True}},
        "GlobalAveragePooling": {"": {}, "-channels_first": _FIRST},
        "AdaptiveMaxPooling": {"": {"output_size": 2}, "-uneven": {"output_size": 3}},
        "AdaptiveAveragePooling": {"": {"output_size": 2}, "-uneven": {"output_size": 3}},
    }.items()
    for variant, options in variants.items()
} | {
    "MaxPooling2D-ties": Image(
        build=lambda keras, x: keras.layers.MaxPooling2D(3, 2)(keras.ops.round(x))
    ),
    "MaxPooling2D-relu": Image(
        build=lambda keras, x: keras.layers.MaxPooling2D(2, padding="same")(keras.layers.ReLU()(x))
    ),
}

NORMALIZATION = {
    "BatchNormalization": Case(build=_layer("BatchNormalization")),
    "BatchNormalization-image": Image(build=_layer("BatchNormalization", momentum=0.7)),
    "BatchNormalization-axis": Image(build=_layer("BatchNormalization", axis=1, epsilon=1e-5)),
    "BatchNormalization-plain": Case(
        build=_layer("BatchNormalization", center=False, scale=False, momentum=0.5)
    ),
    "BatchNormalization-frozen": Case(build=_layer("BatchNormalization", trainable=False)),
    "BatchNormalization-renorm": Case(
        build=lambda keras, x: keras.layers.BatchNormalization(renorm=True)(x)
    ),
    "LayerNormalization": Sequence(build=_layer("LayerNormalization")),
    "LayerNormalization-axes": Sequence(build=_layer("LayerNormalization", axis=(1, 2))),
    "GroupNormalization": Image(build=_layer("GroupNormalization", groups=3)),
    "GroupNormalization-groups": Sequence(build=_layer("GroupNormalization", groups=2)),
    "RMSNormalization": Sequence(build=_layer("RMSNormalization")),
    "UnitNormalization": Sequence(build=_layer("UnitNormalization")),
    "UnitNormalization-axis": Sequence(build=_layer("UnitNormalization", axis=1)),
    "SpectralNormalization": Case(
        build=lambda keras, x: keras.layers.SpectralNormalization(keras.layers.Dense(5))(x)
    ),
    "SpectralNormalization-Conv2D": Image(
        build=lambda keras, x: keras.layers.SpectralNormalization(
            keras.layers.Conv2D(4, 3), power_iterations=2
        )(x)
    ),
    "Normalization": Sequence(
        build=_layer("Normalization", mean=[0.1] * 6, variance=[0.5] * 6, axis=-1)
    ),
    "Normalization-invert": Sequence(
        build=_layer("Normalization", mean=0.1, variance=2.0, axis=None, invert=True)
    ),
    "Rescaling": Case(build=_layer("Rescaling", 0.5, offset=-0.1)),
}

RANDOM = {
    "Dropout": Case(build=_layer("Dropout", 0.4)),
    "Dropout-seed": Case(build=_layer("Dropout", 0.4, seed=3)),
    "Dropout-noise_shape": Sequence(build=_layer("Dropout", 0.4, noise_shape=(None, 1, 6))),
    "AlphaDropout": Case(build=_layer("AlphaDropout", 0.3)),
    "GaussianDropout": Case(build=_layer("GaussianDropout", 0.3)),
    "GaussianNoise": Case(build=_layer("GaussianNoise", 0.3)),
    "SpatialDropout1D": Sequence(build=_layer("SpatialDropout1D", 0.4)),
    "SpatialDropout2D": Image(build=_layer("SpatialDropout2D", 0.4)),
    "SpatialDropout3D": Volume(build=_layer("SpatialDropout3D", 0.4)),
}

FEATURES = {
    "CategoryEncoding": Whole(inputs="ids", build=_layer("CategoryEncoding", ROWS)),
    "CategoryEncoding-one_hot": Whole(
        inputs="id", build=_layer("CategoryEncoding", ROWS, output_mode="one_hot")
    ),
    "CategoryEncoding-count": Whole(
        inputs="ids", build=_layer("CategoryEncoding", ROWS, output_mode="count")
    ),
    "Discretization": Case(
        build=_layer("Discretization", bin_boundaries=[-1.0, 0.0, 1.0], output_mode="one_hot"),
        inputs="vector",
    ),
    "Discretization-int": Whole(
        build=lambda keras, x: keras.layers.Embedding(4, 3)(
            keras.layers.Discretization(bin_boundaries=[-1.0, 0.0, 1.0])(x)
        )
    ),
    "STFTSpectrogram": Case(
        inputs="audio",
        build=lambda keras, x: keras.layers.STFTSpectrogram(
            frame_length=16, frame_step=8, fft_length=16
        )(keras.layers.Reshape((64, 1))(x)),
    ),
    "STFTSpectrogram-magnitude": Case(
        inputs="audio",
        build=lambda keras, x: keras.layers.STFTSpectrogram(
            mode="magnitude", frame_length=16, frame_step=8, fft_length=16, padding="same"
        )(keras.layers.Reshape((64, 1))(x)),
    ),
    "STFTSpectrogram-angle": Case(
        inputs="audio",
        build=lambda keras, x: keras.layers.STFTSpectrogram(
            mode="angle", frame_length=16, frame_step=8, fft_length=16
        )(keras.layers.Reshape((64, 1))(x)),
    ),
    # In decibels, which are too large for the head to learn from.
    "MelSpectrogram": Case(
        inputs="audio",
        build=lambda keras, x: keras.layers.Rescaling(0.01)(
            keras.layers.MelSpectrogram(
                fft_length=16, sequence_stride=8, sampling_rate=1000, num_mel_bins=6
            )(x)
        ),
    ),
    "MelSpectrogram-power": Case(
        inputs="audio",
        build=_layer(
            "MelSpectrogram",
            fft_length=16,
            sequence_stride=8,
            sampling_rate=1000,
            num_mel_bins=6,
            power_to_db=False,
        ),
    ),
}

CASES = {
    **CORE,
    **SHAPES,
    **MERGING,
    **CONVOLUTIONS,
    **POOLING,
    **NORMALIZATION,
    **RANDOM,
    **FEATURES,
}
