"""What may stand unescaped in a page: our own style and script, and data that cannot end its block.

Records come from anybody's pull request. Their texts reach the page escaped by Jinja, or as JSON in
a block that no browser runs.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import msgspec
from markupsafe import Markup

_ESCAPES = str.maketrans(
    {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
)
"""``</script>`` or ``<!--`` would end or change the block, whatever its type. In JSON these signs
stand only inside of strings, where the escapes mean the same."""


def json_block(content: Any) -> Markup:
    """``content`` as JSON that can stand inside of ``<script type="application/json">``."""
    return Markup(msgspec.json.encode(content).decode().translate(_ESCAPES))  # noqa: S704 - < is escaped


def trusted(text: str) -> Markup:
    """A file of this package, put into the page as it is.

    Raises:
        ValueError: if it would end its own element; no file of ours does.
    """
    if "</" in text.replace("</svg", ""):
        raise ValueError("a style or script of the report holds '</', which would end it")
    return Markup(text)  # noqa: S704 - our own file


def policy(*, style: str, script: str) -> str:
    """The content security policy: nothing is loaded, and only this style and this script count.

    https://www.w3.org/TR/CSP3/ - hashes of inline elements are over their exact text.
    """
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src {_hash(style)}",
            f"script-src {_hash(script)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
