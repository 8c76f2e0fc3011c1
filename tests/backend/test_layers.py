"""Common initial weights of every layer of Keras: the same numbers on the three backends."""

from __future__ import annotations

import hashlib
import inspect
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from harness.trial import initial, weights

L = keras.layers

PINNED = Path(__file__).parent / "layers.json"
"""SHA-256 of all initial values by layer: measured once, on one backend, and equal on the others.

To add what a new Keras brings: make a case below, then
``KERAS_BACKEND=jax python -m tests.backend.test_layers``."""

IMAGE, SEQUENCE, VOLUME, VECTOR = (8, 8, 6), (8, 6), (6, 6, 6, 4), (6,)

CASES = {
    # name: (input shape without the batch, what makes the layer)
    "AdditiveAttention": (SEQUENCE, lambda: Twice(L.AdditiveAttention())),
    "Attention": (SEQUENCE, lambda: Twice(L.Attention(use_scale=True))),
    "BatchNormalization": (IMAGE, lambda: L.BatchNormalization(renorm=True)),
    "Bidirectional": (SEQUENCE, lambda: L.Bidirectional(L.LSTM(4))),
    "Conv1D": (SEQUENCE, lambda: L.Conv1D(4, 3)),
    "Conv1DTranspose": (SEQUENCE, lambda: L.Conv1DTranspose(4, 3)),
    "Conv2D": (IMAGE, lambda: L.Conv2D(4, 3)),
    "Conv2DTranspose": (IMAGE, lambda: L.Conv2DTranspose(4, 3)),
    "Conv3D": (VOLUME, lambda: L.Conv3D(4, 3)),
    "Conv3DTranspose": (VOLUME, lambda: L.Conv3DTranspose(4, 3)),
    "ConvLSTM1D": ((3, 8, 6), lambda: L.ConvLSTM1D(4, 3)),
    "ConvLSTM2D": ((3, 8, 8, 6), lambda: L.ConvLSTM2D(4, 3)),
    "ConvLSTM3D": ((3, 6, 6, 6, 4), lambda: L.ConvLSTM3D(4, 3)),
    "Dense": (VECTOR, lambda: L.Dense(4)),
    "DepthwiseConv1D": (SEQUENCE, lambda: L.DepthwiseConv1D(3)),
    "DepthwiseConv2D": (IMAGE, lambda: L.DepthwiseConv2D(3)),
    "EinsumDense": (SEQUENCE, lambda: L.EinsumDense("abc,cd->abd", (None, 4), bias_axes="d")),
    "Embedding": (VECTOR, lambda: L.Embedding(9, 4)),
    "GRU": (SEQUENCE, lambda: L.GRU(4)),
    "GRUCell": (SEQUENCE, lambda: L.RNN(L.GRUCell(4))),
    "GroupNormalization": (IMAGE, lambda: L.GroupNormalization(2)),
    "GroupedQueryAttention": (SEQUENCE, lambda: Twice(L.GroupQueryAttention(4, 4, 2))),
    "LSTM": (SEQUENCE, lambda: L.LSTM(4)),
    "LSTMCell": (SEQUENCE, lambda: L.RNN(L.LSTMCell(4))),
    "LayerNormalization": (IMAGE, L.LayerNormalization),
    "MultiHeadAttention": (SEQUENCE, lambda: Twice(L.MultiHeadAttention(2, 4))),
    "Normalization": (VECTOR, L.Normalization),
    "PReLU": (IMAGE, L.PReLU),
    "RMSNormalization": (IMAGE, L.RMSNormalization),
    "RNN": (SEQUENCE, lambda: L.RNN([L.LSTMCell(4), L.GRUCell(3)])),
    "ReversibleEmbedding": (VECTOR, lambda: L.ReversibleEmbedding(9, 4, tie_weights=False)),
    "STFTSpectrogram": (
        (256, 1),
        lambda: L.STFTSpectrogram(frame_length=64, frame_step=32, fft_length=64),
    ),
    "SeparableConv1D": (SEQUENCE, lambda: L.SeparableConv1D(4, 3)),
    "SeparableConv2D": (IMAGE, lambda: L.SeparableConv2D(4, 3)),
    "SimpleRNN": (SEQUENCE, lambda: L.SimpleRNN(4)),
    "SimpleRNNCell": (SEQUENCE, lambda: L.RNN(L.SimpleRNNCell(4))),
    "SpectralNormalization": (IMAGE, lambda: L.SpectralNormalization(L.Conv2D(4, 3))),
    "StackedRNNCells": (SEQUENCE, lambda: L.RNN(L.StackedRNNCells([L.GRUCell(4), L.LSTMCell(3)]))),
    "TimeDistributed": (SEQUENCE, lambda: L.TimeDistributed(L.Dense(4))),
}


