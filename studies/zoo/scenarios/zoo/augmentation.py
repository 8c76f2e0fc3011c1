"""Cases of the image layers, behind a trained layer whose outputs are pixels between 0 and 1."""

from __future__ import annotations

from functools import partial
from typing import Any

from .case import Case
from .layers import _layer

Pixels = partial(Case, inputs="image", before="unit")
_UNIT: dict[str, Any] = {"value_range": (0.0, 1.0)}

CASES = {
    "CenterCrop": Pixels(build=_layer("CenterCrop", 5, 4)),
    "CenterCrop-larger": Pixels(build=_layer("CenterCrop", 12, 4)),
    "Resizing": Pixels(build=_layer("Resizing", 5, 6)),
    **{
        f"Resizing-{name}": Pixels(build=_layer("Resizing", 12, 5, interpolation=name))
        for name in ("nearest", "bicubic", "lanczos3", "lanczos5")
    },
    "Resizing-antialias": Pixels(build=_layer("Resizing", 4, 5, antialias=True)),
    "Resizing-crop": Pixels(build=_layer("Resizing", 4, 6, crop_to_aspect_ratio=True)),
    "Resizing-pad": Pixels(build=_layer("Resizing", 4, 6, pad_to_aspect_ratio=True)),
    "AutoContrast": Pixels(build=_layer("AutoContrast", **_UNIT)),
    # Keras 3.15 cannot put the layer itself into a functional model: "is part of a cycle".
    "Equalization": Pixels(
        build=lambda keras, x: keras.layers.Lambda(keras.layers.Equalization(**_UNIT))(x)
    ),
    "ContrastLimitedAdaptiveHistogramEqualization": Pixels(
        build=_layer("ContrastLimitedAdaptiveHistogramEqualization", tile_grid_size=(2, 2), **_UNIT)
    ),
    "Solarization": Pixels(
        build=_layer("Solarization", addition_factor=0.2, threshold_factor=0.3, **_UNIT)
    ),
    "AugMix": Pixels(build=_layer("AugMix", seed=1, **_UNIT)),
    "CutMix": Pixels(build=_layer("CutMix", seed=1)),
    "MixUp": Pixels(build=_layer("MixUp", seed=1)),
    "RandAugment": Pixels(build=_layer("RandAugment", seed=1, **_UNIT)),
    "RandomBrightness": Pixels(build=_layer("RandomBrightness", 0.3, seed=1, **_UNIT)),
    "RandomBrightness-bare": Pixels(
        before="bare", build=_layer("RandomBrightness", 0.3, seed=1, value_range=(-9.0, 9.0))
    ),
    "RandomColorDegeneration": Pixels(
        build=_layer("RandomColorDegeneration", 0.5, seed=1, **_UNIT)
    ),
    "RandomColorJitter": Pixels(
        build=_layer(
            "RandomColorJitter",
            brightness_factor=0.2,
            contrast_factor=0.2,
            saturation_factor=0.2,
            hue_factor=0.2,
            seed=1,
            **_UNIT,
        )
    ),
    "RandomContrast": Pixels(build=_layer("RandomContrast", 0.3, seed=1, **_UNIT)),
    # Without training Keras 3.15 does not crop, whatever the shape that the layer promises.
    "RandomCrop": Pixels(
        build=lambda keras, x: keras.layers.GlobalAveragePooling2D()(
            keras.layers.RandomCrop(5, 4, seed=1)(x)
        )
    ),
    "RandomElasticTransform": Pixels(build=_layer("RandomElasticTransform", seed=1, **_UNIT)),
    "RandomErasing": Pixels(build=_layer("RandomErasing", seed=1, **_UNIT)),
    "RandomFlip": Pixels(build=_layer("RandomFlip", seed=1)),
    "RandomGaussianBlur": Pixels(build=_layer("RandomGaussianBlur", seed=1, **_UNIT)),
    "RandomGrayscale": Pixels(build=_layer("RandomGrayscale", seed=1)),
    "RandomHue": Pixels(build=_layer("RandomHue", 0.3, seed=1, **_UNIT)),
    "RandomInvert": Pixels(build=_layer("RandomInvert", 0.5, seed=1, **_UNIT)),
    "RandomPerspective": Pixels(build=_layer("RandomPerspective", seed=1)),
    "RandomPosterization": Pixels(build=_layer("RandomPosterization", 4, seed=1, **_UNIT)),
    "RandomRotation": Pixels(build=_layer("RandomRotation", 0.2, seed=1)),
    "RandomSaturation": Pixels(build=_layer("RandomSaturation", 0.5, seed=1, **_UNIT)),
    "RandomSharpness": Pixels(build=_layer("RandomSharpness", 0.5, seed=1, **_UNIT)),
    "RandomShear": Pixels(build=_layer("RandomShear", 0.3, 0.2, seed=1)),
    "RandomTranslation": Pixels(build=_layer("RandomTranslation", 0.3, 0.2, seed=1)),
    "RandomZoom": Pixels(build=_layer("RandomZoom", 0.3, 0.2, seed=1)),
    "Pipeline": Pixels(
        build=lambda keras, x: keras.layers.Pipeline(
            [keras.layers.Rescaling(2.0), keras.layers.RandomFlip(seed=1)]
        )(x)
    ),
}
