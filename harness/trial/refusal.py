"""Which modes are refused to a model, since they would train something else than ``fit``.

A loop without Keras' trainer is handed the batches and the model. Whatever a scenario or a model
has put into the trainer itself would be left out in silence, and the trial would look good. What
that is is found by how the thing works, never by its name; ``docs/modes.md`` lists it.
"""

from __future__ import annotations

from typing import Any

import keras

from harness.errors import RefusedError
from harness.records.cell import Mode
from harness.trial.prepared import Prepared
from harness.trial.written_fit import WrittenFit

RUN_BY_FIT = (
    "fit",
    "train_step",
    "make_train_function",
    "_make_function",  # JAX and TensorFlow make the train function by it
)
"""Methods of Keras' trainer by which ``fit`` trains, and which a loop of its own goes without.
``compute_loss`` is no such one: every loop here calls it."""

EVERY_BATCH = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
)
"""Hooks of a callback that see each step, unless an epoch's steps are one call."""


def require(mode: Mode, prepared: Prepared) -> None:
    """Refuse a mode that would not train as ``fit`` does.

    Raises:
        RefusedError: saying what would be left out.
    """
    if mode == "fit":
        return
    reason = {"tuned": _tuned, "custom_loop": _custom_loop, "native": _native}[mode](prepared)
    if reason is not None:
        instead = "mode fit" if mode == "tuned" else "modes fit or tuned"
        raise RefusedError(f"{mode} {reason}; run it in the {instead}")


def _tuned(prepared: Prepared) -> str | None:
    if prepared.model.run_eagerly:
        return "compiles the step, but the model was compiled with run_eagerly=True"
    for callback in _written(prepared).own_callbacks:
        if any(_overrides(callback, name, keras.callbacks.Callback) for name in EVERY_BATCH):
            return (
                "makes an epoch's steps in one call, but the scenario's fit has a callback that "
                f"acts at every batch ({type(callback).__name__})"
            )
    return None


def _custom_loop(prepared: Prepared) -> str | None:
    model = prepared.model
    return (
        _own_trainer(model)
        or _own_end(model.optimizer)
        or prepared.adapter.left_out(model)
        or _native(prepared)
    )


def _own_trainer(model: Any) -> str | None:
    """What of the model Keras' trainer would run and a loop of its own does not."""
    for name in RUN_BY_FIT:
        if _overrides(model, name, keras.Model):
            return f"goes without Keras' trainer, but the model has its own {name}"
    if model.train_function is not None:
        return "goes without Keras' trainer, but the model's train_function was set"
    if model.run_eagerly:
        return "compiles the step, but the model was compiled with run_eagerly=True"
    if keras.distribution.distribution() is not None:
        return "trains on one device, but a keras.distribution is set"
    return None


def _own_end(optimizer: Any) -> str | None:
    """What Keras' trainer has the optimizer do when ``fit`` ends."""
    if optimizer is None:
        return "needs an optimizer, and the model was compiled without one"
    setter = sets_last_weights(optimizer)
    if setter is None:
        return None
    return (
        "goes without Keras' trainer, which has the optimizer set the weights again after the last "
        f"epoch ({setter})"
    )


def _native(prepared: Prepared) -> str | None:
    """The step is the scenario's own affair here, the order of the batches is not."""
    beyond = _written(prepared).beyond
    if beyond:
        return f"goes without the scenario's fit, which {', '.join(beyond)}"
    return None


def sets_last_weights(optimizer: Any) -> str | None:
    """What has an optimizer, or one within it, change the weights when ``fit`` ends."""
    if optimizer.use_ema:
        return "use_ema=True"
    held = [one for value in vars(optimizer).values() for one in _flat(value)]
    inner = [one for one in held if isinstance(one, keras.optimizers.Optimizer)]
    for one in inner:
        if (setter := sets_last_weights(one)) is not None:
            return setter
    # One that holds others hands the call on to them.
    own = _overrides(optimizer, "finalize_variable_values", keras.optimizers.Optimizer)
    return f"finalize_variable_values of {type(optimizer).__name__}" if own and not inner else None


def _flat(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _written(prepared: Prepared) -> WrittenFit:
    return WrittenFit(
        prepared.chosen,
        prepared.model,
        steps=prepared.steps,
        ordered=prepared.adapter.backend == "tensorflow",
    )


def _overrides(thing: Any, name: str, base: type) -> bool:
    """Whether ``thing`` does ``name`` otherwise than ``base``, by its class or by itself."""
    return name in vars(thing) or getattr(type(thing), name, None) is not getattr(base, name, None)
