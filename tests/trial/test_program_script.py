"""A script is run as Python runs it, in a process of its own; no framework is needed for that."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.trial.program.script import TAIL_BYTES, TAIL_LINES, Output

RUN = """
import sys
from pathlib import Path
from harness.trial.program.script import Script
script = Script(Path(sys.argv[1]), sys.argv[2:])
script.run()
print("the record", script.output.tail.splitlines(), script.output.bytes)
"""


@pytest.fixture
def run(tmp_path):
    def run(text, *arguments):
        path = tmp_path / "train.py"
        path.write_text(text, encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-c", RUN, str(path), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_it_is_the_main_module_with_its_own_arguments_and_folder(run, tmp_path):
    (tmp_path / "beside.py").write_text("NAME = 'a sibling'\n", encoding="utf-8")
    ended = run(
        "import os, sys, beside\n"
        "if __name__ == '__main__':\n"
        "    print(sys.argv[1:], os.path.basename(sys.argv[0]), beside.NAME)\n"
        "    print(os.path.samefile(os.getcwd(), os.path.dirname(__file__)))\n",
        "--batch",
        "64",
    )
    assert "['--batch', '64'] train.py a sibling" in ended.stdout, ended.stderr
    assert "True" in ended.stdout


def test_a_process_that_it_forks_writes_no_record(run):
    ended = run("import os\nchild = os.fork()\nif child: os.waitpid(child, 0)\nprint('ran')\n")
    assert ended.stdout.count("the record") == 1
    assert "['ran']" in ended.stdout


@pytest.mark.parametrize("end", ["sys.exit(3)", "1 / 0"])
def test_nor_does_one_that_fails(run, end):
    ended = run(f"import os, sys\nif os.fork() == 0: {end}\nos.wait()\nprint('ran')\n")
    assert ended.stdout.count("the record") == 1
    assert "['ran']" in ended.stdout


@pytest.mark.parametrize("code", ["", "0", "None", "False"])
def test_it_may_end_itself(run, code):
    assert "the record" in run(f"import sys\nsys.exit({code})\n").stdout


@pytest.mark.parametrize("code", ["1", "'no data'", "[1]"])
def test_an_end_with_a_code_is_a_failure(run, code):
    ended = run(f"import sys\nsys.exit({code})\n")
    assert "ScriptExitError" in ended.stderr
    assert f"sys.exit({code})" in ended.stderr


def test_what_processes_that_it_starts_print_goes_where_it_went(run):
    ended = run("import subprocess, sys\nsubprocess.run(['echo', 'hello'], stdout=sys.stdout)\n")
    assert ended.stdout.startswith("hello\n"), ended.stderr


def test_bytes_and_other_encodings_are_printed_too(run):
    ended = run(
        "import sys\n"
        "sys.stdout.buffer.write(b'\\xff raw\\n')\n"
        "sys.stdout.reconfigure(encoding='utf-8')\n"
        "print('ä', file=sys.stderr)\n"
    )
    assert "'ä'" in ended.stdout, ended.stderr
    assert "raw" in ended.stdout


def test_a_package_that_is_not_there_names_the_option_that_adds_it(run):
    ended = run("import keras_is_not_here\n")
    assert "train.py, line 1: No module named 'keras_is_not_here'" in ended.stderr
    assert "--with keras_is_not_here adds it" in ended.stderr
    ended = run(
        "import sys; sys.modules['tensorflow_datasets'] = None\nimport tensorflow_datasets\n"
    )
    assert "--with tensorflow-cpu,tensorflow-datasets adds it" in ended.stderr


def test_the_end_of_a_gigabyte_is_kept_and_no_more():
    output = Output()
    line = b"x" * 99 + b"\n"
    for _ in range(1_000):
        output.write(line * 100)
    output.write(b"the end\n")
    assert output.bytes == 10_000_008
    lines = output.tail.splitlines()
    assert lines[-1] == "the end"
    assert len(lines) == TAIL_LINES
    assert len(output._tail) <= 2 * TAIL_BYTES + len(line) * 100


def test_of_a_progress_bar_the_last_state_is_kept():
    output = Output()
    output.write(b"1/2 [=>]\b\b\b\r2/2 [==] - loss: 1\n\x1b[1mdone\x1b[0m\n")
    assert output.tail.splitlines() == ["2/2 [==] - loss: 1", "done"]
