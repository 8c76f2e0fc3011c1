"""The points of a sweep, from what its axes, the scenario and ``--set`` say."""

from __future__ import annotations

import pytest

from harness.cli.asking import as_scalars
from harness.cli.asking import points as points_of
from harness.errors import HarnessError
from harness.scenario import InvalidSettingError, find


@pytest.fixture
def points():
    def make(*texts, **swept):
        return [as_scalars(one) for one in points_of(find("ranking"), texts, swept)]

    return make


def test_every_value_of_an_axis_is_a_point_with_all_settings(points):
    made = points(batch_size="256, 1000")
    assert [one["batch_size"] for one in made] == [256, 1000]
    assert all(one["epochs"] == 5 and one["precision"] == "float32" for one in made)


def test_several_axes_and_settings_give_every_combination(points):
    made = points("optimizer=adagrad,adam", batch_size="256,1000", dtype_policy="mixed_bfloat16")
    assert {(one["optimizer"], one["batch_size"], one["precision"]) for one in made} == {
        (optimizer, size, "mixed_bfloat16")
        for optimizer in ("adagrad", "adam")
        for size in (256, 1000)
    }


def test_the_scenario_tells_what_its_embedding_tables_are(points):
    made = points(embedding_rows="10,10000000", embedding_size="8")
    assert [one["synthetic_users"] for one in made] == [10, 10_000_000]
    assert {(one["data"], one["embedding_dimension"]) for one in made} == {("synthetic", 8)}


def test_what_an_axis_changes_beside_gives_way_to_the_user(points):
    assert {one["epochs"] for one in points(embedding_rows="10,100")} == {1}
    assert {one["epochs"] for one in points(embedding_rows="10,100", epochs="2,3")} == {2, 3}
    (one,) = points("synthetic_ratings=500", embedding_rows="10")
    assert one["synthetic_ratings"] == 500


def test_without_an_axis_they_are_those_of_set(points):
    assert [one["epochs"] for one in points("epochs=1,2")] == [1, 2]


@pytest.mark.parametrize(
    ("texts", "swept", "message"),
    [
        ([], {"batch_size": " , "}, "--batch-size names no value"),
        (["batch_size=7"], {"batch_size": "1,2"}, "--set and --batch-size both set batch_size"),
        (["data=movielens"], {"embedding_rows": "9"}, "--set and --embedding-rows both set data"),
        ([], {"batch_size": "0"}, "ranking does not take batch_size=0"),
        ([], {"dtype_policy": "float16"}, "ranking does not take precision=float16"),
        ([], {"embedding_rows": "1000000000"}, "ranking does not take synthetic_users=1000000000"),
    ],
)
def test_a_mistake_names_what_was_typed(texts, swept, message):
    with pytest.raises(HarnessError, match=message):
        points_of(find("ranking"), texts, swept)


def test_a_scenario_without_the_axis_says_which_it_has(tmp_path, monkeypatch):
    (tmp_path / "bare.py").write_text(
        "from scenarios.ranking import Ranking\n"
        "from harness.scenario import Scenario, Settings\n"
        "class Bare(Ranking):\n"
        "    name = 'bare'\n"
        "    settings_type = Settings\n"
        "    axis_settings = Scenario.axis_settings\n"
        "SCENARIO = Bare()\n"
    )
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(tmp_path))
    with pytest.raises(InvalidSettingError, match="bare has no embedding rows to sweep; it has"):
        points_of(find("bare"), [], {"embedding_rows": "1,2"})