class Twice(keras.layers.Layer):
    """Gives a layer that takes several inputs the same one for each."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def build(self, shape):
        if isinstance(self.layer, L.AdditiveAttention | L.Attention):
            self.layer.build([shape, shape])
        else:
            self.layer.build(shape, shape)

    def call(self, values):
        if isinstance(self.layer, L.AdditiveAttention | L.Attention):
            return self.layer([values, values])
        return self.layer(values, values)


ABSTRACT = {"InputLayer", "Layer", "Wrapper"}
ELSEWHERE = {"FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"}
"""Wrap what one framework has made; their variables are given as arrays."""

WITHOUT = """
Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D
AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add
AlphaDropout AugMix AutoContrast Average AveragePooling1D AveragePooling2D AveragePooling3D
CategoryEncoding CenterCrop Concatenate ContrastLimitedAdaptiveHistogramEqualization Cropping1D
Cropping2D Cropping3D CutMix Discretization Dot Dropout ELU Equalization Flatten GaussianDropout
GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D HashedCrossing Hashing Identity
IntegerLookup Lambda LeakyReLU Masking MaxNumBoundingBoxes MaxPooling1D MaxPooling2D
MaxPooling3D Maximum MelSpectrogram Minimum MixUp Multiply Permute Pipeline RandAugment
RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop
RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue
RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation
RandomSharpness RandomShear RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape
Resizing Softmax Solarization SpatialDropout1D SpatialDropout2D SpatialDropout3D StringLookup
Subtract TextVectorization UnitNormalization UpSampling1D UpSampling2D UpSampling3D
ZeroPadding1D ZeroPadding2D ZeroPadding3D
"""
"""Layers without floating-point variables; lookups keep tables of TensorFlow."""


def model_of(name):
    shape, layer = CASES[name]

    def make():
        keras.utils.set_random_seed(1)
        model = keras.Sequential([layer()])
        weights.build(model, np.zeros((2, *shape), np.float32))
        return model

    return initial.common(make, 5)


def digest(model):
    """SHA-256 of every floating-point variable, trained or not, with its shape."""
    sha256 = hashlib.sha256()
    for variable in model.variables:
        if "float" in variable.dtype:
            value = np.asarray(keras.ops.convert_to_numpy(variable.value), "<f4")
            sha256.update(repr(value.shape).encode() + np.ascontiguousarray(value).tobytes())
    return sha256.hexdigest()[:16]


def test_every_layer_of_keras_has_a_case_or_no_variables():
    layers = {
        kind.__name__
        for kind in vars(L).values()
        if inspect.isclass(kind) and issubclass(kind, L.Layer)
    }
    assert layers - set(CASES) - set(WITHOUT.split()) - ABSTRACT - ELSEWHERE == set()
    assert set(CASES) <= layers


@pytest.mark.parametrize("name", CASES)
def test_its_initial_weights_are_the_same_numbers_on_every_backend(name):
    assert digest(model_of(name)) == json.loads(PINNED.read_text(encoding="utf-8"))[name]


if __name__ == "__main__":
    found = {name: digest(model_of(name)) for name in CASES}
    PINNED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
