"""What a record keeps of a failure names nobody."""

from __future__ import annotations

import pytest

from harness.records.failure import bounded, homeless
from harness.records.trial import Failure, SourceLine


@pytest.fixture(autouse=True)
def ada(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('File "/home/ada/work/train.py", line 3', 'File "~/work/train.py", line 3'),
        ("/home/ada: full", "~: full"),
        ("/home/me/x and /home/ada", "/home/<withheld>/x and ~"),
        ("/Users/me/x.py:3", "/Users/<withheld>/x.py:3"),
        (r"C:\Users\Grace\x.py", r"C:\Users\<withheld>\x.py"),
        ("file:///home/me/x", "file:///home/<withheld>/x"),
        ("/opt/home/me", "/opt/home/me"),
        ("at home/ada", "at home/ada"),
        ("", ""),
    ],
)
def test_a_path_names_no_person(text, kept):
    assert homeless(text) == kept


def test_a_longer_name_is_another_users():
    assert homeless("/home/ada-2/x") == "/home/<withheld>/x"


@pytest.mark.parametrize("home", ["/", "", "//"])
def test_a_user_without_a_home_of_their_own(monkeypatch, home):
    monkeypatch.setenv("HOME", home)
    assert homeless("/usr/lib/x.py, /home/ada/y") == "/usr/lib/x.py, /home/<withheld>/y"


def test_no_part_of_a_failure_names_one():
    failure = bounded(
        Failure(
            reason="no such file: /home/ada/x",
            output_tail="one\nFile /home/ada/train.py",
            origin=SourceLine(path="/home/ada/train.py", line=3, text="open(path)"),
        )
    )
    assert failure.reason == "no such file: ~/x"
    assert failure.output_tail == "one\nFile ~/train.py"
    assert failure.origin.path == "~/train.py"
