"""Two versions of one backend are two rows, told apart by what differs, and nowhere pooled."""

from __future__ import annotations

import msgspec
import pytest

from harness.analysis.before_after.history import Campaign, timelines
from harness.cli import pages
from tests.cli.outputs import changed, one_line, reference, said_of

OLD, NEW = "jax, keras 3.14.0", "jax, keras 3.15.1"


def older(record, **changes):
    """The trial as Keras 3.14.0 would have left it, a second beside the other's."""
    value = record.quality.value + 0.01
    worse = msgspec.structs.replace(record.quality, value=value)
    epochs = [
        msgspec.structs.replace(epoch, metric=value)
        if epoch.metric == record.quality.value
        else epoch
        for epoch in record.epochs
    ]
    return changed(
        record, packages={"keras": "3.14.0"}, repetition=record.repetition + 100, quality=worse,
        epochs=epochs,
        started_at=record.started_at.replace(".", ":")[:19] + ".999+00:00", **changes,
    )  # fmt: skip


@pytest.fixture(scope="module", params=["interleaved", "one after the other"])
def told(request, tmp_path_factory):
    """The outputs on a folder that holds two versions of JAX' Keras, and PyTorch."""
    records = reference()
    changes = {} if request.param == "interleaved" else {"run_id": "earlier"}
    olds = [older(record, **changes) for record in records if record.cell.backend == "jax"]
    made = said_of(tmp_path_factory.mktemp("versions"), [*records, *olds], page=True)
    return made, request.param == "interleaved"


def test_each_is_a_row_of_its_own_with_a_label_of_its_own(told):
    made, _ = told
    assert [(row["good"], row["apart"]) for row in made.json["rows"]] == [
        (6, {"keras": "3.14.0"}), (6, {"keras": "3.15.1"}), (6, {}),
    ]  # fmt: skip
    assert made.labels == [OLD, NEW, "torch"]


def test_the_table_of_results_names_them(told):
    made, _ = told
    rows = [line.split(" | ")[0] for line in made.markdown.splitlines() if line.startswith("| jax")]
    results = rows[:2]
    assert results == [f"| {OLD}", f"| {NEW}"]
    for text in (made.terminal, made.ended):
        assert sum(line.startswith((OLD, NEW)) for line in text.splitlines()) >= 2


def test_quality_is_told_of_each(told):
    made, _ = told
    learned = [one for one in made.json["learned"] if one["cell"]["backend"] == "jax"]
    assert [one["apart"] for one in learned] == [{"keras": "3.14.0"}, {"keras": "3.15.1"}]
    assert all(one["trials"] == 6 for one in learned)
    for seed, old in learned[0]["seeds"].items():
        assert old == pytest.approx(learned[1]["seeds"][seed] + 0.01)
    table = made.markdown.partition("Test metric over seeds")[2]
    assert f"| {OLD} |" in table
    assert f"| {NEW} |" in table


def test_pairs_are_told_apart_and_versions_compared_if_interleaved(told):
    made, interleaved = told
    # By pair, since the slower of two comes first.
    names = {
        frozenset(
            one["backend"] + " ".join(["", *apart.values()])
            for one, apart in (
                (pair["first"], pair["first_apart"]), (pair["second"], pair["second_apart"]),
            )
        ): bool(pair["speed"])
        for pair in made.json["verdicts"]
    }  # fmt: skip
    old, new = "jax 3.14.0", "jax 3.15.1"
    assert names == {
        frozenset({old, "torch"}): interleaved,
        frozenset({new, "torch"}): True,
        frozenset({old, new}): interleaved,
    }
    ratios = [pair["speed"]["verdict"]["ratio"] for pair in made.json["verdicts"] if pair["speed"]]
    assert min(ratios) >= 1
    text = one_line(made.terminal)
    assert f"torch / {NEW}" in text
    assert (f"torch / {OLD}" if interleaved else f"{OLD} / torch") in text
    if not interleaved:
        assert f"{OLD} / {NEW}: not measured in common rounds" in text
    assert "Not all cells learned the same" in text


def test_the_answer_names_the_version(told):
    made, _ = told
    said = f"{made.answer.sentence} {made.answer.memory} {made.answer.target}"
    assert "JAX, keras 3.15.1" in said
    assert "JAX, keras 3.14.0" in said
    assert "JAX 4" not in made.answer.memory


def test_exports_name_each(told):
    made, _ = told
    for name in ("pytest-benchmark", "github-action-benchmark", "bencher"):
        assert "keras 3.14.0" in made.exports[name]
        assert "keras 3.15.1" in made.exports[name]


@pytest.mark.skipif(pages.lacking() is not None, reason="the page needs tox -e report")
def test_the_page_and_its_plots_name_each(told):
    made, _ = told
    for label in (OLD, NEW):
        assert f"{label}: centre" in made.page  # the plot of step times
        assert f"{label}, after epoch" in made.page
        assert f'"{label}"' in made.page  # the table of trials


def test_two_versions_in_one_campaign_are_two_moments():
    records = [r for r in reference() if r.cell.backend == "jax"]
    olds = [older(record, run_id="earlier") for record in records]
    (line,) = timelines([Campaign(name="week", records=[*records, *olds])])
    assert {m.campaign for m in line.moments} == {"week, keras 3.14.0", "week, keras 3.15.1"}
    assert [m.trials for m in line.moments] == [6, 6]


@pytest.mark.parametrize(
    ("package", "version"), [("numpy", "1.9"), ("jax", "0.9.0"), ("keras", "4.0")]
)
def test_any_package_that_can_change_a_figure_tells_rows_apart(tmp_path, package, version):
    records = reference(backends=["jax"])
    records[::2] = [changed(record, packages={package: version}) for record in records[::2]]
    made = said_of(tmp_path, records)
    labels = [row["apart"][package] for row in made.json["rows"]]
    assert version in labels
    assert len(set(made.labels)) == 2
    assert all(package in label for label in made.labels)


def test_another_machine_or_device_tells_rows_apart(tmp_path):
    records = reference(backends=["jax"])
    records[0] = changed(
        records[0], environment=msgspec.structs.replace(records[0].environment, machine_id="b" * 16)
    )
    records[1] = changed(
        records[1], device=msgspec.structs.replace(records[1].device, name="Another CPU")
    )
    made = said_of(tmp_path, records)
    assert sorted(row["good"] for row in made.json["rows"]) == [1, 1, 4]
    assert len(set(made.labels)) == 3
    assert sorted(one["trials"] for one in made.json["learned"]) == [1, 1, 4]
