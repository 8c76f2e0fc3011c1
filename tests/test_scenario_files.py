"""How scenarios are found, what is said of broken ones, and what their hash covers."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import scenario, scenario_files, scenario_source
from harness.errors import ExitCode, HarnessError
from harness.scenario_files import AmbiguousScenarioError, ScenarioFileError, SearchPathError
from tests.launch.conftest import SCENARIO

BUILT_IN = [
    path.parent.name for path in (Path(__file__).parents[1] / "scenarios").glob("*/__init__.py")
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of scenarios on the search path, with a good one in it."""
    made = tmp_path / "mine"
    made.mkdir()
    write(made / "throwaway.py", SCENARIO)
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(made))
    monkeypatch.chdir(tmp_path)
    return made


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refusal(name):
    with pytest.raises(HarnessError) as caught:
        scenario.find(name)
    assert caught.value.exit_code == ExitCode.USAGE
    return str(caught.value)


class TestSearchPath:
    @pytest.mark.parametrize(
        ("named", "why"),
        [
            ("not/there", "which does not exist"),
            ("mine/throwaway.py", "which is a file: name the folder that it is in, {}/mine"),
            ("mine/package", "which is a scenario itself: name the folder that it is in, {}/mine"),
            ("mine:not/there/", "which does not exist"),
        ],
    )
    def test_what_holds_no_scenarios_is_refused_with_what_it_is(
        self, folder, tmp_path, monkeypatch, named, why
    ):
        write(folder / "package" / "__init__.py", SCENARIO)
        monkeypatch.setenv("HARNESS_SCENARIO_PATH", named)
        for ask in (scenario.names, lambda: scenario.find("ranking")):
            with pytest.raises(SearchPathError, match=f"{named.rpartition(':')[2].rstrip('/')}, "):
                ask()
        assert why.format(tmp_path) in refusal("ranking")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such things here")
    def test_what_is_neither_a_file_nor_a_folder_is_refused(self, folder, monkeypatch):
        os.mkfifo(folder / "pipe")
        monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(folder / "pipe"))
        assert "which is no folder" in refusal("throwaway")

    def test_a_folder_that_may_not_be_read_is_refused(self, folder, monkeypatch):
        monkeypatch.setattr(os, "access", lambda path, _: Path(path) != folder)  # root may all
        assert "which may not be read" in refusal("throwaway")

    @pytest.mark.parametrize(
        "named", ["mine", "mine/", "./mine:mine", ":mine:", " mine ", "link:mine"]
    )
    def test_relative_repeated_and_linked_folders_are_one(
        self, folder, tmp_path, monkeypatch, named
    ):
        (tmp_path / "link").symlink_to(folder)
        monkeypatch.setenv("HARNESS_SCENARIO_PATH", named)
        assert scenario_files.search_path() == [folder.resolve()]
        assert scenario.find("throwaway").version == 7

    def test_the_projects_own_folder_may_be_named_too(self, monkeypatch):
        import scenarios

        monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(Path(scenarios.__file__).parent))
        assert scenario.find("ranking").name == "ranking"

    def test_a_folder_that_is_a_package_of_scenarios_is_one(self, folder):
        write(folder / "__init__.py", '"""My scenarios."""')
        assert scenario.find("throwaway").version == 7

    def test_an_unknown_name_is_answered_with_what_was_looked_at(self, folder):
        assert refusal("throwawy").endswith(
            f"did you mean throwaway? Valid: {', '.join(sorted([*BUILT_IN, 'throwaway']))}. "
            f"Looked at: {folder} (1 scenario)"
        )


