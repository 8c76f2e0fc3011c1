"""Exit codes: every row of docs/exit-codes.md is a case here, with the real command."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness.errors import ExitCode, GateCode
from tests.cli.fake_versions import as_fast
from tests.cli.world import TINY, World, commands

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "exit-codes.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts")

GATE = ["--fail-on", "slower:5%,worse:0.002,memory:10%,missing,inconclusive"]
FAILS = "sys.exit(3)"
SLOWED = (
    "from harness.records.trial import Failure\n"
    "ended = Failure(reason='ended early: other work slowed it', cause='slowed')\n"
    "leave(msgspec.structs.replace(good, status='killed', failure=ended))"
)
SLOWED_ONCE = f"{SLOWED}\nif trial.repetition == 2: leave(good)"
STOP = "os.kill(os.getppid(), signal.{})\nsignal.pause()"
NO_ENVIRONMENT = ["--backend", "jax", "--env", "jax=nowhere"]
NO_FOLDER = ["--results", "file/results"]
POINT = ["--batch-size", "10"]
OTHER_LOSS = "leave(losses=[0.5, 0.45])"
SQUARED = "leave(squared=0.31)"
SLOW = as_fast(0.03)
NOBODY = "tcp://127.0.0.1:9"
IMPATIENT = (
    "from harness.launch.cluster import connection, serve\n"
    "connection.ANSWER_S = serve.ANSWER_S = 1.0"
)


class Row(NamedTuple):
    """One line of the table: what exits with which code, and when."""

    command: str
    code: int
    when: str


# A case gives what the command exited with, in a world of its own (tests/cli/world.py). A new row
# is one line in docs/exit-codes.md and one line here, with the same words.
CASES: dict[tuple[str, str], Callable[[Any], int]] = {
    ("run", "every trial was measured"): lambda w: w.harness("run", *w.trial()),
    ("run", "`--dry-run`: the plan was shown"): lambda w: w.harness(
        "run", *w.trial(FAILS), "--dry-run"
    ),
    ("run", "`--resume`: nothing was left to measure"): lambda w: (
        w.harness("run", *w.trial()) or w.harness("run", *w.trial(FAILS), "--resume")
    ),
    ("run", "a trial crashed or could not train"): lambda w: w.harness("run", *w.trial(FAILS)),
    ("run", "a trial was ended: by its timeout, by its memory limit, by a signal"): lambda w: (
        w.harness("run", *w.trial("signal.pause()"), "--timeout", 1)
    ),
    ("run", "`--resume`: what left no measurement was measured again, and left none again"): (
        lambda w: (
            w.harness("run", *w.trial(FAILS)) and w.harness("run", *w.trial(FAILS), "--resume")
        )
    ),
    ("run", "`--resume`: nothing was left to measure, but a trial of before left no measurement"): (
        lambda w: w.harness(*w.precise()) and w.harness(*w.precise(), "--resume")
    ),
    ("run", "a mode was refused, since it would train something else; the rest was measured"): (
        lambda w: w.harness("run", *w.trial(), "--mode", "fit,native")
    ),
    ("run", "nothing is left to run, since every mode is refused"): lambda w: w.harness(
        "run", *w.trial(), "--mode", "native"
    ),
    ("run", "a trial was ended early for other work, and another one of its cell was measured"): (
        lambda w: w.harness("run", *w.trial(SLOWED_ONCE), "--repetitions", 2)
    ),
    ("run", "other work had every trial of a cell ended early"): lambda w: w.harness(
        "run", *w.trial(SLOWED)
    ),
    ("run", "a name is unknown, or a value out of range"): lambda w: w.harness(
        "run", *w.trial(), "--mode", "fitt"
    ),
    ("run", "the scenario is unknown, or its file cannot be loaded"): lambda w: alike(
        w.harness("run", "nonsense"), w.harness("run", w.broken())
    ),
    ("run", "a backend has no environment, or the one that was named cannot serve"): lambda w: (
        w.harness("run", TINY, *NO_ENVIRONMENT)
    ),
    ("run", "the device is not there"): lambda w: w.harness("run", *w.trial(), "--device", "gpu"),
    ("run", "the ratings cannot be had"): lambda w: w.offline().harness(
        "run", "ranking", *w.fake("trial")
    ),
    ("run", "the results folder cannot be written"): lambda w: w.harness(
        "run", *w.trial(), *NO_FOLDER
    ),
    ("run", "`--no-wait`: another campaign measures"): lambda w: w.measuring(
        "run", *w.trial(), "--no-wait"
    ),
    ("run", "a record was kept elsewhere"): lambda w: w.harness("run", *w.trial(w.lost_folder())),
    ("run", "a record was removed while the campaign ran, and written once more"): lambda w: (
        w.harness("run", TINY, "--seeds", "1,2", *w.fake("trial", w.removed_folder()))
    ),
    ("run", "Ctrl-C while a trial runs"): lambda w: w.harness(
        "run", *w.trial(STOP.format("SIGINT"))
    ),
    ("run", "a request to terminate, or a closed terminal"): lambda w: w.harness(
        "run", *w.trial(STOP.format("SIGTERM"))
    ),
    ("sweep", "every point was measured"): lambda w: w.harness("sweep", *w.trial(), *POINT),
    ("sweep", "a point left no measurement"): lambda w: w.harness("sweep", *w.trial(FAILS), *POINT),
    ("sweep", "no axis is named, or a value is out of range"): lambda w: w.harness(
        "sweep", *w.trial()
    ),
    ("sweep", "as `harness run`"): lambda w: w.harness("sweep", TINY, *POINT, *NO_ENVIRONMENT),
    ("sweep", "a record was kept elsewhere"): lambda w: w.harness(
        "sweep", *w.trial(w.lost_folder()), *POINT
    ),
    ("sweep", "as `harness run`, by a signal"): lambda w: w.harness(
        "sweep", *w.trial(STOP.format("SIGINT")), *POINT
    ),
    ("parity", "the same model on every pair"): lambda w: w.harness("parity", *w.pair()),
    ("parity", "a pair deviates"): lambda w: w.harness("parity", *w.pair(OTHER_LOSS)),
    ("parity", "a layer draws random numbers in a way of its own, so that the pair is undecided"): (
        lambda w: w.harness("parity", *w.pair('leave(not_served=["own: torch.rand"])'))
    ),
    ("parity", "a known behaviour of Keras moves the test metric"): lambda w: w.harness(
        "parity", *w.pair(SQUARED, backend="tensorflow")
    ),
    ("parity", "the same, and `--allow` accepts it"): lambda w: w.harness(
        "parity", *w.pair(SQUARED, backend="tensorflow"), "--allow", "sparse-duplicates"
    ),
    ("parity", "a backend could not be trained"): lambda w: w.harness("parity", *w.pair(FAILS)),
    ("parity", "there is nothing to compare with: one backend, one mode"): lambda w: w.harness(
        "parity", TINY, *w.fake("parity")
    ),
    ("parity", "a name is unknown, or a value out of range"): lambda w: w.harness(
        "parity", *w.pair(), "--set", "batch_size=0"
    ),
    ("parity", "data, an environment, a device or the folder is missing"): lambda w: w.harness(
        "parity", *w.pair(), *NO_FOLDER
    ),
    ("parity", "Ctrl-C while a backend trains"): lambda w: w.harness(
        "parity", *w.pair(STOP.format("SIGINT"))
    ),
    ("anatomy", "every backend was taken apart, and its parts add up"): lambda w: w.harness(
        "anatomy", *w.anatomy()
    ),
    ("anatomy", "the parts do not add up to the step"): lambda w: w.harness(
        "anatomy", *w.anatomy("leave(again_s=12e-3)")
    ),
    ("anatomy", "a process left no measurement"): lambda w: w.harness("anatomy", *w.anatomy(FAILS)),
    ("anatomy", "a name is unknown, or a value out of range"): lambda w: w.harness(
        "anatomy", *w.anatomy(), "--set", "batch_size=1,2"
    ),
    ("anatomy", "data, an environment, a device or the folder is missing"): lambda w: w.harness(
        "anatomy", TINY, *NO_ENVIRONMENT
    ),
    ("anatomy", "Ctrl-C while a process measures"): lambda w: w.harness(
        "anatomy", *w.anatomy(STOP.format("SIGINT"))
    ),
    ("bisect", "one version is the first bad one"): lambda w: w.bisect(of_6=SLOW, of_7=SLOW),
    ("bisect", "`--dry-run`: the plan was shown"): lambda w: w.bisect("--dry-run"),
    ("bisect", "the bad version keeps the limits: there is nothing to look for"): (
        lambda w: w.bisect()
    ),
    ("bisect", "a version is not there, or two backends, modes or settings are named"): lambda w: (
        alike(w.bisect("--set", "x=1"), w.bisect("--mode", "fit,tuned"))
    ),
    ("bisect", "the good version cannot be measured, or nobody agreed to make environments"): (
        lambda w: alike(w.bisect("--no-wait"), w.bisect(of_5=FAILS))
    ),
    ("bisect", "a record was kept elsewhere"): lambda w: w.bisect(of_7=w.lost_folder()),
    ("bisect", "no verdict on the bad version, or several may be the first bad one"): (
        lambda w: w.bisect(of_7=FAILS)
    ),
    ("bisect", "Ctrl-C while a trial runs"): lambda w: w.bisect(of_7=STOP.format("SIGINT")),
    ("check", "every rule of the contract is kept"): lambda w: w.checked(),
    ("check", "a rule is broken, or the file cannot be loaded"): lambda w: alike(
        w.checked("not ok"), w.harness("check", w.broken())
    ),
    ("check", "the scenario is unknown, is a script, or has the name of another one"): lambda w: (
        alike(
            w.harness("check", "nonsense"),
            w.harness("check", w.script()),
            w.harness("check", w.double()),
        )
    ),
    ("check", "data, an environment or a device is missing"): lambda w: alike(
        w.harness("check", TINY, *NO_ENVIRONMENT), w.harness("check", TINY, "--device", "gpu")
    ),
    ("compare", "nothing to fail on"): lambda w: w.compare(*GATE),
    ("compare", "without `--fail-on`, whatever was found"): lambda w: w.compare(
        step_time_s={"jax": 0.003, "torch": 0.004}
    ),
    ("compare", "a rule or a limit is none"): lambda w: w.compare("--fail-on", "slowr:5%"),
    ("compare", "a folder is missing, or holds no record"): lambda w: w.harness(
        "compare", "nowhere", "nowhere"
    ),
    ("compare", "the file of `--markdown` cannot be written"): lambda w: w.compare(
        "--markdown", "file/comment.md"
    ),
    ("compare", "worse quality"): lambda w: w.compare(*GATE, rmse={"jax": 0.004}),
    ("compare", "slower"): lambda w: w.compare(*GATE, step_time_s={"jax": 0.0024, "torch": 0.004}),
    ("compare", "more memory"): lambda w: w.compare(*GATE, peak_rss_bytes=900_000_000),
    ("compare", "missing cells"): lambda w: w.compare(*GATE, step_time_s={"jax": 0.002}),
    ("compare", "inconclusive"): lambda w: w.compare(*GATE, rounds=3),
    ("compare", "nothing could be compared"): lambda w: w.compare(machine_id="machine-b"),
    ("doctor", "fit to measure on, whatever else is missing for a run"): lambda w: w.doctor(),
    ("doctor", "something disturbs measuring"): lambda w: w.doctor(busy=True),
    ("doctor", "`--env` names no backend"): lambda w: w.doctor("--measure", "--env", "jaxx=there"),
    ("doctor", "`--measure`: the environment cannot serve, or its trial fails"): lambda w: w.doctor(
        "--measure", *NO_ENVIRONMENT[2:]
    ),
    ("doctor", "`--measure`: another campaign measures"): lambda w: (
        w.doctor() or w.measuring("doctor", "--measure")
    ),
    ("data prepare", "the table is there"): lambda w: w.prepared().harness("data", "prepare"),
    ("data prepare", "the source is unknown"): lambda w: w.harness(
        "data", "prepare", "--source", "x"
    ),
    ("data prepare", "no source works, or the cache cannot be written"): lambda w: (
        w.offline().harness("data", "prepare")
    ),
    ("data verify", "the table is what it should be"): lambda w: w.prepared().harness(
        "data", "verify"
    ),
    ("data verify", "the source is unknown"): lambda w: w.prepared().harness(
        "data", "verify", "--source", "x"
    ),
    ("data verify", "there is no table, it is damaged, or the source delivers another"): lambda w: (
        w.harness("data", "verify")
    ),
    ("data sources", "they were listed, whether or not one works"): lambda w: w.offline().harness(
        "data", "sources"
    ),
    ("report", "a report was made, whatever is missing in it"): lambda w: w.harness("report"),
    ("report", "the folder does not exist"): lambda w: w.harness("report", "nowhere"),
    ("report", "a file cannot be written"): lambda w: w.harness(
        "report", w.campaign(), "--output", "file/report.md"
    ),
    ("findings", "the page was made"): lambda w: w.harness("findings", w.campaign()),
    ("findings", "a folder does not exist"): lambda w: w.harness("findings", "nowhere"),
    ("findings", "the file cannot be written"): lambda w: w.harness(
        "findings", w.campaign(), "--output", "file/page.md"
    ),
    ("export", "it was written"): lambda w: w.harness(
        "export", w.campaign(), "--format", "bencher", "--output", "bencher.json"
    ),
    ("export", "the format is unknown"): lambda w: w.harness(
        "export", w.campaign(), "--format", "benchr", "--output", "x"
    ),
    ("export", "the folder does not exist, or holds no record"): lambda w: w.harness(
        "export", "nowhere", "--format", "bencher", "--output", "x"
    ),
    ("export", "the file cannot be written, or a package is missing"): lambda w: w.harness(
        "export", w.campaign(), "--format", "bencher", "--output", "file/bencher.json"
    ),
    ("merge", "all that could be read is there"): lambda w: w.harness(
        "merge", w.campaign(), "--into", "both"
    ),
    ("merge", "no folder is named, or no `--into`"): lambda w: w.harness("merge", w.campaign()),
    ("merge", "a folder does not exist"): lambda w: w.harness("merge", "nowhere", "--into", "both"),
    ("merge", "the folder of `--into` cannot be written"): lambda w: w.harness(
        "merge", w.campaign(), "--into", "file/both"
    ),
    ("env make", "they are there"): lambda w: w.agreeing().harness("env", "make", "jax", "--yes"),
    ("env make", "a name is unknown"): lambda w: w.harness("env", "make", "jaxx", "--yes"),
    ("env make", "nobody agreed to it"): lambda w: w.harness("env", "make", "jax"),
    ("env list", "they were listed"): lambda w: w.harness("env", "list"),
    ("env remove", "they are gone"): lambda w: w.harness("env", "remove", "--all", "--yes"),
    ("env remove", "no environment is named, or one that is not there"): lambda w: w.harness(
        "env", "remove", "jax", "--yes"
    ),
    ("env update", "all are as the pins have them"): lambda w: w.harness("env", "update", "--yes"),
    ("env update", "the environment is not there"): lambda w: w.harness(
        "env", "update", "jax", "--yes"
    ),
    ("scenario new", "the file is written, whatever is marked in it"): lambda w: alike(
        w.harness("scenario", "new", "fresh"),
        w.harness("scenario", "new", "marked", "--from", w.script("model.fit(x, y)")),
    ),
    ("scenario new", "the name is taken or is none, or no scenario can be made of the script"): (
        lambda w: alike(
            w.harness("scenario", "new", TINY),
            w.harness("scenario", "new", "a-b"),
            w.harness("scenario", "new", "fresh", "--from", w.script()),
        )
    ),
    ("scenario new", "the file cannot be written"): lambda w: w.sealed().harness(
        "scenario", "new", "fresh"
    ),
    ("list", "scenarios and backends were listed, also those that cannot be used"): lambda w: (
        w.harness("list")
    ),
    ("every command", "`--help`, `--version`"): lambda w: alike(
        w.harness("--version"), *(w.harness(*words, "--help") for words in COMMANDS)
    ),
    ("every command", "an option or a command is unknown, or a needed one is missing"): lambda w: (
        alike(
            w.harness(),
            w.harness("rnu"),
            *(w.harness(*words, "--no-such-option") for words in COMMANDS),
        )
    ),
    ("every command", "an option that takes one value, or a name in a list, is given twice"): (
        lambda w: alike(
            w.harness("run", *w.trial(), "--backend", "jax,jax"),
            w.harness("run", *w.trial(), "--device", "cpu", "--device", "cpu"),
            w.harness("parity", *w.pair(), "--env", "jax=/a"),
            w.harness("compare", "a", "b", "--margin", "1%", "--margin", "2%"),
            w.harness("data", "prepare", "--source", "tfds", "--source", "mirror"),
        )
    ),
    ("every command", "`HARNESS_SCENARIO_PATH` leads nowhere, and scenarios are looked for"): (
        lambda w: (
            w.nowhere()
            and alike(
                *(w.harness(name, TINY) for name in ("run", "parity", "anatomy")),
                w.harness("sweep", TINY, *POINT),
                w.harness("list"),
                w.harness("report", w.campaign()),
                w.harness("findings", w.campaign()),
                w.harness("compare", w.campaign(), w.campaign("after")),
            )
        )
    ),
    ("every command", "a file or a folder may not be read or written, or the disk is full"): (
        lambda w: w.process(
            "list",
            first="from harness import scenario\n"
            "def names(): raise PermissionError(13, 'Permission denied', 'folder')\n"
            "scenario.names = names",
        )
    ),
    ("run", "`--launcher`: no scheduler answers, or no slot can"): lambda w: w.process(
        "run", *w.trial(), "--launcher", "dask", "--scheduler", NOBODY, first=IMPATIENT
    ),
    ("run", "an option of a cluster without one, or a mistake in `cluster.toml`"): lambda w: alike(
        w.harness("run", *w.trial(), "--exclusive"),
        w.harness("run", *w.trial(), "--launcher", "dask", "--cluster", w.toml("x = 1")),
    ),
    ("cluster up", "Ctrl-C, once its slots are there"): lambda w: w.serving()[0],
    ("cluster up", "an address that others reach, without certificates"): lambda w: w.harness(
        "cluster", "up", "--host", "10.0.0.5"
    ),
    ("cluster up", "a port is taken, or the file of `--cluster` is not there"): lambda w: alike(
        w.harness("cluster", "up", "--cluster", "none.toml"), w.on_a_taken_port()
    ),
    ("cluster join", "Ctrl-C, once its slots are there"): lambda w: w.serving()[1],
    ("cluster join", "an address that others reach, without certificates"): lambda w: w.harness(
        "cluster", "join", "tcp://10.0.0.5:8786"
    ),
    ("cluster join", "no scheduler answers"): lambda w: w.process(
        "cluster", "join", NOBODY, first=IMPATIENT
    ),
    ("every command", "Ctrl-C"): lambda w: alike(*(w.interrupted(*words) for words in COMMANDS)),
    ("every command", "whoever reads the output has gone, as in `harness list \\| head -1`"): (
        lambda w: w.left_alone("list")
    ),
    ("every command", "the disk that the output goes to is full"): lambda w: w.full("list"),
    ("every command", "a fault of the harness itself, with a traceback"): lambda w: w.process(
        "list", first="from harness import scenario; scenario.names = None"
    ),
}

COMMANDS: list[list[str]] = commands()


def alike(first: int, *others: int) -> int:
    """The code that all of them are."""
    assert set(others) == {first}
    return first


def rows() -> list[Row]:
    """The rows of the table of the page."""
    lines = re.findall(r"^\| `harness ([\w ]+)` \| (\d+) \| (.+) \|$", PAGE, re.MULTILINE)
    lines += re.findall(r"^\| (every command) \| (\d+) \| (.+) \|$", PAGE, re.MULTILINE)
    return [Row(command, int(code), when) for command, code, when in lines]


@pytest.fixture
def world(tmp_path, monkeypatch, make_campaign):
    return World(tmp_path, monkeypatch, make_campaign)


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.command} {row.code}: {row.when}")
def test_the_command_exits_with_what_the_table_says(row, world):
    case = CASES.get((row.command, row.when))
    assert case is not None, f"docs/exit-codes.md has a row without a case here: {row}"
    assert case(world) == row.code


def test_every_case_has_its_row():
    assert sorted(CASES) == sorted({(row.command, row.when) for row in rows()})
    assert len(CASES) == len(rows())


def test_every_command_and_every_code_has_a_row():
    assert {" ".join(words) for words in COMMANDS} < {row.command for row in rows()}
    codes = {*map(int, ExitCode), *map(int, GateCode)}
    assert {row.code for row in rows()} == codes


@pytest.mark.parametrize("code", [*ExitCode, *GateCode], ids=str)
def test_the_page_and_the_help_say_of_a_code_what_the_enumeration_says(code, world, capsys):
    assert f"| {int(code)} | {code.says} |" in PAGE
    assert world.harness("--help") == ExitCode.OK
    assert f"{int(code)}  {code.says}" in " ".join(capsys.readouterr().out.split()).replace(
        f"{int(code)} ", f"{int(code)}  "
    )


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_help_of_a_command_names_the_codes_of_its_rows(words, world, capsys):
    world.harness(*words, "--help")
    (told,) = re.findall(r"Exit codes?\b.*", capsys.readouterr().out, re.DOTALL)
    codes = {int(code) for code in re.findall(r"(?<![\w.:-])\d+(?![\w%]|[.,-]\d)", told)}
    assert {row.code for row in rows() if row.command == " ".join(words)} <= codes
