"""pytest-benchmark's own command reads the file, and shows the numbers of the records."""

from __future__ import annotations

import csv
import json
import statistics
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_benchmark.stats import Stats

from harness.analysis.step_time import samples_s
from harness.analysis.study import study_of
from harness.report.exports import pytest_benchmark, round_statistics
from harness.report.exports.content import names


@pytest.fixture
def compare(tmp_path):
    """Run `pytest-benchmark compare` on exports of contents; its table as rows, and its output."""

    def run(*contents):
        files = [tmp_path / f"{number}.json" for number, _ in enumerate(contents, start=1)]
        for content, file in zip(contents, files, strict=True):
            pytest_benchmark.write(content, file)
        command = ["compare", *map(str, files), "--csv=table.csv", "--columns=median,rounds"]
        ended = subprocess.run(
            [sys.executable, "-m", "pytest_benchmark", *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as table:
            return list(csv.DictReader(table)), ended.stdout + ended.stderr

    return run


def test_compare_shows_one_benchmark_for_each_backend_with_its_rounds(compare, content):
    rows, output = compare(content)
    assert "Failed to load" not in output
    assert len(rows) == 2
    for group, name, row in zip(content.groups, names(content.rows), rows, strict=True):
        rounds = [sample for r in group.trials for sample in samples_s(r)]
        assert row["name"].startswith(name)
        assert float(row["median"]) == statistics.median(rounds)
        assert int(row["rounds"]) == len(rounds)
        assert rounds


def test_compare_puts_the_same_cell_of_two_campaigns_side_by_side(compare, content, records):
    rows, output = compare(content, study_of(records[:2]))
    assert [row["name"].partition("]")[0] for row in rows].count(
        names(content.rows)[0].partition("]")[0]
    ) == 2
    assert "4 tests" in output


def test_backends_of_one_machine_stand_in_one_table_and_machines_apart(compare, measured):
    here = [measured(backend, "machine-a") for backend in ("jax", "torch")]
    _, output = compare(study_of([*here, measured("jax", "machine-b")]))
    assert "machine machine-a': 2 tests" in output
    assert "machine machine-b': 1 tests" in output


def test_hostile_strings_neither_break_the_command_nor_reach_the_terminal(compare, all_hostile):
    rows, output = compare(*all_hostile.values())
    assert len(rows) == len(all_hostile)
    assert "Failed to load" not in output
    assert "\x1b[31mred" not in output
    assert "\u202e" not in output


def test_the_reports_figures_and_the_whole_cell_stand_beside_the_rounds(content, tmp_path):
    pytest_benchmark.write(content, tmp_path / "x.json")
    one = json.loads((tmp_path / "x.json").read_text())["benchmarks"][0]
    row = content.groups[0].row
    assert one["extra_info"]["step_time_s"]["value"] == row.step_time_s.value
    assert one["extra_info"]["quality"]["value"] == row.quality.value
    assert one["extra_info"]["cell"]["settings"] == row.cell.settings
    assert sum(one["extra_info"]["rounds_per_trial"]) == len(one["stats"]["data"])


def test_failed_trials_are_counted_and_cells_without_a_good_one_named(records, tmp_path):
    content = study_of([records[0], records[4], records[5]])
    said = pytest_benchmark.write(content, tmp_path / "x.json")
    file = json.loads((tmp_path / "x.json").read_text())
    assert [one["extra_info"]["failed_trials"] for one in file["benchmarks"]] == [1]
    _, torch = sorted(names(content.rows))
    assert file["harness"]["left_out"] == [torch]
    assert said == [f"Left out, since no trial measured it: {torch}."]
    assert "2 of 3 trials left no measurement" in file["harness"]["notes"][0]


def test_synthetic_data_are_said_in_the_name_and_in_the_table(compare, synthetic):
    rows, output = compare(synthetic)
    assert "SYNTHETIC" in rows[0]["name"]
    assert "machine unknown, SYNTHETIC'" in output


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=40))
def test_statistics_are_those_of_pytest_benchmark(rounds_s):
    original = Stats()
    original.data = rounds_s
    ours = round_statistics.of(rounds_s)
    assert ours == original.as_dict() | {"data": rounds_s, "iterations": 1}
