"""A failed trial changes nothing about the others: it appears only as a failed trial."""

from __future__ import annotations

import importlib.util
import json
import re

import msgspec
import pytest
from typer.testing import CliRunner

from harness.analysis.before_after.history import Campaign, timelines
from harness.analysis.study import study_of
from harness.cli import app, pages
from harness.records.machine import Noise
from harness.records.trial import Failure, Provenance, Record
from harness.store import folder as store
from tests.cli.outputs import reference, said_of

BACKENDS = ("jax", "tensorflow", "torch")


def lost(record, *, status="crashed", known=(), **changes):
    """What is left of a trial that failed; ``known`` are the fields that it still knew."""
    bare = Record(
        status=status,
        cell=record.cell,
        scenario_version=record.scenario_version,
        seed=record.seed,
        repetition=record.repetition + 50,
        campaign=record.campaign,
        round=record.round,
        started_at=record.started_at,
        duration_s=3.0,
        harness=record.harness,
        run_id=record.run_id,
        failure=Failure(reason="the process failed", exit_code=1),
    )
    kept = {name: getattr(record, name) for name in known}
    return msgspec.structs.replace(bare, **(kept | changes))


def elsewhere(record, **changes):
    return msgspec.structs.replace(record.environment, **changes)


def of_cell(record, **changes):
    return msgspec.structs.replace(record.cell, **changes)


def with_setting(record, **settings):
    return of_cell(record, settings=record.cell.settings | settings)


SHAPES = {
    "only what the parent knows": lost,
    "killed late, with all but its figures": lambda r: lost(
        r, status="killed", known=["environment", "device", "hashes", "engine", "phases", "memory"]
    ),
    "timed out while training": lambda r: lost(
        r, status="timeout", known=["environment", "device", "epochs", "noise", "quality"]
    ),
    "interrupted": lambda r: lost(r, status="interrupted", known=["environment"]),
    "on another machine": lambda r: lost(
        r, environment=elsewhere(r, machine_id="f" * 16, hostname="other"), known=["hashes"]
    ),
    "with other packages": lambda r: lost(
        r, environment=elsewhere(r, packages=r.environment.packages | {"keras": "9", "jax": "9"})
    ),
    "with the launcher's packages": lambda r: lost(
        r, environment=elsewhere(r, packages={"numpy": "1"}, python="CPython 3.99")
    ),
    "of other data": lambda r: lost(
        r, hashes=msgspec.structs.replace(r.hashes, table="e" * 64, split="e" * 64)
    ),
    "of generated data": lambda r: lost(r, synthetic=True),
    "of another version of the scenario": lambda r: lost(r, scenario_version=9),
    "of another harness": lambda r: lost(
        r, harness=Provenance(version="9", commit="9" * 40, dirty=True)
    ),
    "beside a busy machine": lambda r: lost(
        r,
        environment=elsewhere(r, load_average=90.0),
        noise=Noise(probe_before_s=99.0, probe_after_s=1e-6),
    ),
    "another setting": lambda r: lost(
        r, cell=with_setting(r, batch_size=17), known=["environment", "hashes"]
    ),
    "a setting of another type": lambda r: lost(r, cell=with_setting(r, batch_size="many")),
    "another mode": lambda r: lost(r, cell=of_cell(r, mode="native"), known=["environment"]),
    "other threads": lambda r: lost(r, cell=of_cell(r, threads=64)),
    "another device": lambda r: lost(r, cell=of_cell(r, device="gpu"), known=["environment"]),
    "another scenario": lambda r: lost(r, cell=of_cell(r, scenario="elsewhere", settings={"a": 1})),
    "other initial weights": lambda r: lost(r, cell=of_cell(r, init="keras")),
}
"""How a trial fails, each made of a good one."""


HEADINGS = {
    *(
        "|",
        "backend",
        "relative",
        "device",
        "settings",
        "step",
        "time",
        "examples/s",
        "first",
        "peak",
    ),
    *("memory", "CPU", "per", "test", "RMSE", "quality", "trials", "versions"),
}


@pytest.fixture(scope="module")
def good():
    return reference(rounds=4, backends=BACKENDS)


@pytest.fixture(scope="module")
def before(good, tmp_path_factory):
    return said_of(tmp_path_factory.mktemp("good"), good, page=True)


@pytest.fixture(scope="module", params=[*SHAPES, "all of them"])
def after(request, good, tmp_path_factory):
    shapes = SHAPES.values() if request.param == "all of them" else [SHAPES[request.param]]
    failed = [
        msgspec.structs.replace(shape(record), repetition=100 * place + record.repetition)
        for place, shape in enumerate(shapes, start=1)
        for record in (good[0], good[4], good[-1])
    ]
    # A page takes seconds to draw: once, with every kind of failure in it.
    drawn = request.param == "all of them"
    return said_of(tmp_path_factory.mktemp("failed"), [*good, *failed], page=drawn)


