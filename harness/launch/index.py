"""Which versions of a package there are: what pip sees, with the user's own configuration of it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import UnavailableError
from harness.launch import env_cache, env_make
from harness.words import plain

TIMEOUT_S = 120.0

Answer = tuple[int, str, str]
"""An exit code, what was printed, and what was printed as an error."""

Run = Callable[[Sequence[str]], Answer]


def versions(package: str, *, run: Run | None = None) -> list[str]:
    """The releases of a package for this Python, the oldest first, without pre-releases.

    Args:
        package: its name.
        run: runs a command; given by tests.

    Raises:
        UnavailableError: if there is none, or no pip.
    """
    # That of this environment, else that below it: uv makes environments without pip.
    here, below = Path(sys.executable), env_make.interpreter(env_cache.this_python())
    for python in dict.fromkeys([here, below]):
        code, out, err = (run or _run)([str(python), "-m", "pip", "index", "versions", package])
        if found := re.search(r"^Available versions: (.+)$", out, re.MULTILINE):
            return [version.strip() for version in reversed(found[1].split(","))]
        if "No module named pip" not in err:
            lines = [line for line in err.splitlines() if line.startswith("ERROR:")]
            last = lines[-1] if lines else f"pip ended with {code}"
            raise UnavailableError(
                f"pip finds no version of {package} for Python {env_cache.this_python()}: "
                f"{plain(last, limit=300)}. Look at its name, and at `pip config list`"
            )
    raise UnavailableError(
        f"the versions of {package} are asked of pip, and {below} has none: "
        f"`{below} -m ensurepip` installs it"
    )


def _run(command: Sequence[str]) -> Answer:
    try:
        done = subprocess.run(
            [*command, "--no-input", "--disable-pip-version-check"],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, "", f"ERROR: no answer within {TIMEOUT_S:.0f} s"
    except OSError as error:
        return 1, "", f"ERROR: {error.strerror}"
    return done.returncode, done.stdout, done.stderr
