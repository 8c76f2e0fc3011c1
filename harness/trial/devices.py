"""``python -m harness.trial.devices BACKEND``: which kinds of device the framework can use here.

Prints a JSON list such as ``["cpu", "gpu"]``. The launcher asks this once, before a campaign,
where a machine has a GPU.
"""

from __future__ import annotations

import sys

import msgspec

from harness.errors import HarnessError
from harness.trial import backends


def main() -> int:
    """Print the list, or a message on standard error."""
    try:
        kinds = backends.load(sys.argv[1]).kinds()
    except HarnessError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    print(msgspec.json.encode(kinds).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
