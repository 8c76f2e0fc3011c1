"""Which layer of a model is being called, by Keras' own name scopes."""

from __future__ import annotations

from typing import Any

import keras
from keras.src.backend.common.global_state import get_global_attribute


def calling_layer(model: Any) -> tuple[str, Any]:
    """The path of the innermost layer that is being called, and the layer.

    The path is without the model's name; outside of all layers it is ``the model``.
    """
    layers = [
        scope
        for scope in get_global_attribute("name_scope_stack") or []
        if isinstance(scope.caller, keras.layers.Layer)
    ]
    names = [scope.name for scope in layers]
    if names[:1] == [model.name]:
        names = names[1:]
    return "/".join(names) or "the model", layers[-1].caller if layers else None


def path_below(model: Any, layer: Any) -> str:
    """The path of ``layer`` as it is about to be called."""
    path, caller = calling_layer(model)
    if caller is layer:
        return path
    return layer.name if path == "the model" else f"{path}/{layer.name}"
