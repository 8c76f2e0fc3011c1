"""What becomes of an error in a child process: one line that tells, and last lines that explain.

Where memory ran out, NumPy, XLA, TensorFlow and PyTorch each say it in their own way, and the
kernel not at all: it ends a process, and which one is settled here before anything is allocated.
"""

from __future__ import annotations

import contextlib
import re
import traceback
from pathlib import Path

from harness import scenario_files
from harness.errors import HarnessError, RefusedError
from harness.probe.memory import peak_rss_bytes
from harness.records.failure import TAIL_LINES, bounded
from harness.records.trial import Failure
from harness.source_line import place, source_line
from harness.words import cut

LONGEST_REASON = 300
"""Characters of an error's own words: TensorFlow's go on with a graph."""

OUT_OF_MEMORY = re.compile(
    r"""RESOURCE_EXHAUSTED|ResourceExhausted   # XLA's and TensorFlow's status
    |\bout\ of\ memory\b                       # XLA, CUDA
    |\bOOM\ when\ allocating\b                 # TensorFlow
    |not\ enough\ memory|can't\ allocate\ memory # PyTorch on Windows, and elsewhere
    |unable\ to\ allocate|std::bad_alloc       # NumPy, C++""",
    re.VERBOSE | re.IGNORECASE,
)
"""What an error says of itself where memory ran out. Checked with JAX 0.10, TensorFlow 2.21,
PyTorch 2.13 and NumPy 2.4."""


DISTRIBUTIONS = {
    "tensorflow": "tensorflow-cpu,tensorflow-datasets",
    "tensorflow_datasets": "tensorflow-cpu,tensorflow-datasets",
    "keras_rs": "keras-rs",
    "sklearn": "scikit-learn",
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "yaml": "pyyaml",
    "skimage": "scikit-image",
}
"""What a module is called where packages are installed, if not as itself."""

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
"""What Keras sets the middle of its messages in bold with."""


def first_to_go() -> None:
    """Let the kernel end this process before any other one, should the memory run out.

    The harness and whatever else runs here then go on, and the record tells. A process may make
    itself more likely to be chosen without any privilege (``man proc_pid_oom_score_adj``); children
    inherit it. Elsewhere than on Linux nothing happens.
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def failure(error: Exception, scenario: str) -> Failure:
    """What the record of a child says of the ``error`` that ended it.

    Where the error came through the user's own code, its deepest line there comes first, as
    ``images.py, line 42``.
    """
    told = reason(error)
    file = None
    with contextlib.suppress(HarnessError):
        file = scenario_files.file_of(scenario)
    origin = None
    if file is not None and not isinstance(error, HarnessError):
        origin = source_line(error, file.folder)
        if origin is not None:
            told = f"{place(origin, file.folder)}: {told}"
    return bounded(
        Failure(
            reason=told,
            exit_code=1,
            output_tail=tail(output(error)),
            cause="refused" if isinstance(error, RefusedError) else None,
            origin=origin,
        )
    )


def reason(error: Exception) -> str:
    """One line that tells why there is no measurement."""
    if isinstance(error, HarnessError):
        return str(error)
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"{said}: {without(error.name.partition('.')[0])}"
    if not isinstance(error, MemoryError) and not OUT_OF_MEMORY.search(said):
        return " ".join(COLOUR.sub("", said).split())
    first = " ".join((str(error).strip() or type(error).__name__).splitlines()[0].split())
    first = cut(first, LONGEST_REASON)
    return f"out of memory, with {peak_rss_bytes() / 1e9:,.3g} GB resident at most: {first}"


def without(module: str) -> str:
    """What to do about an environment that lacks a module."""
    return (
        f"this environment has no {module}; if that is a package, "
        f"--with {DISTRIBUTIONS.get(module, module)} adds it"
    )


def output(error: Exception) -> str:
    """The traceback of what nobody foresaw; nothing for a mistake that explains itself."""
    if isinstance(error, HarnessError):
        return ""
    return "".join(traceback.format_exception(error))


def tail(text: str) -> str:
    """The last lines of ``text``, as many as a record keeps."""
    return "\n".join(text.splitlines()[-TAIL_LINES:])
