"""Cases of ``keras.optimizers``, each on a dense model and on one with a shared embedding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .case import ROWS, Case

Make = Callable[[Any], Any]


def _make(name: str, rate: Any = 0.01, **options: Any) -> Make:
    return lambda keras: getattr(keras.optimizers, name)(learning_rate=rate, **options)


def _of_layers(keras: Any) -> Any:
    """Adam for kernels, SGD for whatever else there is."""
    return keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(
            keras.optimizers.SGD(0.05), {"kernel": keras.optimizers.Adam(0.01)}
        )
    )


MAKES: dict[str, Make] = {
    "Adadelta": _make("Adadelta", 0.5),
    "Adafactor": _make("Adafactor"),
    "Adafactor-absolute": _make("Adafactor", relative_step=False),
    "Adagrad": _make("Adagrad", 0.1),
    "Adam": _make("Adam"),
    "Adam-amsgrad": _make("Adam", amsgrad=True),
    "AdamW": _make("AdamW"),
    "Adamax": _make("Adamax"),
    "Ftrl": _make("Ftrl", 0.1),
    "Ftrl-regularized": _make(
        "Ftrl",
        0.1,
        l1_regularization_strength=0.001,
        l2_regularization_strength=0.01,
        l2_shrinkage_regularization_strength=0.01,
        beta=0.1,
    ),
    "Lamb": _make("Lamb"),
    "Lion": _make("Lion", 0.001),
    "LossScaleOptimizer": lambda keras: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.05), initial_scale=8.0, dynamic_growth_steps=2
    ),
    "MultiOptimizer": _of_layers,
    "Muon": _make("Muon"),
    "Nadam": _make("Nadam"),
    "RMSprop": _make("RMSprop"),
    "RMSprop-centered": _make("RMSprop", centered=True, momentum=0.5),
    "SGD": _make("SGD", 0.05),
    "SGD-nesterov": _make("SGD", 0.05, momentum=0.9, nesterov=True),
    "ScheduleFreeAdamW": _make("ScheduleFreeAdamW"),
    "Adam-weight_decay": _make("Adam", weight_decay=0.01),
    "Adam-clipnorm": _make("Adam", clipnorm=0.01),
    "Adam-global_clipnorm": _make("Adam", global_clipnorm=0.01),
    "Adam-clipvalue": _make("Adam", clipvalue=0.01),
    "Adam-ema": _make("Adam", use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=2),
    "Adam-accumulation": _make("Adam", gradient_accumulation_steps=2),
    "SGD-accumulation": _make("SGD", 0.05, gradient_accumulation_steps=2),
    "SGD-loss_scale": _make("SGD", 0.05, loss_scale_factor=16.0),
    "SGD-global_clipnorm": _make("SGD", 0.05, global_clipnorm=0.01),
    "SGD-schedule": lambda keras: keras.optimizers.SGD(
        keras.optimizers.schedules.CosineDecay(0.0, 5, warmup_target=0.1, warmup_steps=2)
    ),
}

CASES = {
    name: Case(
        build=lambda keras, x: keras.layers.Dense(4, activation="tanh")(x),
        optimizer=make,
        also=("OptimizerMap",) if name == "MultiOptimizer" else (),
    )
    for name, make in MAKES.items()
} | {
    f"{name}-embedding": Case(
        inputs="id",
        before="bare",
        build=lambda keras, x: keras.layers.Embedding(ROWS, 4)(x),
        optimizer=make,
        also=("OptimizerMap",) if name == "MultiOptimizer" else (),
    )
    for name, make in MAKES.items()
}
