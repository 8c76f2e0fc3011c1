"""The evidence of made-up records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec

import pytest

from harness.analysis.summary import summarise
from harness.records.trial import Record
from harness.report.evidence import Evidence, gather

# Pages and plots are tested where their packages are: in the environment `test`, not beside a
# framework. A skip in a conftest would end the whole run.
collect_ignore_glob = [] if find_spec("altair") and find_spec("vl_convert") else ["test_*.py"]


@pytest.fixture
def evidence(about) -> Callable[..., Evidence]:
    """What a report on some records looks at."""

    def make(records: Sequence[Record], **more) -> Evidence:
        return gather(records, summarise(records, about=about), **more)

    return make
