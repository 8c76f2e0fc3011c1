"""A script as the rest of the house knows it: its file, its metric, what it cannot be asked."""

from __future__ import annotations

import msgspec
import pytest

from harness import scenario
from harness.launch.preflight import without_native_code
from harness.program import NoScenarioError, Program, arguments_of, metric_of
from harness.records.program import ProgramRun
from harness.records.trial import Quality
from harness.scenario import parse_settings
from harness.scenario_files import ScenarioFileError, is_program, name_of
from harness.table_use import needs_table


@pytest.fixture
def train(tmp_path):
    path = tmp_path / "train.py"
    path.write_text("import keras\n", encoding="utf-8")
    return path


def test_a_path_is_a_program_and_a_name_is_not():
    assert is_program("train.py")
    assert is_program("a/b/train.py")
    assert is_program("./train")
    assert not is_program("ranking")
    assert name_of("a/b/train.py") == "train.py"
    assert name_of("ranking") == "ranking"


def test_it_answers_what_a_scenario_is_asked_before_a_trial(train):
    program = scenario.find(str(train))
    assert isinstance(program, Program)
    assert program.name == "train.py"
    assert program.source == str(train)
    settings = parse_settings(program, {"arguments": "--batch 64 'a b'"})
    assert not needs_table(program, settings)
    assert arguments_of(settings) == ["--batch", "64", "a b"]


def test_its_identity_is_that_of_its_file_and_of_what_it_imports_beside_it(train):
    alone = scenario.sources_sha256(str(train))
    train.write_text("import keras\nimport helper\n", encoding="utf-8")
    other = scenario.sources_sha256(str(train))
    (train.parent / "helper.py").write_text("A = 1\n", encoding="utf-8")
    with_one = scenario.sources_sha256(str(train))
    (train.parent / "helper.py").write_text("A = 2\n", encoding="utf-8")
    with_another = scenario.sources_sha256(str(train))
    (train.parent / "unrelated.py").write_text("A = 2\n", encoding="utf-8")
    assert len({alone, other, with_one, with_another}) == 4
    assert scenario.sources_sha256(str(train)) == with_another


@pytest.mark.parametrize("text", ["def f(:\n", "raise SystemExit\n", "import torch, no_such\n"])
def test_it_is_not_run_to_be_known(train, text):
    train.write_text(text, encoding="utf-8")
    assert scenario.find(str(train)).name == "train.py"
    assert len(scenario.sources_sha256(str(train))) == 64


def test_a_file_that_is_not_there_is_told_with_the_nearest(train):
    with pytest.raises(
        ScenarioFileError, match=r"trian.py does not exist; did you mean train.py\?"
    ):
        scenario.find(str(train.with_name("trian.py")))


def test_what_only_a_scenario_can_give_is_refused_in_words(train):
    with pytest.raises(NoScenarioError, match="needs a scenario"):
        scenario.find(str(train)).data(None, None)


def test_all_modes_but_fit_are_refused(train, make_cell):
    cells = [make_cell(scenario="train.py", mode=mode) for mode in ("fit", "tuned", "native")]
    refused = without_native_code(cells, scenario.find(str(train)))
    assert [refusal.cell.mode for refusal in refused] == ["tuned", "native"]


RUN = ProgramRun(arguments=[], training="fit", script_s=1.0, calls=1, quality_source="evaluate")


@pytest.mark.parametrize(
    ("quality", "source", "label", "tolerance"),
    [
        (("accuracy", "higher", 0.9), "evaluate", "test accuracy", 0.01),
        (("loss", "lower", 0.5), "training", "training loss", 0.01),
        (("mae", "lower", 40.0), "validation", "validation mae", 0.8),
        (("psnr", "higher", 30.0), "evaluate", "test psnr", 0.6),
        (("loss", "lower", 0.0), "evaluate", "test loss", 1e-6),
    ],
)
def test_its_metric_is_known_by_its_records(make_record, quality, source, label, tolerance):
    name, direction, value = quality
    record = make_record(
        scenario="train.py",
        quality=Quality(metric=name, direction=direction, value=value),
        program=msgspec.structs.replace(RUN, quality_source=source),
    )
    metric = metric_of([record])
    assert (metric.name, metric.label, metric.direction) == (name, label, direction)
    assert metric.tolerance == pytest.approx(tolerance)


def test_a_scenarios_records_tell_no_metric_of_a_program(make_record):
    assert metric_of([make_record()]) is None
