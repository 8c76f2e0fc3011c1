"""Environment variables as they may be shared: records are published, secrets are not."""

from __future__ import annotations

import re
from collections.abc import Mapping

REDACTED = "<redacted>"

SECRET_WORDS = ("TOKEN", "SECRET", "PASSWORD", "PASSWD", "KEY", "CREDENTIAL")
"""A variable with one of these anywhere in its name has its value withheld.

``MONKEY`` is withheld too: a lost value costs nothing, a published one cannot be called back.
"""

_LOGIN_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")


def redacted(variables: Mapping[str, str]) -> dict[str, str]:
    """``variables`` sorted by name, without the values that look secret.

    Withheld are the values of names in :data:`SECRET_WORDS`, and logins inside of URLs, such as
    that of a private package index in ``PIP_INDEX_URL``.
    """
    return {name: _shareable(name, value) for name, value in sorted(variables.items())}


def _shareable(name: str, value: str) -> str:
    if any(word in name.upper() for word in SECRET_WORDS):
        return REDACTED
    return _LOGIN_IN_URL.sub(f"{REDACTED}@", value)
