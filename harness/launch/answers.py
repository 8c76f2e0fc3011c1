"""A Python that is asked something: how it is started, and what it leaves in its folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from harness.launch import orphans
from harness.launch.process import Ended, run_process
from harness.launch.variables import child_variables, share_downloads
from harness.records.cell import Device
from harness.records.decoding import LARGEST_BYTES, UndecodableError, decode

ANSWER = "answer.json"
"""The file in which a child answers."""

ARRAYS = "arrays.npz"
"""The file of arrays that parity leaves beside it."""

AnswerType = TypeVar("AnswerType")


class NoAnswerError(Exception):
    """A child left no answer; the message says why, in its own last line if there is one."""


class Finished(NamedTuple):
    """How a child ended, and the files that it left in its folder, by name."""

    ended: Ended
    files: dict[str, bytes]

    def answer(self, kind: type[AnswerType]) -> AnswerType:
        """What a child that tells something has answered.

        Raises:
            KeyboardInterrupt: if Ctrl-C ended it.
            NoAnswerError: if there is none.
        """
        if self.ended.cause == "interrupted":
            raise KeyboardInterrupt
        if self.ended.cause == "timeout":
            raise NoAnswerError("it did not answer in time")
        if self.ended.exit_code != 0 or ANSWER not in self.files:
            how = self.ended.signal or f"exit code {self.ended.exit_code}"
            raise NoAnswerError(
                self.ended.output_tail.rpartition("\n")[2] or f"it ended with {how} and no answer"
            )
        try:
            return decode(self.files[ANSWER], kind, "answer")
        except UndecodableError as error:
            raise NoAnswerError(str(error)) from None


def run_python(
    python: Path,
    words: Sequence[str],
    *,
    given: bytes = b"",
    backend: str | None = None,
    device: Device | None = None,
    threads: int | None = None,
    pass_env: Iterable[str] = (),
    defaults: Mapping[str, str] | None = None,
    **limits: Any,
) -> Finished:
    """Run ``PYTHON WORDS FOLDER``: the way in which every child of the harness is started.

    The folder is new and removed afterwards. It is the working folder too: from the user's own, a
    folder called ``jax`` would pass for the module.

    Args:
        python: the interpreter.
        words: its arguments but for the last one, the folder in which the child leaves files.
        given: what it reads on its standard input.
        backend: what ``KERAS_BACKEND`` says.
        device: ``cpu`` hides every GPU.
        threads: CPU threads of the framework; ``None`` leaves them to it.
        pass_env: variables of the user's own that the child shall see.
        defaults: variables that the child gets unless they are set.
        limits: as in :func:`run_process`.
    """
    files: dict[str, bytes] = {}
    try:
        with orphans.temporary_folder() as name:
            folder, keras_home = Path(name, "left"), Path(name, "keras-home")
            folder.mkdir()
            keras_home.mkdir()
            if backend is not None:
                share_downloads(keras_home, os.environ)
            Path(name, "task.json").write_bytes(given)
            variables = child_variables(
                os.environ,
                backend=backend,
                device=device,
                keras_home=keras_home,
                threads=threads,
                pass_env=pass_env,
            )
            ended = run_process(
                [str(python), *words, str(folder)],
                variables={**(defaults or {}), **variables},
                folder=folder,
                standard_input=Path(name, "task.json"),
                **limits,
            )
            # No more than these: a scenario may leave checkpoints of gigabytes.
            left = (path for path in (folder / ANSWER, folder / ARRAYS) if path.is_file())
            files = {path.name: _content(path) for path in left}
    except OSError as error:
        ended = Ended(cause="itself", exit_code=None, signal=None, output_tail=str(error))
    return Finished(ended, files)


def _content(path: Path) -> bytes:
    """What a child left, cut where an answer is longer than any that is read."""
    with path.open("rb") as file:
        return file.read(LARGEST_BYTES + 1 if path.name == ANSWER else -1)
