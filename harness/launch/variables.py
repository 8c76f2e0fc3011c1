"""What a child process sees of the environment: a short list passed on, and what we set.

Nothing is inherited by accident: ``XLA_FLAGS`` in a shell's profile, a ``keras.json`` in the home
folder or a thread count left over from another job would change a measurement without a trace.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness import scenario_files
from harness.probe.variables import CHANGES_A_MEASUREMENT

PASSED_ON = frozenset(
    {
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "LD_LIBRARY_PATH",  # where CUDA is found
        "CUDA_VISIBLE_DEVICES",  # which GPU the user, or a batch system, chose …
        "CUDA_DEVICE_ORDER",  # … and how they are counted
        # Windows starts no Python without these.
        "SYSTEMROOT",
        "SYSTEMDRIVE",
        "WINDIR",
        "COMSPEC",
        "PATHEXT",
        "TEMP",
        "TMP",
        "USERPROFILE",
        "APPDATA",
        "LOCALAPPDATA",
    }
)
"""Passed on as they are, with everything that begins with one of :data:`PASSED_ON_PREFIXES`."""

PASSED_ON_PREFIXES = ("LC_", "HARNESS_")

DOWNLOADS = ("datasets", "models")
"""Folders of Keras' home that ``keras.utils.get_file`` downloads data and weights to."""

SHARED_GPU: Mapping[str, str] = {
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}
"""For processes that are alive at once on one GPU, of which JAX takes three quarters at its start
and TensorFlow all of it, unless they are told to take what they need."""


def child_variables(
    source: Mapping[str, str],
    *,
    backend: str | None = None,
    device: str | None,
    keras_home: Path,
    threads: int | None = None,
    pass_env: Iterable[str] = (),
) -> dict[str, str]:
    """The whole environment of a child process.

    Args:
        source: the environment to pass on from, usually ``os.environ``.
        backend: what ``KERAS_BACKEND`` will say; ``None`` for a child that imports no Keras.
        device: ``cpu`` hides every GPU; ``gpu`` and ``None`` hide nothing.
        keras_home: an empty folder of the child's own: a ``keras.json`` in the user's may change
            the float type.
        threads: CPU threads for the operations of every framework; ``None`` leaves it to them.
        pass_env: names of the user's own to pass on; they win over what is set here.
    """
    chosen = {name: value for name, value in source.items() if is_passed_on(name)}
    if folders := scenario_files.entries(source):
        # The child works in a folder of its own, where the user's relative paths lead nowhere.
        chosen[scenario_files.SEARCH_PATH_VARIABLE] = os.pathsep.join(map(str, folders))
    if offered := scenario_files.offered(source):
        chosen[scenario_files.OFFERED_VARIABLE] = offered
    if backend is not None:
        chosen["KERAS_BACKEND"] = backend
    chosen |= {
        "KERAS_HOME": str(keras_home),
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",  # the output's tail goes into a record, in whatever locale
        "PYTHONUNBUFFERED": "1",  # a killed process cannot flush what it said last
        "PYTHONFAULTHANDLER": "1",  # a segmentation fault then tells where
        "TF_CPP_MIN_LOG_LEVEL": "2",
        # TF_ENABLE_ONEDNN_OPTS is left to TensorFlow's own default on purpose.
    }
    if device == "cpu":
        chosen |= {
            "JAX_PLATFORMS": "cpu",
            # All three count GPUs through CUDA, which stops at the first number that is none.
            "CUDA_VISIBLE_DEVICES": "-1",
        }
        if backend == "torch":
            # Keras takes Apple's `mps` before the CPU where there is one.
            chosen["KERAS_TORCH_DEVICE"] = "cpu"
    if backend == "torch":
        # Beside it: a trial that found an earlier one's compiled code would not tell what it costs.
        chosen["TORCHINDUCTOR_CACHE_DIR"] = str(keras_home / "inductor")
    if threads is not None:
        chosen |= _thread_variables(threads)
    chosen |= {name: source[name] for name in pass_env if name in source}
    return chosen


def share_downloads(keras_home: Path, source: Mapping[str, str]) -> None:
    """Let Keras in a child find, and leave, its downloads where the user's own Keras does.

    Otherwise every trial would download its data set again. What else lies in the user's folder,
    ``keras.json`` above all, stays out of sight.

    Args:
        keras_home: the child's own folder.
        source: the environment of the user, usually ``os.environ``.
    """
    theirs = Path(source.get("KERAS_HOME") or Path.home() / ".keras")
    for name in DOWNLOADS:
        with contextlib.suppress(OSError, RuntimeError):  # then the child downloads by itself
            for folder in (theirs, theirs / name):
                folder.mkdir(exist_ok=True)
            (keras_home / name).symlink_to(theirs / name, target_is_directory=True)


def is_passed_on(name: str) -> bool:
    """Whether a variable reaches the child without being asked for."""
    return name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)


def kept_back(source: Mapping[str, str], pass_env: Iterable[str] = ()) -> list[str]:
    """Variables in ``source`` that would change a measurement and do not reach the child.

    Those that every child gets from us are left out: tox sets some of them on its own.
    """
    from_us = child_variables({}, backend="", device="cpu", keras_home=Path(), threads=None)
    spared = {*from_us, *pass_env}
    return sorted(
        name
        for name in source
        if CHANGES_A_MEASUREMENT.fullmatch(name) and not is_passed_on(name) and name not in spared
    )


def _thread_variables(threads: int) -> dict[str, str]:
    """One number for every pool.

    ``NPROC`` is what XLA's CPU client reads: with JAX 0.10.2 it brought a matrix product from 1.97
    busy cores to 1.00, while ``XLA_FLAGS=--xla_cpu_multi_thread_eigen=false`` left it at 1.97.
    TensorFlow 2.21 follows ``TF_NUM_INTRAOP_THREADS`` (1.00 busy cores) and not OpenMP's number
    (1.76); PyTorch 2.13 follows OpenMP's.
    """
    names = (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
        "NPROC",
    )
    return dict.fromkeys(names, str(threads))
