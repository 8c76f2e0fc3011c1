"""The same Keras ranking model on JAX, TensorFlow and PyTorch, measured to be believed."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from harness.notebook import LoadedStudy

__version__ = "0.1.0"


def load(folder: str | os.PathLike[str]) -> LoadedStudy:
    """What a folder of records says, for a notebook.

    Args:
        folder: a results folder, such as ``results/local``; its records may lie at any depth.

    Raises:
        UnavailableError: if there is no such folder.
    """
    # By name: a trial imports this package too, and nothing of what reads records.
    import importlib

    found: LoadedStudy = importlib.import_module("harness.notebook").load(folder)
    return found
