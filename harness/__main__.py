"""``python -m harness`` is the ``harness`` command."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command; Ctrl-C ends it without a traceback, also while it is still loading."""
    try:
        from harness.cli import main as command
    except KeyboardInterrupt:
        sys.stderr.flush()
        os._exit(130)
    command()


if __name__ == "__main__":
    main()