class TestNames:
    @pytest.mark.usefixtures("folder")
    def test_one_that_a_built_in_has_too_is_refused_with_both_places(self, folder):
        write(folder / "ranking.py", SCENARIO)
        with pytest.raises(AmbiguousScenarioError, match=r"2 scenarios are called ranking"):
            scenario.find("ranking")
        message = refusal("ranking")
        assert str(folder / "ranking.py") in message
        assert "ranking/__init__.py (the built-in one)" in message
        assert scenario.find("throwaway").version == 7, "the others are none the worse"

    def test_one_in_two_folders_is_refused_with_both_places(self, folder, tmp_path, monkeypatch):
        other = write(tmp_path / "other" / "throwaway.py", SCENARIO)
        monkeypatch.setenv("HARNESS_SCENARIO_PATH", os.pathsep.join([str(folder), "other"]))
        assert f"{folder / 'throwaway.py'} and {other}" in refusal("throwaway")


IN_CODE = {
    "syntax": ("x = 1\ndef f(:\n", 'line 2: SyntaxError: invalid syntax, in "def f(:"'),
    "torch": (
        "import os\nimport torch\n",
        "line 2: ModuleNotFoundError: No module named 'torch', in \"import torch\". The top level",
    ),
    "keras": ("from keras.layers import Dense\n", "line 1: ModuleNotFoundError: No module named"),
    "other_module": ("import not_there_at_all\n", "No module named 'not_there_at_all', in"),
    "missing_name": (
        "from harness.scenario import Scenarioo\n",
        "line 1: ImportError: cannot import name 'Scenarioo'",
    ),
    "raises": ("def f():\n    return 1 / 0\nf()\n", "line 2: ZeroDivisionError: division by zero"),
    "exits": ("import sys\nsys.exit(3)\n", "line 2: it ends the program (SystemExit: 3)"),
    "abstract": (
        SCENARIO.replace("    def model(self, settings, data): ...\n", ""),
        "TypeError: Can't instantiate abstract class Throwaway",
    ),
    "null": ("x = '\0'\n", "null bytes"),
}

IN_SCENARIO = {
    "absent": ("x = 1\n", "defines no SCENARIO: end it with SCENARIO = "),
    "none": ("SCENARIO = None\n", "defines no SCENARIO"),
    "classy": (
        SCENARIO.replace("Throwaway()", "Throwaway"),
        "has a class as SCENARIO: write SCENARIO = Throwaway()",
    ),
    "mapping": ("SCENARIO = {}\n", "has as SCENARIO a dict, which is no harness.scenario.Scenario"),
    "nameless": (SCENARIO.replace('    name = "throwaway"\n', ""), "has no name of type str"),
    "empty": (SCENARIO.replace('"throwaway"', '""'), "calls its scenario '': give it the name"),
    "renamed": (
        SCENARIO,
        "calls its scenario 'throwaway': give it the name of the file, 'renamed'",
    ),
    "versionless": (
        SCENARIO.replace("version = 7", "version = '7'"),
        "has as its version a str, and no version of type int",
    ),
    "metricless": (SCENARIO.replace("    metric = ", "    m = "), "has no metric of type Metric"),
}

SETTINGS = {
    "no_settings": ("dict", "has a settings_type that is no subclass of harness.scenario.Settings"),
    "an_instance": ("Settings()", "has a settings_type that is no subclass"),
    "no_default": ("S", "missing required field `rate`"),
    "a_list": ("L", "has a setting sizes that is neither a number, a text nor true or false"),
}

SETTINGS_TYPES = """
from harness.scenario import Settings
class S(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rate: float
class L(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sizes: tuple[int, ...] = (1, 2)
"""


