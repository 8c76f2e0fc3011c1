"""What is committed belongs to everybody: nothing that one machine left behind."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOME = re.compile(r"(?<![\w.])/(home|Users)/(?!ada\b|me\b|runner\b)\w+|/root/\.\w+")


@pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="this is no git checkout"
)
def test_nothing_that_git_ignores_is_committed():
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-ci", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    assert listed.stdout.split() == []


def test_no_file_names_the_home_of_somebody(project_files):
    found = []
    for name in project_files:
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        # Records tell the variables of the machine that measured, HOME among them, on purpose.
        if not name.startswith("results/"):
            found += [(name, match[0]) for match in HOME.finditer(text)]
    assert found == []
