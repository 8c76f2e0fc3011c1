"""What every test of the command line has: a machine that is quiet, seen in no time."""

from __future__ import annotations

import pytest

from harness.cli import campaign


@pytest.fixture(autouse=True)
def quiet_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look before the first trial takes two seconds; here it finds nothing, at once."""
    monkeypatch.setattr(campaign, "examine", lambda **_: [])