class TestBrokenFiles:
    @pytest.mark.parametrize("name", IN_CODE)
    def test_what_cannot_be_run_is_told_by_the_users_line_and_the_reason(self, folder, name):
        text, expected = IN_CODE[name]
        path = write(folder / f"{name}.py", text)
        message = refusal(name)
        assert message.startswith((str(path), f"mine/{name}.py")), message
        assert expected in message
        assert "\n" not in message

    @pytest.mark.parametrize("name", IN_SCENARIO)
    def test_what_is_no_scenario_is_told_with_the_remedy(self, folder, name):
        text, expected = IN_SCENARIO[name]
        path = write(folder / f"{name}.py", text)
        assert refusal(name).startswith(str(path))
        assert expected in refusal(name)

    @pytest.mark.parametrize("name", SETTINGS)
    def test_settings_that_no_command_could_set_are_refused(self, folder, name):
        kind, expected = SETTINGS[name]
        text = SCENARIO.replace("version = 7", f"version = 7\n    settings_type = {kind}")
        write(folder / f"{name}.py", SETTINGS_TYPES + text.replace('"throwaway"', f'"{name}"'))
        assert expected in refusal(name)

    def test_a_file_in_another_encoding_is_told(self, folder):
        (folder / "latin.py").write_bytes('x = "é"\n'.encode("latin-1"))
        assert "'utf-8' codec can't decode byte 0xe9" in refusal("latin")

    def test_a_file_that_cannot_be_read_is_told(self, folder):
        (folder / "odd.py").mkdir()
        assert "Error: " in refusal("odd")
        assert f"{folder}/odd.py" in refusal("odd")

    def test_of_a_package_the_line_of_the_module_that_is_broken_is_told(self, folder):
        write(folder / "package" / "__init__.py", "from .inner import SCENARIO\n")
        write(folder / "package" / "inner.py", "import os\nraise ValueError('inner')\n")
        assert "mine/package/inner.py, line 2: ValueError: inner" in refusal("package")
        write(folder / "package" / "inner.py", SCENARIO.replace('"throwaway"', '"package"'))
        assert scenario.find("package").version == 7, "nothing half-loaded stays behind"

    def test_a_broken_one_hinders_no_other(self, folder):
        write(folder / "broken.py", "import torch\n")
        assert scenario.names() == sorted([*BUILT_IN, "broken", "throwaway"])
        assert scenario.find("throwaway").version == 7
        assert scenario.find("ranking").version >= 1

    def test_ctrl_c_while_one_is_loaded_is_a_ctrl_c(self, folder):
        write(folder / "slow.py", "raise KeyboardInterrupt\n")
        with pytest.raises(KeyboardInterrupt):
            scenario.find("slow")

    def test_a_mended_file_of_the_same_second_and_size_runs_as_it_is_now(self, folder):
        path = folder / "throwaway.py"
        assert scenario.find("throwaway").version == 7
        path.write_text(SCENARIO.replace("version = 7", "version = 8"), encoding="utf-8")
        os.utime(path, (0, 0))
        scenario_files.load.cache_clear()
        assert scenario.find("throwaway").version == 8


class TestModulesBesideIt:
    def test_they_can_be_imported_at_the_top_and_later(self, folder):
        write(folder / "my_own_shapes.py", "VERSION = 9")
        write(folder / "my_own_late.py", "import my_own_shapes\nLATE = my_own_shapes.VERSION")
        late = "def data(self, settings, table):\n        import my_own_late as m; return m.LATE"
        text = SCENARIO.replace("def data(self, settings, table): ...", late)
        text = "import my_own_shapes\n" + text.replace(
            "version = 7", "version = my_own_shapes.VERSION"
        )
        write(folder / "throwaway.py", text)
        found = scenario.find("throwaway")
        assert found.version == 9
        assert found.data(None, None) == 9

    def test_one_with_the_name_of_a_library_hides_none(self, folder):
        write(folder / "json.py", "raise ValueError('not the library')")
        write(folder / "throwaway.py", "import json\n" + SCENARIO)
        assert scenario.find("throwaway").version == 7

    def test_what_its_file_does_not_import_is_found_by_nobody(self, folder):
        write(folder / "my_own_stranger.py", "x = 1")
        scenario.find("throwaway")
        assert importlib.util.find_spec("my_own_stranger") is None


