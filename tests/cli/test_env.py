"""`harness env`: what is said before something is made."""

from __future__ import annotations

import sys

import pytest

from harness import cli
from harness.errors import ExitCode
from harness.launch import env_cache


@pytest.fixture
def make(tmp_path, monkeypatch, capsys):
    """What `harness env make` exits with and says, where no program is on the path."""
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "")

    def make(*words):
        monkeypatch.setattr(sys, "argv", ["harness", "env", "make", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return make


def test_a_python_that_is_not_there_is_named_before_anybody_is_asked(make):
    other = "3.12" if env_cache.this_python() != "3.12" else "3.13"
    code, said = make("jax", "--python", other)
    assert code == ExitCode.UNAVAILABLE
    assert f"there is no python{other} on the path" in said
    assert "to be made" not in said


def test_this_python_is_always_there(make):
    code, said = make("jax")
    assert code == ExitCode.UNAVAILABLE
    assert "to be made: jax, about" in said
    assert "nothing was done: `harness env make … --yes` does it without a question" in said


@pytest.mark.parametrize(
    ("beside", "said_of_it"),
    [
        ("scikit-learn", ", and what scikit-learn takes, in "),
        ("scikit-learn,keras==3.14.0", ", and what scikit-learn takes, in "),
        ("keras==3.14.0", " minutes, in "),
    ],
)
def test_what_is_added_is_not_in_the_size_that_is_told(make, beside, said_of_it):
    _, said = make("jax", "--with", beside)
    assert said_of_it in " ".join(said.split())


def test_uv_that_is_not_there_is_said_before_anybody_is_asked(make):
    code, said = make("jax", "--installer", "uv")
    assert code == ExitCode.USAGE
    assert "there is no uv on the path" in said
    assert "to be made" not in said
