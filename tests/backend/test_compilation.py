"""A step that cannot be compiled, or is compiled again and again, is a refusal with its reason."""

from __future__ import annotations

import pytest

from harness.errors import RefusedError
from harness.trial.loops.compilation import RecompilationWatch, refused_if_uncompiled


class Adapter:
    """A fake: what it has compiled, and what it says of an error."""

    def __init__(self):
        self.frames = 0
        self.watched = []

    def watch_recompilation(self, *, on):
        self.watched.append(on)

    def compiled_frames(self):
        return self.frames

    def recompiled(self):
        return "call (layer.py:1), where a guard fails: x == 1"

    def uncompiled(self, error):
        return f"cannot compile: {error}" if isinstance(error, NotImplementedError) else None


def epochs(compiled, adapter):
    """Train epochs that compile so many pieces each; evaluation compiles seven between them."""
    watch = RecompilationWatch(adapter)
    for epoch, pieces in enumerate(compiled):
        watch.on_epoch_begin(epoch)
        adapter.frames += pieces
        watch.on_epoch_end(epoch)
        adapter.frames += 7


def test_compiling_in_the_first_two_epochs_is_no_reason():
    adapter = Adapter()
    epochs([244, 12, 0, 0], adapter)
    assert adapter.watched == [True, False] * 4, "not while it evaluates"


def test_a_step_that_is_compiled_on_and_on_is_refused_with_the_guard():
    with pytest.raises(RefusedError, match=r"in epoch 3: call .* x == 1; run it in the mode fit"):
        epochs([244, 12, 3], Adapter())


def test_what_a_framework_cannot_compile_is_refused_also_if_keras_wrapped_it():
    told = pytest.raises(RefusedError, match="cannot compile: PyFunc; run it in the mode fit")
    with told, refused_if_uncompiled(Adapter()):
        raise ValueError("in Functional.call()") from NotImplementedError("PyFunc")


def test_another_error_stays_what_it_is():
    with pytest.raises(ZeroDivisionError), refused_if_uncompiled(Adapter()):
        raise ZeroDivisionError
