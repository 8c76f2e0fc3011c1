"""Whether a model draws random numbers in training: masks of Dropout, noise, augmentation.

Keras draws them from the state of a ``SeedGenerator``, which counts every draw, and each backend's
generator makes other numbers of the same state. So equal seeds give equal initial weights and
batches on all backends, and no equal masks; quality is then compared over seeds.

On PyTorch, Keras 3.15 lets ``torch.nn.functional.dropout`` draw for a Dropout to which no seed was
given, and its generator stands still (``keras/src/backend/torch/random.py``). PyTorch's own has
moved then; but it moves in any training, since every ``DataLoader`` draws from it. So there a model
that holds a generator is taken to draw.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras

from harness.records.cell import Mode
from harness.trial.backends import Adapter

STATE = "seed_generator_state"
"""What Keras calls the variable of every ``SeedGenerator``."""

GLOBAL = "global_seed_generator"
"""Where Keras keeps the generator of draws for which a layer names none."""


class States(NamedTuple):
    """What draws are made from, as bytes: of the model, of Keras, of the framework."""

    of_model: list[bytes]
    of_keras: bytes
    of_framework: bytes


def states(model: Any, adapter: Adapter) -> States:
    """The states of all generators as they are now."""
    mine = [variable for variable in model.non_trainable_variables if variable.name == STATE]
    return States(list(map(_bytes, mine)), _global(), adapter.random_state())


def random_draws(mode: Mode, before: States, after: States) -> bool | None:
    """Whether the model drew anything between two looks at the :func:`states`.

    ``None`` is that nobody knows: native code does without Keras' generators, so that those of the
    model, if it has any, stand still whatever was drawn.
    """
    if (before.of_model, before.of_keras) != (after.of_model, after.of_keras):
        return True
    if not after.of_model:
        return False
    return None if mode == "native" else before.of_framework != after.of_framework


def _global() -> bytes:
    from keras.src.backend.common import global_state  # there is no public way to look at it

    generator = global_state.get_global_attribute(GLOBAL)
    return b"" if generator is None else _bytes(generator.state)


def _bytes(state: Any) -> bytes:
    return bytes(keras.ops.convert_to_numpy(state).tobytes())
