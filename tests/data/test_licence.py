"""GroupLens' terms allow no redistribution: nothing of MovieLens is in the repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TITLE = re.compile(r"[A-Z0-9][^\n\"'|<>]{2,80}? \((?:19[2-9]\d)\)")


def test_no_title_is_committed(real_table):
    titles = {str(title).strip() for title in real_table.movies.title}
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    found = []
    for name in filter(None, listed.split("\0")):
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        found += [(name, match) for match in TITLE.findall(text) if match in titles]
    assert not found
