"""A made-up machine: a folder that stands for ``/``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harness.probe import cpu


@pytest.fixture
def machine(tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """Makes a root folder that holds the given files, by path below the root."""

    def make(contents: Mapping[str, str]) -> Path:
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        for place, content in contents.items():
            path = root / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return root

    return make


@pytest.fixture(autouse=True)
def without_py_cpuinfo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up machines without a model name would each cost the second that py-cpuinfo takes."""
    monkeypatch.setattr(cpu, "_model_by_library", lambda: None)
