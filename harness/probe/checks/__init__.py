"""The checks of ``harness doctor``: each is a function from facts to one finding.

``quiet.py`` judges what goes on now, ``machine.py`` how the machine is set, ``ready.py`` whether
everything is in place for a run. None of them reads anything: ``doctor.py`` gathers the facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from harness.records.cell import Struct

Status = Literal["good", "warning", "unknown"]
Group = Literal["quiet", "machine", "ready"]


class Finding(Struct, frozen=True, kw_only=True):
    """What one check found.

    ``seen`` is what was found, in a few words; ``why`` what that does to a measurement and
    ``remedy`` the command or the flag that mends it, both given with every warning.
    """

    check: str
    group: Group
    status: Status
    seen: str
    why: str = ""
    remedy: str = ""

    @property
    def disturbs(self) -> bool:
        """Whether times measured now would suffer.

        What is not ``ready`` stops a run, or surprises its user, but falsifies no measurement.
        """
        return self.status == "warning" and self.group != "ready"


def fit(findings: Iterable[Finding]) -> bool:
    """Whether this machine is fit to measure on."""
    return not any(finding.disturbs for finding in findings)
