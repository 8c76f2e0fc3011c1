"""Exit codes as a help text lists them."""

from __future__ import annotations

import textwrap

from harness.errors import Code


def lines(*kinds: type[Code]) -> str:
    """The codes of these kinds by their number, each with what it says."""
    codes = sorted(code for kind in kinds for code in kind)
    return "\n".join(
        textwrap.fill(code.says, 78, initial_indent=f"  {code:>3}  ", subsequent_indent=" " * 7)
        for code in codes
    )
