"""GroupLens' terms allow no redistribution: nothing of MovieLens is in the repository."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TITLE = re.compile(r"[A-Z0-9][^\n\"'|<>]{2,80}? \((?:19[2-9]\d)\)")


def test_no_title_is_committed(real_table, project_files):
    titles = {str(title).strip() for title in real_table.movies.title}
    found = []
    for name in project_files:
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [(name, match) for match in TITLE.findall(text) if match in titles]
    assert not found