class TestHash:
    def changes(self, path, name="throwaway"):
        """Whether another line in ``path`` makes it another scenario."""
        before = scenario.sources_sha256(name)
        write(path, path.read_text(encoding="utf-8") + "\n# another line\n")
        return scenario.sources_sha256(name) != before

    def test_it_is_that_of_the_file_wherever_it_lies(self, folder, tmp_path, monkeypatch):
        before = scenario.sources_sha256("throwaway")
        folder.rename(tmp_path / "elsewhere")
        monkeypatch.setenv("HARNESS_SCENARIO_PATH", "elsewhere")
        assert scenario.sources_sha256("throwaway") == before
        assert self.changes(tmp_path / "elsewhere" / "throwaway.py")

    def test_other_files_beside_it_do_not_count(self, folder):
        assert not self.changes(write(folder / "other.py", "x = 1"))

    def test_all_modules_of_a_package_count(self, folder):
        write(folder / "package" / "__init__.py", SCENARIO)
        inner = write(folder / "package" / "deep" / "native_jax.py", "x = 1")
        assert self.changes(inner, "package")

    def test_a_module_beside_it_counts_where_it_is_what_the_import_means(self, folder):
        helper = write(folder / "my_own_helper.py", "import my_own_second")
        second = write(folder / "my_own_second.py", "x = 1")
        library = write(folder / "json.py", "x = 1")
        other = write(folder / "my_own_other.py", "x = 1")
        late = SCENARIO.replace(
            "def data(self, settings, table): ...",
            "def data(self, settings, table):\n        import json, my_own_helper",
        )
        write(folder / "throwaway.py", late)
        assert self.changes(helper)
        assert self.changes(second)
        assert not self.changes(other), "nobody imports it"
        assert not self.changes(library), "`import json` means the library"

    def test_a_built_in_has_one_as_well(self):
        assert len(scenario.sources_sha256("ranking")) == 64

    def test_a_file_that_is_gone_is_told(self, folder):
        file = scenario_files.file_of("throwaway")
        (folder / "throwaway.py").unlink()
        with pytest.raises(ScenarioFileError, match=r"throwaway\.py cannot be read: No such file"):
            scenario_source.sha256(file)


USERS = "print('the code of a user')\nSCENARIO = None\n"

SHOWS = """
import sys
{first}
from harness import scenario, scenario_files
print(type(scenario.find("ranking")).__name__, scenario.sources_sha256("ranking"))
"""


@pytest.fixture
def shows(tmp_path):
    """What a Python in a folder with a user's own `scenarios` says of the built-in one."""
    for name in ("scenarios/__init__.py", "scenarios/ranking/__init__.py", "scenarios/mine.py"):
        write(tmp_path / name, USERS)
    (tmp_path / "elsewhere").mkdir()

    def run(first="", *, here=tmp_path, **variables):
        return subprocess.run(
            [sys.executable, "-c", SHOWS.format(first=first)],
            cwd=here, env=os.environ | variables, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


class TestUsersOwnPackage:
    def test_one_that_comes_first_on_the_path_is_not_run_in_place_of_ours(self, shows, tmp_path):
        expected = f"Ranking {scenario.sources_sha256('ranking')}\n"
        elsewhere = tmp_path / "elsewhere"
        assert shows(here=elsewhere).stdout == expected
        assert shows().stdout == expected
        assert shows(here=elsewhere, PYTHONPATH=str(tmp_path)).stdout == expected

    def test_one_that_is_imported_already_is_named(self, shows, tmp_path):
        done = shows("import scenarios")
        assert done.returncode != 0
        assert f"{tmp_path}/scenarios/__init__.py was imported as scenarios" in done.stderr
        assert "Rename yours" in done.stderr

    def test_a_scenario_that_imports_from_it_is_told_whose_the_name_is(
        self, folder, tmp_path, monkeypatch
    ):
        write(tmp_path / "scenarios" / "mine.py", USERS)
        monkeypatch.syspath_prepend(tmp_path)
        write(folder / "uses.py", f"import scenarios.mine\n{SCENARIO}")
        assert "That package is the harness's own" in refusal("uses")
