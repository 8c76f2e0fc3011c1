"""What TAB offers, asked as a shell asks: through the completion of the real command."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.records.cell import INITS, MODES
from harness.report.exports import ALL, FORMATS


def offered(*words):
    """What Bash is offered for the last of the words."""
    asked = {
        "_HARNESS_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["harness", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = CliRunner().invoke(app, [], env=asked, prog_name="harness")
    assert done.exit_code == 0, done.output
    return done.stdout.split()


@pytest.mark.parametrize("command", ["run", "sweep", "parity", "anatomy"])
def test_scenarios(command):
    assert offered(command, "ran") == ["ranking"]


def test_scenarios_where_the_search_path_leads_nowhere(monkeypatch, tmp_path):
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(tmp_path / "none"))
    assert offered("run", "ran") == []


@pytest.mark.parametrize("command", ["run", "sweep", "parity", "anatomy"])
def test_backends_and_several_of_them_with_commas(command):
    assert offered(command, "ranking", "--backend", "t") == ["tf", "torch"]
    assert offered(command, "ranking", "--backend", "torch,") == ["torch,jax", "torch,tf"]
    assert offered(command, "ranking", "--backend", "torch,j") == ["torch,jax"]


def test_modes_and_initial_weights():
    assert offered("run", "ranking", "--mode", "c") == ["custom_loop"]
    assert offered("run", "ranking", "--mode", "fit,n") == ["fit,native"]
    assert set(offered("parity", "ranking", "--mode", "t")) == {"tuned"}
    assert offered("run", "ranking", "--init", "k") == ["keras"]
    assert {"fit", "native"} < set(MODES)
    assert "keras" in INITS


def test_devices_and_sources():
    assert offered("run", "ranking", "--device", "") == ["auto", "cpu", "gpu"]
    assert offered("run", "ranking", "--source", "m") == ["mirror"]


def test_every_format_of_export():
    assert set(offered("export", "--format", "p")) == {
        name for name in (*FORMATS, ALL) if name.startswith("p")
    }
    assert "parquet" in offered("export", "--format", "p")


def test_nothing_is_offered_for_a_name_that_no_one_has():
    assert offered("run", "ranking", "--mode", "x") == []
