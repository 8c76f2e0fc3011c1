"""Where the built-in scenarios lie, and that their package's name means them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from harness.errors import HarnessError

_INSIDE = Path(__file__).with_name("scenarios")  # of a wheel
_BESIDE = Path(__file__).parents[1] / "scenarios"  # in a checkout


class ClaimedNameError(HarnessError):
    """A user's own package was imported under the name of the built-in scenarios."""


def package() -> str:
    """What the built-in scenarios are imported as: in a wheel they are a part of this package."""
    return "harness.scenarios" if _INSIDE.is_dir() else "scenarios"


def folder() -> Path:
    """Where they lie, wherever Python would look for a package of that name."""
    return (_INSIDE if _INSIDE.is_dir() else _BESIDE).resolve()


def claim() -> None:
    """Make the package's name mean them, and not a user's folder that comes first on the path.

    Raises:
        ClaimedNameError: if the user's is imported already.
    """
    name, init = package(), folder() / "__init__.py"
    if (there := sys.modules.get(name)) is not None:
        # A folder without `__init__.py` has no file either.
        places = [Path(place).resolve() for place in getattr(there, "__path__", ())]
        if init.parent not in places:
            where = there.__file__ or ", ".join(map(str, places)) or "a module"
            raise ClaimedNameError(
                f"{where} was imported as {name}, which is the name of the harness's own package, "
                f"{init.parent}. Rename yours"
            )
        return
    spec = importlib.util.spec_from_file_location(name, init)
    if spec is None or spec.loader is None:
        raise ImportError(f"{init} is no Python source")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
