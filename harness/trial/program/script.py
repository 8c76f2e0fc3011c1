"""Runs a script as ``python train.py ARGUMENTS`` would, and keeps the end of what it prints."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import traceback
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.regular_files import source
from harness.source_line import place, source_line
from harness.trial.failure import COLOUR, without

TAIL_BYTES = 16 * 1024
"""How much of the end of a script's output is kept while it runs."""

TAIL_LINES = 20
"""How many lines of it a record keeps."""


class MissingModuleError(HarnessError):
    """A script needs a package that its environment does not have."""


class ForeignOperationError(HarnessError):
    """A model calls operations of a framework that is not its backend's."""


class ScriptExitError(HarnessError):
    """A script ended itself with an exit code that tells of a failure."""


class Script:
    """A script, compiled.

    Args:
        path: absolute.
        arguments: its own.

    Raises:
        SyntaxError: if it cannot be compiled.
    """

    def __init__(self, path: Path, arguments: Sequence[str]) -> None:
        self.path = path
        self.arguments = list(arguments)
        self.output = Output()
        self.exited = False
        self._code = compile(source(path), str(path), "exec")

    def run(self) -> None:
        """Run it to its end, in its own folder.

        ``__main__`` stays what it was in the script: what is trained again after its end may be
        pickled by that name. So not by ``runpy``, which puts the old one back.

        Raises:
            MissingModuleError: naming the option that adds the package.
            ForeignOperationError: naming the line.
            ScriptExitError: for ``sys.exit`` with anything but success.
            Exception: whatever it raises.
        """
        process = os.getpid()
        module = types.ModuleType("__main__")
        module.__dict__.update(__file__=str(self.path), __cached__=None)
        sys.modules["__main__"] = module
        sys.argv = [str(self.path), *self.arguments]
        sys.path[0] = str(self.path.parent)
        os.chdir(self.path.parent)
        try:
            with self.output.kept():
                exec(self._code, module.__dict__)  # noqa: S102 - to run it is what was asked
        except SystemExit as end:
            if os.getpid() == process:
                self._end(end.code)
        except ImportError as error:
            raise _explained(error, self.path) from error
        except Exception as error:
            if (why := _foreign(error, self.path)) is not None:
                raise ForeignOperationError(why) from error
            raise
        finally:
            if os.getpid() != process:
                # A child that the script forked came to its end: the record is the parent's.
                os._exit(0)

    def _end(self, code: Any) -> None:
        self.exited = True
        if code not in (None, 0):
            raise ScriptExitError(f"{self.path.name} ended itself: sys.exit({code!r:.200})")


class Output(io.BufferedIOBase):
    """What a script prints: the last of it is kept, and how much it was.

    Nothing is written anywhere, so that neither a disk fills up nor another process wakes beside
    the clock. What is not printed by Python goes where it went before.
    """

    def __init__(self) -> None:
        super().__init__()
        self._tail = bytearray()
        self.bytes = 0

    def writable(self) -> bool:
        """It can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Keep the end of ``data``."""
        view = memoryview(data).cast("B")
        self.bytes += len(view)
        self._tail += view[-TAIL_BYTES:]
        if len(self._tail) > 2 * TAIL_BYTES:
            del self._tail[:-TAIL_BYTES]
        return len(view)

    def fileno(self) -> int:
        """That of the real output, for processes that the script starts."""
        return 1

    @property
    def tail(self) -> str:
        """The last lines; of a progress bar its last state."""
        text = bytes(self._tail[-TAIL_BYTES:]).decode("utf-8", "replace").replace("\b", "")
        text = COLOUR.sub("", text)
        lines = [line.rpartition("\r")[2].rstrip() for line in text.split("\n")]
        return "\n".join([line[:500] for line in lines if line][-TAIL_LINES:])

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Inside, standard output and error are this."""
        earlier = sys.stdout, sys.stderr
        text = _Text(self, "utf-8", "replace", write_through=True)  # type: ignore[arg-type]  # it needs no name
        sys.stdout = sys.stderr = text
        try:
            yield
        finally:
            sys.stdout, sys.stderr = earlier
            with contextlib.suppress(ValueError, OSError):
                text.flush()  # and not closed: the script's data may still hold on to it


class _Text(io.TextIOWrapper):
    """Leaves the output open when it goes."""

    def close(self) -> None:
        """Flush."""
        self.flush()


def _explained(error: ImportError, path: Path) -> Exception:
    """A missing package with the option that adds it; any other error of an import as it is."""
    said = str(error)
    name = (error.name or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError):
        if "ensor" not in said or "low" not in said:
            return error
        name = "tensorflow"  # Keras' own words where a layer or tf.data needs it
    line = source_line(error, path.parent)
    where = f"{place(line, path.parent)}: " if line is not None else ""
    first = " ".join(said.split())[:200]
    return MissingModuleError(f"{where}{first}: {without(name)}")


def _foreign(error: Exception, path: Path) -> str | None:
    """Whether ``error`` comes from TensorFlow's operations in a model that runs on another backend.

    Such a model's own code is called by Keras, and calls TensorFlow.
    """
    import keras

    backend = keras.backend.backend()
    chain: list[BaseException] = [error]
    while (earlier := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(earlier)
    foreign = next((one for one in chain if _calls_tensorflow(one)), None)
    if backend == "tensorflow" or foreign is None:
        return None
    line = source_line(foreign, path.parent)
    where = f"{place(line, path.parent)}: " if line is not None else ""
    text = f' in "{line.text}"' if line is not None and line.text else ""
    said = " ".join(COLOUR.sub("", f"{type(foreign).__name__}: {foreign}").split())[:200]
    return (
        f"{where}the model calls operations of TensorFlow{text}, which take no tensors of "
        f"{backend} while it trains; keras.ops has them for every backend ({said})"
    )


def _calls_tensorflow(error: BaseException) -> bool:
    """Whether code that Keras called went on into TensorFlow: into that, and not its data."""
    frames = traceback.walk_tb(error.__traceback__)
    packages = [_package(frame.f_code.co_filename) for frame, _ in frames]
    places = (i for i, name in enumerate(packages) if name == "keras")
    first = next(places, len(packages))
    pairs = zip(packages[first:], packages[first + 1 :], strict=False)
    return (None, "tensorflow") in pairs


def _package(file: str) -> str | None:
    """Which package a file belongs to; ``None`` for one that is nobody's."""
    parts = Path(file).parts
    for folder in ("site-packages", "dist-packages"):
        if folder in parts[:-1]:
            return parts[parts.index(folder) + 1]
    return None
