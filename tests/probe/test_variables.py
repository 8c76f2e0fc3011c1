"""Records are published: no secret may get into one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.probe.variables import CHANGES_A_MEASUREMENT, PLACE, SECRET_WORDS, redacted


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
    assert "hunter2" not in redacted({name: "hunter2"})[name]


@given(
    word=st.sampled_from(SECRET_WORDS),
    before=st.text("ABCxyz_", max_size=5),
    after=st.text("ABCxyz_", max_size=5),
    lower=st.booleans(),
)
def test_a_secret_word_anywhere_in_a_name_withholds_its_value(word, before, after, lower):
    name = f"{before}{word.lower() if lower else word}{after}"
    assert "hunter2" not in redacted({name: "hunter2"})[name]


def test_what_decides_a_measurement_is_kept():
    variables = {
        "CUDA_VISIBLE_DEVICES": "0",
        "KERAS_BACKEND": "jax",
        "OMP_NUM_THREADS": "2",
        "PYTHONHASHSEED": "0",
        "XLA_FLAGS": "--xla_cpu_enable_fast_math=false",
    }
    assert redacted(variables) == variables


@pytest.mark.parametrize(
    "name",
    ["GH_PAT", "JWT", "PGPASS", "SMTP_PASS", "DATABASE_URL", "COOKIE", "SESSION", "PIN", "USER"],
)
def test_what_nobody_knows_to_change_a_measurement_is_withheld_with_a_hash(name):
    told = redacted({name: "hunter2"})[name]
    assert re.fullmatch(r"<withheld, [0-9a-f]{8}>", told)
    assert told == redacted({name: "hunter2"})[name]
    assert told != redacted({name: "hunter3"})[name]


@given(name=st.from_regex(r"[A-Z][A-Z0-9_]{0,20}", fullmatch=True), value=st.uuids())
def test_a_value_is_shown_only_where_its_name_changes_a_measurement(name, value):
    shown = str(value) in redacted({name: str(value)})[name]
    assert not shown or CHANGES_A_MEASUREMENT.fullmatch(name) or name in SHOWN


SHOWN = {"LANG", "LD_LIBRARY_PATH", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT"}


@pytest.mark.parametrize(
    "url",
    [
        "https://me:hunter2@pypi.example.org/simple",
        "https://storage.example.org/x?X-Amz-Signature=hunter2&y=1",
        "gs://bucket/x#hunter2",
        "--flag=https://me:hunter2@example.org/?token=hunter2 --other",
    ],
)
def test_a_login_or_a_signature_inside_a_url_is_withheld(url):
    assert "hunter2" not in redacted({"XLA_FLAGS": url})["XLA_FLAGS"]


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_every_name_is_kept_and_sorted(variables: dict[str, str]):
    assert list(redacted(variables)) == sorted(variables)


def test_where_things_lie_on_the_machine_is_withheld():
    given = {"HOME": "/home/ada", "PATH": "/home/ada/bin", "HARNESS_CACHE_DIR": "/home/ada/cache"}
    assert set(redacted(given).values()) == {PLACE}
    assert redacted({"LD_LIBRARY_PATH": "/usr/local/cuda"}) == {
        "LD_LIBRARY_PATH": "/usr/local/cuda"
    }
