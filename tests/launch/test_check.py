"""What is asked of a backend's environment by `harness check`, where no framework is installed."""

from __future__ import annotations

import sys
from pathlib import Path

from harness.launch import check
from harness.launch.devices import Placement
from harness.launch.environments import Interpreter
from harness.records.check import Answer


def test_a_child_that_leaves_no_answer_is_a_broken_rule(throwaway_scenario):
    here = Interpreter(backend="jax", python=Path(sys.executable), origin="test")
    placement = Placement(interpreter=here, device="cpu")
    cell = check.cell_of(throwaway_scenario, placement, {})
    (line,) = check.ask(cell, placement, seed=1, table=None).lines
    assert (line.rule, line.status, line.place) == ("process", "not ok", "jax")
    assert "jax" in line.seen or "keras" in line.seen


def test_one_backend_has_nobody_to_agree_with():
    answer = Answer(lines=[], data="d", initial_weights="w")
    assert not list(check.together({"jax": answer, "torch": Answer(lines=[])}))
    agreed = list(check.together({"jax": answer, "torch": answer}))
    assert [line.rule for line in agreed] == ["same data", "same start"]
    assert {line.status for line in agreed} == {"ok"}
