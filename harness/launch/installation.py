"""How this harness was installed, so that advice names a command that works there."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from typing import Literal

from harness.launch import env_wheel

Way = Literal["tox", "uv", "pip"]


def way() -> Way:
    """``tox`` in a checkout, ``uv`` where uv installed it, else ``pip``."""
    if env_wheel.is_checkout():
        return "tox"
    try:
        installer = metadata.distribution(env_wheel.DISTRIBUTION).read_text("INSTALLER") or ""
    except metadata.PackageNotFoundError:
        installer = ""
    return "uv" if installer.strip() == "uv" else "pip"


def build(name: str) -> str:
    """How the environment of that name is made, as the beginning of a sentence."""
    if way() == "tox":
        return (
            f"Build one with `tox run -e {name} --notest` in the harness's folder, or make one "
            f"with `harness env make {name}`"
        )
    return f"Make one with `harness env make {name}`"


def add_extra(extra: str) -> str:
    """The command that installs an extra of this harness beside it."""
    wanted = f"'{env_wheel.DISTRIBUTION}[{extra}]'"
    how = way()
    if how == "tox":
        return f"tox -e {extra}" if extra == "report" else f"pip install -e '.[{extra}]'"
    if how == "uv":
        # `uvx` and `uv tool install` have environments of their own, which nobody else installs to.
        if (Path(sys.prefix) / "uv-receipt.toml").is_file() or "archive-v0" in sys.prefix:
            return f"uvx --from {wanted} harness"
        return f"uv pip install {wanted}"
    return f"{Path(sys.executable).name} -m pip install {wanted}"
