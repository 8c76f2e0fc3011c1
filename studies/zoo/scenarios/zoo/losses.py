"""Cases of ``keras.losses`` and ``keras.metrics``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .case import Case, Labels


def _loss(name: str, **options: Any) -> Callable[[Any], Any]:
    return lambda keras: getattr(keras.losses, name)(**options)


def _metric(name: str, **options: Any) -> Callable[[Any], Any]:
    return lambda keras: getattr(keras.metrics, name)(name="watched", **options)


def _letters(keras: Any, x: Any) -> Any:
    return keras.layers.Dense(4)(x)


LOSSES: dict[str, Case] = {
    f"{name}{'-' if variant else ''}{variant}": Case(
        labels=labels, activation=activation, loss=_loss(name, **options)
    )
    for name, variant, labels, activation, options in (
        ("BinaryCrossentropy", "", "bits", "sigmoid", {}),
        (
            "BinaryCrossentropy",
            "logits",
            "bits",
            None,
            {"from_logits": True, "label_smoothing": 0.1},
        ),
        ("BinaryFocalCrossentropy", "", "bits", "sigmoid", {"apply_class_balancing": True}),
        ("CategoricalCrossentropy", "", "one-hot", "softmax", {"label_smoothing": 0.1}),
        ("CategoricalCrossentropy", "logits", "one-hot", None, {"from_logits": True}),
        ("CategoricalFocalCrossentropy", "", "one-hot", "softmax", {}),
        ("CategoricalGeneralizedCrossEntropy", "", "class", "softmax", {}),
        ("CategoricalHinge", "", "one-hot", "softmax", {}),
        ("Circle", "", "class", None, {}),
        ("CosineSimilarity", "", "numbers", None, {}),
        ("Dice", "", "bits", "sigmoid", {}),
        ("Dice", "axis", "bits", "sigmoid", {"axis": (1,)}),
        ("Hinge", "", "signs", "tanh", {}),
        ("Huber", "", "numbers", None, {"delta": 0.7}),
        ("KLDivergence", "", "one-hot", "softmax", {}),
        ("LogCosh", "", "numbers", None, {}),
        ("MeanAbsoluteError", "", "numbers", None, {}),
        ("MeanAbsolutePercentageError", "", "positive", None, {}),
        ("MeanSquaredError", "", "numbers", None, {}),
        ("MeanSquaredError", "sum", "numbers", None, {"reduction": "sum"}),
        ("MeanSquaredLogarithmicError", "", "positive", "softplus", {}),
        ("Poisson", "", "positive", "softplus", {}),
        ("SparseCategoricalCrossentropy", "", "class", "softmax", {}),
        (
            "SparseCategoricalCrossentropy",
            "ignore",
            "class",
            None,
            {"from_logits": True, "ignore_class": 1},
        ),
        ("SquaredHinge", "", "signs", "tanh", {}),
        ("Tversky", "", "bits", "sigmoid", {"alpha": 0.3, "beta": 0.7}),
    )
} | {
    "CTC": Case(
        inputs="sequence",
        build=_letters,
        after=False,
        labels="letters",
        loss=_loss("CTC"),
        metric=lambda keras: keras.metrics.MeanMetricWrapper(keras.losses.ctc, name="watched"),
    )
}
LOSSES = {
    name: case
    if name == "CTC" or case.labels != "class"
    else Case(
        labels=case.labels,
        activation=case.activation,
        loss=case.loss,
        metric=_metric("SparseCategoricalAccuracy"),
    )
    for name, case in LOSSES.items()
}

_METRICS: dict[str, tuple[Labels, str | None, dict[str, Any]]] = {
    "AUC": ("bits", "sigmoid", {}),
    "AUC-PR": ("bits", "sigmoid", {"curve": "PR", "multi_label": True, "num_labels": 3}),
    "Accuracy": ("bits", "sigmoid", {}),
    "BinaryAccuracy": ("bits", "sigmoid", {}),
    "BinaryCrossentropy": ("bits", "sigmoid", {}),
    "BinaryIoU": ("bits", "sigmoid", {}),
    "CategoricalAccuracy": ("one-hot", "softmax", {}),
    "CategoricalCrossentropy": ("one-hot", "softmax", {}),
    "CategoricalHinge": ("one-hot", "softmax", {}),
    "ConcordanceCorrelation": ("numbers", None, {}),
    "CosineSimilarity": ("numbers", None, {}),
    "F1Score": ("one-hot", "softmax", {}),
    "FBetaScore": ("one-hot", "softmax", {"beta": 2.0}),
    "FalseNegatives": ("bits", "sigmoid", {}),
    "FalsePositives": ("bits", "sigmoid", {}),
    "Hinge": ("signs", "tanh", {}),
    "IoU": (
        "one-hot",
        "softmax",
        {
            "num_classes": 3,
            "target_class_ids": [0, 2],
            "sparse_y_true": False,
            "sparse_y_pred": False,
        },
    ),
    "KLDivergence": ("one-hot", "softmax", {}),
    "LogCoshError": ("numbers", None, {}),
    "MeanAbsoluteError": ("numbers", None, {}),
    "MeanAbsolutePercentageError": ("positive", None, {}),
    "MeanIoU": ("class", "softmax", {"num_classes": 3, "sparse_y_pred": False}),
    "MeanSquaredError": ("numbers", None, {}),
    "MeanSquaredLogarithmicError": ("positive", "softplus", {}),
    "OneHotIoU": ("one-hot", "softmax", {"num_classes": 3, "target_class_ids": [0, 2]}),
    "OneHotMeanIoU": ("one-hot", "softmax", {"num_classes": 3}),
    "PearsonCorrelation": ("numbers", None, {}),
    "Poisson": ("positive", "softplus", {}),
    "Precision": ("bits", "sigmoid", {}),
    "Precision-top_k": ("one-hot", "softmax", {"top_k": 2}),
    "PrecisionAtRecall": ("bits", "sigmoid", {"recall": 0.5}),
    "R2Score": ("numbers", None, {}),
    "Recall": ("bits", "sigmoid", {"thresholds": [0.3, 0.5, 0.7]}),
    "RecallAtPrecision": ("bits", "sigmoid", {"precision": 0.5}),
    "RootMeanSquaredError": ("numbers", None, {}),
    "SensitivityAtSpecificity": ("bits", "sigmoid", {"specificity": 0.5}),
    "SparseCategoricalAccuracy": ("class", "softmax", {}),
    "SparseCategoricalCrossentropy": ("class", "softmax", {}),
    "SparseTopKCategoricalAccuracy": ("class", "softmax", {"k": 2}),
    "SpecificityAtSensitivity": ("bits", "sigmoid", {"sensitivity": 0.5}),
    "SquaredHinge": ("signs", "tanh", {}),
    "TopKCategoricalAccuracy": ("one-hot", "softmax", {"k": 2}),
    "TrueNegatives": ("bits", "sigmoid", {}),
    "TruePositives": ("bits", "sigmoid", {}),
}

METRICS: dict[str, Case] = {
    f"metric-{name}": Case(
        labels=labels,
        activation=activation,
        metric=_metric(name.partition("-")[0], **options),
        loss=_loss("SparseCategoricalCrossentropy" if labels == "class" else "MeanSquaredError"),
    )
    for name, (labels, activation, options) in _METRICS.items()
}

CASES = {**{f"loss-{name}": case for name, case in LOSSES.items()}, **METRICS}
