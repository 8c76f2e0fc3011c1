"""Makes pages from records, as ``harness report`` does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.analysis.summary import summarise
from harness.records.trial import Record
from harness.report.document import Document
from harness.report.evidence import Evidence, gather
from harness.report.sections.compose import compose

# Pages and plots are tested where their packages are: in the environment `test`, not beside a
# framework. A skip in a conftest would end the whole run.
collect_ignore_glob = [] if find_spec("altair") and find_spec("vl_convert") else ["test_*.py"]

sys.path.append(str(Path(__file__).parents[1]))


@pytest.fixture
def told(about) -> Callable[..., tuple[Document, Evidence]]:
    """The document and the evidence of some records."""

    def make(records: Sequence[Record], broken: Sequence[tuple[str, str]] = ()):
        evidence = gather(records, summarise(records, broken, about=about))
        return compose(evidence), evidence

    return make


@pytest.fixture
def page(told) -> Callable[..., str]:
    """The page of some records."""
    from harness.report import html

    return lambda *given: html.render(*told(*given))