def figures(text):
    """The lines of a text but those that tell of failures; white space does not count."""
    lines = []
    # Items of a list that go on in a second line are one line again.
    for line in re.sub(r"\n  (?=\S)", " ", text).splitlines():
        plain = re.sub(r"( · )?\d+ of \d+ failed(?(1)| · )?", "", line)
        # The device is a column only where one failed on another.
        plain = re.sub(r" \(device cpu\)|(?<=\| )cpu \| ", "", plain)
        plain = re.sub(r"^(jax|tensorflow|torch) +cpu\b", r"\1", plain)
        plain = re.sub(r"(<br>|, )?\d+ (of them )?failed", "", plain)
        plain = re.sub(r"\d+ trials?(, of them)?[,.:]", "trials", plain)
        plain = " ".join(plain.replace("trials.", "trials").split())
        if not re.search(r"failed|crashed|left no measurement|No measurement", plain):
            lines.append(plain)
    return [line for line in lines if not _of_failures(line)]


def _of_failures(line):
    """What is left of a table of failures, or of a row: headings, settings, versions, rules."""
    return bool(
        set(line.split()) <= HEADINGS
        or re.fullmatch(r"(\w+=\w+ ?)*((jax|tensorflow|torch) [\w.+]+)?", line)
        or set(line) <= set("|-: ")
        or "elsewhere" in line
        # Rows of failures alone, of which the last are cut off where there are many.
        or re.fullmatch(r"and \d+ more in the report", line)
        or line.startswith(("All records in", "records: "))
    )


@pytest.mark.parametrize("output", ["terminal", "markdown", "ended"])
def test_texts_say_the_same_but_for_the_failures(before, after, output):
    told, expected = figures(getattr(after, output)), figures(getattr(before, output))
    assert told == expected
    assert "failed" in getattr(after, output)


def test_the_summary_as_json(before, after):
    told, expected = dict(after.json), dict(before.json)
    assert told["failed"] >= 3
    rows = [row | {"failed": 0} for row in told["rows"] if row["good"]]
    assert rows == expected["rows"]
    notes = [note for note in told["notes"] if note["code"] != "failed-trials"]
    assert notes == expected["notes"]
    caveats = told["answer"]["caveats"]
    told["answer"]["caveats"] = [one for one in caveats if not one.endswith(" failed")]
    for name in ("about", "rows", "notes", "failed", "trials"):
        del told[name], expected[name]
    assert told == expected


def test_the_end_of_a_run_as_json(before, after):
    assert after.run["answers"] == before.run["answers"]
    assert after.run["verdicts"] == before.run["verdicts"]


def test_the_answer_and_the_labels(before, after):
    failing = re.compile(r" No trial of [^.]* succeeded\.")
    told = msgspec.structs.replace(
        after.answer,
        sentence=failing.sub("", after.answer.sentence),
        caveats=[one for one in after.answer.caveats if not one.endswith(" failed")],
    )
    assert told == before.answer
    assert [label for label in after.labels if label in before.labels] == before.labels
    assert len(set(after.labels)) == len(after.labels)


def test_exports(before, after):
    (theirs, ours) = (json.loads(one.exports["pytest-benchmark"]) for one in (after, before))
    for file in (theirs, ours):
        file["harness"] = {}
        for one in file["benchmarks"]:
            one["extra_info"]["failed_trials"] = 0
    assert theirs == ours
    theirs, ours = (json.loads(one.exports["bencher"]) for one in (after, before))
    for name, measures in ours.items():
        del measures["failed-trials"], theirs[name]["failed-trials"]
        assert theirs[name] == measures
    theirs, ours = (
        {
            one["name"]: (one["value"], one.get("range"))
            for one in json.loads(told.exports["github-action-benchmark"])
            if "failed trials" not in one["name"]
        }
        for told in (after, before)
    )
    assert theirs == ours


@pytest.mark.skipif(not importlib.util.find_spec("polars"), reason="polars: extra report")
@pytest.mark.parametrize("shape", SHAPES)
def test_the_long_table(good, shape):
    from harness.report.exports.long_table import frame

    expected = frame(study_of(good))
    told = frame(study_of([*good, SHAPES[shape](good[0])]))
    mine = told.filter(told["status"] == "ok").select(expected.columns)
    assert mine.equals(expected)
    assert mine.schema == expected.schema


@pytest.mark.skipif(pages.lacking() is not None, reason="the page needs tox -e report")
def test_plots(before, after):
    drawings = re.compile(r"<svg.*?</svg>", re.DOTALL)
    if not after.page:
        pytest.skip("drawn once, with all of them")
    assert drawings.findall(after.page) == drawings.findall(before.page)


@pytest.mark.parametrize("shape", SHAPES)
def test_compare(good, shape, tmp_path):
    for record in good:
        store.save(tmp_path / "before", record)
        store.save(tmp_path / "after", record)
        store.save(tmp_path / "worse", record)
    store.save(tmp_path / "worse", SHAPES[shape](good[0]))
    told, expected = (
        json.loads(
            CliRunner()
            .invoke(app, ["compare", str(tmp_path / "before"), str(tmp_path / name), "--json"])
            .stdout
        )
        for name in ("worse", "after")
    )
    told["notes"] = [note for note in told["notes"] if note["code"] != "failed-trials"]
    told["apart"] = [
        one for one in told["apart"] if "no trial left a measurement" not in one["reason"]
    ]
    assert told == expected


@pytest.mark.parametrize("shape", SHAPES)
def test_history(good, shape):
    told, expected = (
        timelines([Campaign(name="week", records=records)])
        for records in ([*good, SHAPES[shape](good[0])], good)
    )
    assert [
        msgspec.structs.replace(
            line, moments=[msgspec.structs.replace(m, failed=0) for m in line.moments]
        )
        for line in told
    ] == expected
