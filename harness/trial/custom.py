"""Values of custom initialisers: computed on one backend, handed to the others.

What a user's own initialiser draws, nobody but its code knows, and that may draw with the
framework. So the first process of a campaign that needs it calls it and leaves the arrays in a
file; the processes of the other backends, and of a later run in that folder, read them.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.scenario import Scenario, sources_sha256
from harness.store.atomic import write_new

Array = NDArray[Any]

BACKEND = "backend"
"""The entry of the file that names the backend which computed the arrays."""


class HandoverError(HarnessError):
    """The file in which custom initial values are handed over cannot be used."""


class CustomWeights:
    """The values of the custom initialisers of one scenario with its settings and seed.

    ``sources`` tells, once a model was made, the backend that computed the value of each variable,
    by the variable's path.

    Args:
        folder: where they are kept for other processes, if anywhere; otherwise they are kept in
            this process.
        key: what the values depend on.
    """

    def __init__(self, folder: str | None = None, key: str = "") -> None:
        self._folder = None if folder is None else Path(folder)
        self._key = key
        self._kept: dict[str, tuple[str, list[Array]]] = {}
        self.sources: dict[str, str] = {}

    def values(self, variables: Sequence[Any], compute: Callable[[], list[Array]]) -> list[Array]:
        """The values of ``variables``: those that are kept, or else what ``compute`` gives.

        Raises:
            HandoverError: if the file cannot be written or read.
        """
        if not variables:
            return []
        shapes = [(tuple(variable.shape), str(variable.dtype)) for variable in variables]
        name = hashlib.sha256(repr((self._key, shapes)).encode()).hexdigest()[:16]
        if name not in self._kept:
            self._kept[name] = self._shared(name, compute)
        backend, arrays = self._kept[name]
        self.sources |= {str(variable.path): backend for variable in variables}
        return arrays

    def _shared(self, name: str, compute: Callable[[], list[Array]]) -> tuple[str, list[Array]]:
        backend = keras.backend.backend()
        if self._folder is None:
            return backend, compute()
        path = self._folder / f"{name}.npz"
        try:
            if not path.exists():
                self._leave(path, backend, compute())
            # Also what was computed here: another process may have been first.
            with np.load(path, allow_pickle=False) as file:
                return str(file[BACKEND]), [file[str(i)] for i in range(len(file.files) - 1)]
        except (OSError, ValueError, KeyError) as error:
            raise HandoverError(
                f"{path}, which hands the values of custom initialisers to the other backends, "
                f"cannot be used: {error}; remove it, or run with --init keras"
            ) from None

    def _leave(self, path: Path, backend: str, arrays: list[Array]) -> None:
        content = io.BytesIO()
        named = {str(index): array for index, array in enumerate(arrays)}
        np.savez(content, allow_pickle=False, **{BACKEND: np.array(backend)}, **named)
        with contextlib.suppress(FileExistsError):  # the first process decides
            write_new(path, content.getvalue())


def key(chosen: Scenario, settings: Any, seed: int) -> str:
    """What the values of custom initialisers depend on, beside the shapes of their variables.

    The code of the scenario is a part of it: a mended initialiser is called again.
    """
    asked = msgspec.json.encode(settings, order="deterministic").decode()
    return f"{chosen.name} {chosen.version} {seed} {asked} {sources_sha256(chosen.name)}"
