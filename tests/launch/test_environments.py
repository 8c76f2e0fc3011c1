"""Which interpreter serves a backend, and what a user is told when none does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import harness
from harness.errors import ExitCode, UnavailableError
from harness.launch import environments
from harness.launch.environments import Contents, executable, find, look_inside, tox_folders


def has_all(*_):
    return Contents(missing=[], version=harness.__version__)


def lacks(*modules):
    return lambda *_: Contents(missing=list(modules), version=harness.__version__)


@pytest.fixture
def here_without_frameworks(monkeypatch):
    monkeypatch.setattr(environments.importlib.util, "find_spec", lambda _: None)


@pytest.fixture
def here_with_frameworks(monkeypatch):
    monkeypatch.setattr(environments.importlib.util, "find_spec", lambda _: object())


@pytest.fixture
def make_environment(tmp_path):
    """A folder that looks like a virtual environment below a `.tox`."""

    def make(name):
        python = tmp_path / ".tox" / name / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.touch()
        return python

    return make


@pytest.fixture
def folders(tmp_path):
    return [tmp_path / ".tox"]


@pytest.mark.usefixtures("here_with_frameworks")
def test_a_named_interpreter_is_the_only_candidate(make_environment, folders):
    make_environment("jax")
    named = make_environment("mine")
    for path in (named, named.parents[1]):
        (found,) = find("jax", {"jax": path}, look=has_all, folders=folders)
        assert (found.python, found.origin) == (named, "--env")


@pytest.mark.usefixtures("here_with_frameworks")
def test_this_interpreter_comes_before_those_that_tox_built(make_environment, folders):
    built = make_environment("jax")
    found = find("jax", look=has_all, folders=folders)
    assert [interpreter.python for interpreter in found] == [Path(sys.executable), built]


@pytest.mark.parametrize(
    ("backend", "name"), [("jax", "jax"), ("tensorflow", "tf"), ("torch", "torch")]
)
@pytest.mark.usefixtures("here_without_frameworks")
def test_the_tox_environment_of_a_backend_is_found(backend, name, make_environment, folders):
    built, with_gpu = make_environment(name), make_environment(f"{name}-gpu")
    found = find(backend, look=has_all, folders=folders)
    assert [interpreter.python for interpreter in found] == [built, with_gpu]


@pytest.mark.usefixtures("here_without_frameworks")
def test_without_any_the_command_that_builds_one_is_told(folders):
    with pytest.raises(UnavailableError) as caught:
        find("tensorflow", look=has_all, folders=folders)
    assert caught.value.exit_code == ExitCode.UNAVAILABLE
    assert "no interpreter has tensorflow and keras" in str(caught.value)
    assert "`tox run -e tf --notest`" in str(caught.value)
    assert "`--env tf=PATH`" in str(caught.value)


@pytest.mark.usefixtures("here_without_frameworks")
def test_an_unfinished_tox_environment_is_named_with_what_it_lacks(make_environment, folders):
    make_environment("jax")
    with pytest.raises(UnavailableError, match=r"\.tox/jax cannot serve: it lacks keras and jax\."):
        find("jax", look=lacks("keras", "jax"), folders=folders)


def test_a_named_interpreter_without_the_framework_is_refused(make_environment):
    named = make_environment("mine")
    with pytest.raises(UnavailableError, match=r"cannot serve jax: it lacks jax\. Build one"):
        find("jax", {"jax": named}, look=lacks("jax"))


def test_a_harness_of_another_version_is_refused(make_environment):
    named = make_environment("mine")
    old = Contents(missing=[], version="0.0.1")
    with pytest.raises(UnavailableError, match=r"its harness is 0\.0\.1, this one is"):
        find("jax", {"jax": named}, look=lambda *_: old)


@pytest.mark.parametrize(
    ("make", "what"),
    [(lambda _: None, "not there"), (Path.mkdir, "a folder without bin/python in it")],
)
def test_a_path_without_a_python_is_refused(make, what, tmp_path):
    path = tmp_path / "somewhere"
    make(path)
    with pytest.raises(UnavailableError, match=f"{path} is {what}"):
        executable(path)


def test_a_link_to_a_python_is_not_followed(tmp_path):
    link = tmp_path / "bin" / "python"
    link.parent.mkdir()
    link.symlink_to(sys.executable)
    assert executable(tmp_path) == link, "the link is what makes it an environment"


def test_a_real_interpreter_tells_what_it_lacks():
    contents = look_inside(Path(sys.executable), ["msgspec", "no_such_module", "harness"])
    assert contents == Contents(missing=["no_such_module"], version=harness.__version__)


@pytest.mark.parametrize("program", ["/bin/false", "/bin/echo", "/etc/passwd"])
def test_what_is_no_python_is_refused(program):
    with pytest.raises(UnavailableError, match=f"{program} does not answer as a Python"):
        look_inside(Path(program), ["keras"])


def test_tox_environments_are_looked_for_here_and_in_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOX_WORK_DIR", str(tmp_path / "elsewhere"))
    project = Path(harness.__file__).parents[1]
    assert tox_folders() == [tmp_path / "elsewhere", tmp_path / ".tox", project / ".tox"]
