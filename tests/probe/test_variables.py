"""Records are published: no secret may get into one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.probe.variables import PLACE, REDACTED, SECRET_WORDS, redacted


@pytest.mark.parametrize(
    "name",
    [
        "GITHUB_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "PGPASSWORD",
        "OPENAI_API_KEY",
        "apikey",
        "GOOGLE_APPLICATION_CREDENTIALS",
    ],
)
def test_a_value_is_withheld_by_its_name(name: str):
    assert redacted({name: "hunter2"}) == {name: REDACTED}


@given(
    word=st.sampled_from(SECRET_WORDS),
    before=st.text("ABCxyz_", max_size=5),
    after=st.text("ABCxyz_", max_size=5),
    lower=st.booleans(),
)
def test_a_secret_word_anywhere_in_a_name_withholds_its_value(word, before, after, lower):
    name = f"{before}{word.lower() if lower else word}{after}"
    assert redacted({name: "hunter2"}) == {name: REDACTED}


def test_what_decides_a_measurement_is_kept():
    variables = {
        "CUDA_VISIBLE_DEVICES": "0",
        "KERAS_BACKEND": "jax",
        "OMP_NUM_THREADS": "2",
        "PYTHONHASHSEED": "0",
        "XLA_FLAGS": "--xla_cpu_enable_fast_math=false",
    }
    assert redacted(variables) == variables


def test_a_login_inside_a_url_is_withheld():
    url = "https://me:hunter2@pypi.example.org/simple https://pypi.org/simple"
    assert redacted({"PIP_INDEX_URL": url}) == {
        "PIP_INDEX_URL": f"https://{REDACTED}@pypi.example.org/simple https://pypi.org/simple"
    }


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_every_name_is_kept_and_sorted(variables: dict[str, str]):
    assert list(redacted(variables)) == sorted(variables)


def test_where_things_lie_on_the_machine_is_withheld():
    given = {"HOME": "/home/ada", "PATH": "/home/ada/bin", "HARNESS_CACHE_DIR": "/home/ada/cache"}
    assert set(redacted(given).values()) == {PLACE}
    assert redacted({"LD_LIBRARY_PATH": "/usr/local/cuda"}) == {
        "LD_LIBRARY_PATH": "/usr/local/cuda"
    }
