"""docs/promises.md names tests, and those are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.faults import conftest as faults
from tests.faults.test_failing_trials import ENDLESS, FAILS
from tests.faults.test_network import WAYS
from tests.faults.test_signals import NAMES, PHASES

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_each_test_that_a_promise_names_is_there(file, name):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_each_promise_names_a_test():
    rows = [line for line in PAGE.splitlines() if re.match(r"\| \d+ \|", line)]
    assert len(rows) == 10
    assert all("::test_" in row for row in rows)


def test_the_counts_are_those_of_the_suite():
    counts = {words[0]: words[1:] for words in _rows()}
    one, many = faults.COUNTS["signals"]
    told = [
        counts["kill"] == faults.COUNTS["kills"],
        counts["records"] == faults.COUNTS["record mutants"],
        counts["plans"] == faults.COUNTS["other mutants"],
        counts["Ctrl-C"] == (one * len(NAMES) * len(PHASES), many * len(NAMES) * len(PHASES)),
        counts["fail"] == (len(FAILS) + len(ENDLESS),) * 2,
        counts["server"] == (len(WAYS) + 1,) * 2,
    ]
    assert told == [True] * len(told)


def _rows():
    keys = {
        "of the harness, its trial": "kill", "records with a field": "records",
        "plans, verdicts": "plans", "Ctrl-C, a request": "Ctrl-C", "ways for a trial": "fail",
        "ways for a server": "server",
    }  # fmt: skip
    for line in PAGE.splitlines():
        for words, key in keys.items():
            if words in line and line.startswith("|"):
                quick, long = line.strip("| ").split("|")[-2:]
                yield key, int(quick.replace(",", "")), int(long.replace(",", ""))
