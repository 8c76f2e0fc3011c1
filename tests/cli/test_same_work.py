"""A pair that did not do the same work has no verdict in any output, and all give one reason."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from harness.analysis.study import study_of
from harness.cli import app
from harness.store import folder as store
from tests.cli.outputs import changed, one_line, reference, said_of

OTHER = "f" * 64


def _steps(record):
    epochs = [msgspec.structs.replace(epoch, steps=40) for epoch in record.epochs]
    return changed(record, epochs=epochs)


MUTATIONS = {
    "scenario version": (lambda r: changed(r, scenario_version=2), "scenario version 1"),
    "synthetic": (lambda r: changed(r, synthetic=True), "synthetic data False"),
    "table": (lambda r: changed(r, hashes={"table": OTHER}), "table f87fc0"),
    "split": (lambda r: changed(r, hashes={"split": OTHER}), "split 0d0ada"),
    "steps": (_steps, "80 steps an epoch"),
}
"""What makes other work of a committed record, and how a person is told what it was."""

BACKENDS = ("jax", "tensorflow", "torch")


def mutated(mutation, *, backend="torch", backends=BACKENDS):
    change, _ = MUTATIONS[mutation]
    return [change(r) if r.cell.backend == backend else r for r in reference(backends=backends)]


@pytest.fixture(scope="module", params=MUTATIONS)
def case(request, tmp_path_factory):
    """The outputs on a folder in which PyTorch did other work, and the reason to be given."""
    told = said_of(tmp_path_factory.mktemp("mutated"), mutated(request.param))
    return told, f"not the same work: {MUTATIONS[request.param][1]}"


def _pairs(pairs):
    return {(pair["first"]["backend"], pair["second"]["backend"]): pair for pair in pairs}


def test_the_report_as_json(case):
    told, reason = case
    pairs = _pairs(told.json["verdicts"])
    # The slower one first where there is a ratio.
    assert set(pairs) == {("tensorflow", "jax"), ("jax", "torch"), ("tensorflow", "torch")}
    assert pairs["tensorflow", "jax"]["outcome"] == "slower"
    for first in ("jax", "tensorflow"):
        pair = pairs[first, "torch"]
        assert (pair["outcome"], pair["speed"], pair["quality"]) == (None, None, None)
        assert pair["why"].startswith(reason)
        assert f"({first})" in pair["why"]
        assert "(torch)" in pair["why"]


def test_the_end_of_a_run_as_json(case):
    told, reason = case
    assert list(_pairs(one["pair"] for one in told.run["verdicts"])) == [("tensorflow", "jax")]
    assert told.run["answers"]["pairs"] == told.json["verdicts"]
    assert _pairs(told.run["answers"]["pairs"])["jax", "torch"]["why"].startswith(reason)


@pytest.mark.parametrize("output", ["terminal", "markdown", "ended"])
def test_texts_give_the_reason_and_no_verdict(case, output):
    told, reason = case
    text = one_line(getattr(told, output)).replace("\\", "")
    assert f"No verdict on jax / torch: {reason}" in text
    rows = [line for line in getattr(told, output).splitlines() if "jax / torch" in line]
    assert not any(word in row for row in rows for word in ("faster", "slower", "equivalent"))
    assert "Not all cells learned the same" not in text


def test_the_answer_of_the_page_ranks_only_what_did_the_same(case):
    told, _ = case
    assert "PyTorch" not in told.answer.sentence
    assert "PyTorch" not in told.answer.quality


def test_pytest_benchmark_puts_them_into_groups_of_their_own(case):
    told, _ = case
    benchmarks = json.loads(told.exports["pytest-benchmark"])["benchmarks"]
    group = {one["params"]["backend"]: one["group"] for one in benchmarks}
    assert group["jax"] == group["tensorflow"] != group["torch"]


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_of_two_backends_the_answer_gives_the_reason(mutation, tmp_path):
    told = said_of(tmp_path, mutated(mutation, backends=("jax", "torch")))
    if mutation == "synthetic":
        assert told.answer.sentence.startswith("No verdict") or "SYNTHETIC" in told.answer.sentence
    assert f"not the same work: {MUTATIONS[mutation][1]}" in told.answer.sentence


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_compare_refuses_with_the_same_reason(mutation, tmp_path):
    for name, records in (("before", reference()), ("after", mutated(mutation))):
        for record in records:
            store.save(tmp_path / name, record)
    result = CliRunner().invoke(
        app, ["compare", str(tmp_path / "before"), str(tmp_path / "after"), "--json"]
    )
    made = json.loads(result.stdout)
    assert [one["cell"]["backend"] for one in made["cells"]] == ["jax"]
    (apart,) = made["apart"]
    assert apart["cell"]["backend"] == "torch"
    assert apart["reason"].startswith(f"not the same work: {MUTATIONS[mutation][1]}")
    assert apart["reason"].count(" before") == apart["reason"].count(" after") == 1


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_no_rung_stands_on_a_ladder_of_other_work(mutation):
    change, _ = MUTATIONS[mutation]
    there = Path(__file__).parents[2] / "results" / "reference-ladder" / "records"
    records = [r for r in store.load(there).records if r.round <= 4]
    modes = [
        change(r) if (r.cell.backend, r.cell.mode) == ("jax", "native") else r for r in records
    ]
    (whole,), (ladder,) = study_of(records).ladders, study_of(modes).ladders
    assert any(rung.over_native for rung in whole.rungs if rung.cell.backend == "jax")
    assert not any(rung.over_native for rung in ladder.rungs if rung.cell.backend == "jax")
    named = [(each.first, each.second) for each in ladder.break_evens]
    assert not any((c.backend, c.mode) == ("jax", "native") for pair in named for c in pair)


def test_silent_records_are_no_other_work(tmp_path):
    """Older records lack a hash, and a trial without an environment says nothing of its machine."""
    jax, torch = (reference(backends=[one]) for one in ("jax", "torch"))
    jax[2] = changed(jax[2], environment=None)
    jax[3] = msgspec.structs.replace(jax[3], hashes=None, device=None)
    told = said_of(tmp_path, [*jax, *torch])
    assert [(row["good"], row["apart"]) for row in told.json["rows"]] == [(6, {}), (6, {})]
    (pair,) = told.json["verdicts"]
    assert pair["speed"]["verdict"]["rounds"] == 6
