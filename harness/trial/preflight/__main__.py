"""``python -m harness.trial.preflight FOLDER``: a task on standard input, an answer in the folder.

Leaves ``answer.json``. A child that cannot even make the models leaves nothing: the trials then
find out why by themselves, and each leaves a record that tells.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from harness.records.preflight import Task
from harness.trial import failure


def main() -> int:
    """Look, and write the answer."""
    failure.first_to_go()
    folder = Path(sys.argv[1])
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    from harness.trial.preflight.look import look

    (folder / "answer.json").write_bytes(msgspec.json.encode(look(task)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
