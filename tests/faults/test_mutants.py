"""Files that were changed at random: no command fails at one, and none becomes the impossible."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from harness.analysis.study import study_of
from harness.report.outputs import markdown
from harness.report.sections.compose import compose
from harness.store import benchmarks, layout, runs
from harness.store import folder as store
from harness.store.reading import Broken
from tests.faults.conftest import times
from tests.launch.fakes import environment, make_plan, noise

VALUES = [
    None, True, "", "x", "\x1b[2J", "../../../etc/x", [], {}, 0, -1, 1, 0.5, -0.0, 1e308, -1e308,
    2**31, 2**63, -(2**63), 10**30, "9" * 400, [[[]]], "\u202e", "2026-13-45T99:99:99",
]  # fmt: skip
"""What a field is changed to."""


def mutant(content, chance):
    """``content`` with a field changed, removed or added, or with bits and bytes turned."""
    if chance.random() < 0.5:
        return _bits(content, chance)
    document = json.loads(content)
    places = [*_places(document)]
    at, name = chance.choice(places)
    kind = chance.random()
    if kind < 0.15 and isinstance(at, dict):
        del at[name]
    elif kind < 0.25:
        at[name] = [at[name]] * 3
    else:
        at[name] = chance.choice(VALUES)
    return json.dumps(document).encode("utf-8", "surrogatepass")


def _bits(content, chance):
    changed = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 3])):
        at = chance.randrange(len(changed))
        how = chance.random()
        if how < 0.6:
            changed[at] ^= 1 << chance.randrange(8)
        elif how < 0.8:
            del changed[at:]
            changed += b" "
        else:
            changed[at:at] = chance.choice([b"\xff", b"\0", b"[", b"]", b"9", b"-", b'"'])
    return bytes(changed)


def _places(document):
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for name, value in list(items):
        yield document, name
        if isinstance(value, dict | list):
            yield from _places(value)


def possible(record):
    """Whether a record could have been measured, as a person would check it by hand."""
    if record.status != "ok":
        return record.failure is not None
    quality = [epoch.metric for epoch in record.epochs if epoch.phase == "quality"]
    return (
        record.failure is None
        and record.epochs
        and all(e.steps > 0 and e.examples > 0 and 0 < e.wall_s < 1e9 for e in record.epochs)
        and (record.quality is None or quality[-1:] == [record.quality.value])
        and 0 <= record.duration_s < 1e9
        and (record.memory is None or 0 <= record.memory.peak_rss_bytes < 2**61)
        and (record.phases is None or min(msgspec.structs.astuple(record.phases)[:4]) >= 0)
        and record.cell.scenario.isidentifier()
    )


@pytest.mark.parametrize("share", times("record mutants"))
def test_a_changed_record_is_named_or_still_possible(tmp_path, make_record, share):
    good = make_record(environment=environment(), noise=noise(), run_id="run-1")
    path = store.save(tmp_path, good).path
    content = path.read_bytes()
    chance = share.chance
    refused = 0
    for number in range(share.count):
        path.write_bytes(mutant(content, chance))
        results = store.load(tmp_path)
        if results.broken:
            assert [one.path for one in results.broken] == [str(path)]
            assert results.broken[0].reason
            refused += 1
            continue
        (record,) = results.records
        assert possible(record), path.read_bytes()
        if number % 20 == 0:  # a report takes longer than all the rest
            markdown.render(compose(study_of(results.records, plans=results.plans)))
    assert refused > share.count / 2


def _folder(root, make_record, make_anatomy_record, make_cell):
    """A folder with a file of every kind but a record's."""
    store.save(root, make_record(run_id="run-1"))
    store.add_plan(root, make_plan([make_cell()]))
    runs.save_anatomy(runs.anatomy_folder(root, "ranking"), make_anatomy_record())
    reference = Path(__file__).parents[2] / "results" / "reference" / "parity"
    shutil.copytree(reference, root / "parity")
    info = {"scenario": "ranking", "backend": "jax", "device": "cpu"}
    stats = {"median": 1.0, "iqr": 0.1, "rounds": 5}
    one = {"name": "test_predict[3]", "extra_info": info, "stats": stats}
    (root / "benchmarks").mkdir()
    (root / "benchmarks" / "jax-cpu.json").write_text(json.dumps({"benchmarks": [one]}))


@pytest.mark.parametrize("share", times("other mutants"))
def test_a_changed_file_of_another_kind_stops_nothing(
    tmp_path, make_record, make_anatomy_record, make_cell, share
):
    root = tmp_path / "results"
    _folder(root, make_record, make_anatomy_record, make_cell)
    files = [
        path
        for path in layout.files(root)
        if path.suffix == ".json" and layout.kind_of(path.relative_to(root)) != layout.RECORDS
    ]
    contents = {path: path.read_bytes() for path in files}
    kinds = {layout.kind_of(path.relative_to(root)) for path in files}
    assert kinds == {layout.CAMPAIGN, layout.ANATOMY, layout.PARITY, layout.BENCHMARKS}
    chance = share.chance
    for number in range(share.count):
        path = files[number % len(files)]
        path.write_bytes(mutant(contents[path], chance))
        results = store.load(root)
        parity, anatomy = runs.read_parity(results.parity), runs.read_anatomy(results.anatomy)
        measured = benchmarks.read(results.benchmarks)
        assert len(results.records) == 1
        named = [*results.broken, *parity.broken, *anatomy.broken, *measured.broken]
        assert all(isinstance(one, Broken) and one.reason for one in named)
        if number % 10 == 0:
            study = study_of(
                results.records, plans=results.plans, broken=results.broken,
                benchmarks=measured, parity=parity, anatomy=anatomy,
            )  # fmt: skip
            markdown.render(compose(study))
        path.write_bytes(contents[path])
