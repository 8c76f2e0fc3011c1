"""The tables of the ranking scenario on synthetic ratings: as many rows as were asked for."""

from __future__ import annotations

import tracemalloc

from harness.scenario import find, parse_settings

RANKING = find("ranking")


def cut(**settings):
    texts = {"data": "synthetic"} | {name: str(value) for name, value in settings.items()}
    return RANKING.data(parse_settings(RANKING, texts), None)


def test_a_table_has_a_row_for_every_id_whether_it_was_drawn_or_not():
    data = cut(synthetic_users=50_000, synthetic_movies=7_000, synthetic_ratings=100)
    assert data.sizes == {"users": 50_001, "movies": 7_001}
    assert data.train.inputs["user_id"].max() < 50_000


def test_the_default_size_is_that_of_movielens():
    assert cut().sizes == {"users": 944, "movies": 1_683}


def test_a_million_users_cost_no_names():
    tracemalloc.start()
    try:
        cut(synthetic_users=1_000_000, synthetic_ratings=1_000)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # 40 bytes each are ten factors in float32; with names and zip codes it were 100.
    assert peak_bytes / 1e6 < 50


def test_a_backend_without_native_code_gets_none_of_another():
    assert find("ranking").native("mlx") is None
