"""What the prose linter reads of the code: its messages, each at its line, and nothing else."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

from tests.docs.pages import ROOT


@pytest.fixture(scope="module")
def linter() -> ModuleType:
    spec = importlib.util.spec_from_file_location("messages", ROOT / "docs" / "messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SOURCE = '''"""It tells."""

stands = "the first"  # mend
raise ValueError(
    f"{stands} `harness {told}` is held "
    f"against {', '.join(mended or ['anew'])}\\0"
)
'''


def test_messages_are_whole_and_at_their_line(linter: ModuleType) -> None:
    assert linter.messages(SOURCE).split("\n") == [
        *["", "", "the first", ""],
        "… `harness …` is held against …",
        ", anew",
        *["", ""],
    ]


def test_docstrings_count_where_they_are_help(linter: ModuleType) -> None:
    assert linter.messages(SOURCE, docstrings=True).startswith("It tells.\n")
