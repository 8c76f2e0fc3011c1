"""Makes pages from records, as ``harness report`` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec

import pytest

from harness.analysis.study import Study, study_of
from harness.records.trial import Record
from harness.report.document import Document
from harness.report.sections.compose import compose
from harness.store.reading import Broken

# Pages and plots are tested where their packages are: in the environment `test`, not beside a
# framework. A skip in a conftest would end the whole run.
collect_ignore_glob = [] if find_spec("altair") and find_spec("vl_convert") else ["test_*.py"]


@pytest.fixture
def told(about) -> Callable[..., tuple[Document, Study]]:
    """The document and the study of some records."""

    def make(records: Sequence[Record], broken: Sequence[tuple[str, str]] = ()):
        files = [Broken(path=path, reason=reason) for path, reason in broken]
        study = study_of(records, broken=files, about=about)
        return compose(study), study

    return make


@pytest.fixture
def page(told) -> Callable[..., str]:
    """The page of some records."""
    from harness.report import html

    return lambda *given: html.render(*told(*given))
