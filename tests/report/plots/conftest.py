"""The study of made-up records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec

import pytest

from harness.analysis.study import Study, study_of
from harness.records.trial import Record

# Pages and plots are tested where their packages are: in the environment `test`, not beside a
# framework. A skip in a conftest would end the whole run.
collect_ignore_glob = [] if find_spec("altair") and find_spec("vl_convert") else ["test_*.py"]


@pytest.fixture
def studied(about) -> Callable[..., Study]:
    """What a report on some records looks at."""

    def make(records: Sequence[Record], **more) -> Study:
        return study_of(records, about=about, **more)

    return make
