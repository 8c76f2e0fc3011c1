"""Environment variables as they may be shared: records are published, secrets and homes are not."""

from __future__ import annotations

import re
from collections.abc import Mapping

REDACTED = "<redacted>"

SECRET_WORDS = ("TOKEN", "SECRET", "PASSWORD", "PASSWD", "KEY", "CREDENTIAL")
"""A variable with one of these anywhere in its name has its value withheld.

``MONKEY`` is withheld too: a lost value costs nothing, a published one cannot be called back.
"""

PLACE = "<a place on this machine>"

PLACES = frozenset(
    [
        "APPDATA",
        "HOME",
        "KERAS_HOME",
        "LOCALAPPDATA",
        "PATH",
        "TEMP",
        "TMP",
        "TMPDIR",
        "USERPROFILE",
    ]
)
"""Only tell whose machine it was and how its folders are called; neither changes a measurement.

``LD_LIBRARY_PATH`` stays: it decides which CUDA is found."""

_LOGIN_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")


def redacted(variables: Mapping[str, str]) -> dict[str, str]:
    """``variables`` sorted by name, without the values that look secret.

    Withheld are the values of names in :data:`SECRET_WORDS` and :data:`PLACES`, those of the
    harness's own variables, which name folders, and logins inside of URLs, such as that of a
    private package index in ``PIP_INDEX_URL``.
    """
    return {name: _shareable(name, value) for name, value in sorted(variables.items())}


def _shareable(name: str, value: str) -> str:
    if any(word in name.upper() for word in SECRET_WORDS):
        return REDACTED
    if name.upper() in PLACES or name.upper().startswith("HARNESS_"):
        return PLACE
    return _LOGIN_IN_URL.sub(f"{REDACTED}@", value)
