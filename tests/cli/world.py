"""A small world for the real command: a scenario, fake interpreters, campaigns, what is missing."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from harness import cli
from harness.cli import campaign, env
from harness.data import cache, file, synthetic
from harness.data import table as tables
from harness.data.sources import SOURCES
from harness.launch import check as checking
from harness.launch.lock import only_campaign
from harness.probe import doctor
from harness.probe.checks import Finding
from harness.records import check
from harness.store import folder as store
from tests.cli import fake_anatomy, fake_parity
from tests.cli.fake_versions import Versions
from tests.launch import fake_python
from tests.launch.conftest import SCENARIO

WRITERS = {
    "trial": fake_python.write_fake_python,
    "parity": fake_parity.write_fake_python,
    "anatomy": fake_anatomy.write_fake_python,
}

QUIET = (
    "import sys; from harness.cli import campaign; campaign.speed_probe = lambda: 0.2; "
    "campaign.examine = lambda **_: []; campaign.rates = None; "
    "from harness.__main__ import main; main()"
)
"""A program: the harness on a machine whose looks and rates take no time. Its words come behind."""

TINY = "throwaway"
"""The name of the scenario of :data:`SCENARIO`."""

BUSY = Finding(
    check="other processes",
    group="quiet",
    status="warning",
    seen="1.0 cores",
    why="they share the cores",
    remedy="end them",
)
MISSING = Finding(
    check="rating table",
    group="ready",
    status="warning",
    seen="there is none",
    why="trials train on it",
    remedy="harness data prepare",
)


def commands() -> list[list[str]]:
    """Every command of the command line, such as ``["data", "prepare"]``."""
    found = []
    for name, command in typer.main.get_command(cli.app).commands.items():
        inside = getattr(command, "commands", None)
        found += [[name, each] for each in inside] if inside else [[name]]
    return found


class World:
    """The folder of a user, with everything that the cases of exit codes need."""

    def __init__(
        self,
        folder: Path,
        patch: pytest.MonkeyPatch,
        make_campaign: Callable[..., Any],
    ) -> None:
        self._folder = folder
        self._patch = patch
        self._make_campaign = make_campaign
        (folder / "scenarios").mkdir()
        (folder / "scenarios" / f"{TINY}.py").write_text(SCENARIO, encoding="utf-8")
        patch.setenv("HARNESS_SCENARIO_PATH", str(folder / "scenarios"))
        patch.setenv("HARNESS_LOCK_FOLDER", str(folder / "lock"))
        patch.setattr(campaign, "speed_probe", lambda: 0.2)
        patch.setattr(campaign, "rates", None)
        (folder / "file").touch()

    def harness(self, *words: object) -> int:
        """What ``harness WORDS`` exits with, by the function behind the command."""
        self._patch.setattr(sys, "argv", ["harness", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    def process(self, *words: str, first: str = "", **options: Any) -> int:
        """The same in a process of its own, which runs the lines ``first`` before."""
        program = f"import sys; sys.argv = ['harness', *sys.argv[1:]]\n{first}\n"
        program += "from harness.cli import main\nmain()"
        return subprocess.run(
            [sys.executable, "-c", program, *words],
            stderr=subprocess.PIPE,
            check=False,
            **({"stdout": subprocess.PIPE} | options),
        ).returncode

    def fake(self, kind: str, child: str | None = None, *, backend: str = "jax") -> list[str]:
        """The options that choose a fake interpreter, whose child runs the lines ``child``."""
        path = self._folder / f"{kind}-{backend}" / "bin" / "python"
        WRITERS[kind](path, *(() if child is None else (child,)))
        return ["--backend", backend, "--env", f"{backend}={path}"]

    def trial(self, child: str = "leave(good)", **which: Any) -> list[str]:
        """Of trials, one seed of them."""
        return [TINY, "--seeds", "1", *self.fake("trial", child, **which)]

    def precise(self) -> list[str]:
        """Of a campaign that is soon precise, and whose first trial leaves no measurement."""
        fails = "if trial.round == 1: sys.exit(3)\nleave(good)"
        return ["run", TINY, *self.fake("trial", fails), "--precision", "90%", "--budget", "10m"]

    def broken(self) -> str:
        """A scenario whose file cannot be loaded."""
        (self._folder / "scenarios" / "broken.py").write_text("def f(:\n", encoding="utf-8")
        return "broken"

    def script(self, text: str = "import keras") -> str:
        """A script of the user's."""
        path = self._folder / "train.py"
        path.write_text(text + "\n", encoding="utf-8")
        return str(path)

    def double(self) -> str:
        """A scenario with the name of a built-in one."""
        (self._folder / "scenarios" / "ranking.py").write_text(SCENARIO, encoding="utf-8")
        return "ranking"

    def checked(self, status: Any = "ok", *, scenario: str = TINY) -> int:
        """Of `harness check`, where the backend answers with one line."""
        answer = check.Answer(lines=[check.Line(rule="fit", status=status, seen="4 steps")])
        self._patch.setattr(checking, "ask", lambda *_, **__: answer)
        return self.harness("check", scenario, *self.fake("trial"))

    def sealed(self) -> World:
        """Where no file can be written."""

        def denied(path: Path, *_: Any, **__: Any) -> Any:
            raise PermissionError(13, "Permission denied", str(path))

        self._patch.setattr(Path, "open", denied)
        return self

    def nowhere(self) -> World:
        """With a search path for scenarios that leads nowhere."""
        self._patch.setenv("HARNESS_SCENARIO_PATH", str(self._folder / "not-there"))
        return self

    def pair(self, second: str = "leave()", *, backend: str = "torch") -> list[str]:
        """Of parity: two backends, the second of which runs other lines."""
        return [TINY, *self.fake("parity"), *self.fake("parity", second, backend=backend)]

    def anatomy(self, child: str = "leave()") -> list[str]:
        """Of one process of an anatomy."""
        return [TINY, "--processes", "1", *self.fake("anatomy", child)]

    def lost_folder(self) -> str:
        """Lines of a trial that make a file of the results folder; what is kept has a place."""
        self._patch.setattr(store.platformdirs, "user_state_dir", lambda _: str(self._folder / "s"))
        return (
            "import shutil\n"
            "shutil.rmtree(HERE / 'results')\n(HERE / 'results').touch()\nleave(good)"
        ).replace("HERE", f"Path({str(self._folder)!r})")

    def removed_folder(self) -> str:
        """Lines of a trial, the second of which removes the results folder."""
        root = self._folder / "results"
        return f"import shutil\nif trial.seed == 2: shutil.rmtree({str(root)!r})\nleave(good)"

    def full(self, *words: str) -> int:
        """The same as :meth:`process`, where the output goes to a disk that is full."""
        with Path("/dev/full").open("w", encoding="utf-8") as full:
            return self.process(*words, stdout=full)

    def campaign(self, name: str = "results", rounds: int = 14, **changes: Any) -> str:
        """A folder of made-up records of two backends."""
        times = changes.pop("step_time_s", {"jax": 0.002, "torch": 0.004})
        for record in self._make_campaign(times, rounds, **({"seed": len(name)} | changes)):
            store.save(self._folder / name, record)
        return name

    def compare(self, *options: str, **changes: Any) -> int:
        """Of ``harness compare`` on two campaigns, the second with differences."""
        return self.harness(
            "compare", self.campaign("before"), self.campaign("after", **changes), *options
        )

    def measuring(self, *words: object) -> int:
        """The same as :meth:`harness`, while another campaign measures on this machine."""
        with only_campaign(wait=False, say=print):
            return self.harness(*words)

    def bisect(self, *words: str, **trials: str) -> int:
        """Of ``harness bisect`` from version 1.5 to 1.7; ``of_7`` are the lines of 1.7's trial."""
        self._patch.setenv(cache.CACHE_VARIABLE, str(self._folder / "cache"))
        versions = Versions(self._patch)
        versions.trials = {f"1.{name[-1]}": lines for name, lines in trials.items()}
        named = {"--package": "planted", "--good": "1.5", "--bad": "1.7", "--backend": "jax"}
        options = [part for name, value in named.items() for part in (name, value)]
        return self.harness("bisect", TINY, *options, "--rounds", "4", *(words or ["--yes"]))

    def doctor(self, *words: object, busy: bool = False) -> int:
        """Of ``harness doctor`` on a machine where nothing, or one thing, disturbs measuring."""
        findings = [BUSY, MISSING] if busy else [MISSING]
        self._patch.setattr(doctor, "examine", lambda **_: findings)
        return self.harness("doctor", *words)

    def prepared(self) -> World:
        """With a prepared table, which passes for the real one."""
        made = synthetic.generate(users=3, movies=3, ratings=9, seed=1)
        self._patch.setattr(tables, "RATINGS_SHA256", made.ratings_sha256)
        there = cache.find(self._folder / "cache")
        there.make()
        file.write(made, there.table)
        self._patch.setenv(cache.CACHE_VARIABLE, str(there.folder))
        return self

    def offline(self) -> World:
        """Where no source of ratings works, and none is prepared."""
        for source in SOURCES.values():
            self._patch.setattr(type(source), "problem", lambda *_: "there is no network")
            self._patch.setattr(type(source), "online", lambda *_: "there is no network")
        return self

    def toml(self, text: str) -> str:
        """A ``cluster.toml`` that says so."""
        path = self._folder / "cluster.toml"
        path.write_text(text + "\n", encoding="utf-8")
        return str(path)

    def on_a_taken_port(self) -> int:
        """Of ``harness cluster up`` where another program listens already."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            return self.process("cluster", "up", "--port", str(port), "--dashboard-port", "0")

    def serving(self) -> tuple[int, int]:
        """Of ``harness cluster up``, and of ``join`` beside it: a Ctrl-C once both have slots."""
        run = [sys.executable, "-m", "harness", "cluster"]
        codes = []
        with contextlib.ExitStack() as stack:
            up = [*run, "up", "--port", "0", "--dashboard-port", "0"]
            first = stack.enter_context(self._background(up, "lock-1"))
            (at,) = _until(first, r"1 slot at (\S+): slot-1")
            second = stack.enter_context(self._background([*run, "join", at], "lock-2"))
            _until(second, r"1 slot at")
            for process in (second, first):
                process.send_signal(signal.SIGTERM)
                codes.append(process.wait(timeout=60))
        return codes[1], codes[0]

    def _background(self, command: list[str], lock: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"HARNESS_LOCK_FOLDER": str(self._folder / lock)},
        )

    def agreeing(self) -> World:
        """Where environments need not be made."""
        self._patch.setattr(env, "make_all", lambda *_, **__: None)
        return self

    def interrupted(self, *words: object) -> int:
        """The same as :meth:`harness`, with a Ctrl-C as soon as the command begins."""

        def ctrl_c(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        with self._patch.context() as patch:
            patch.setattr(typer.core.TyperCommand, "make_context", ctrl_c)
            return self.harness(*words)

    def left_alone(self, *words: str) -> int:
        """The same as :meth:`process`, where whoever reads the output has gone."""
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "w") as closed:
            return self.process(*words, stdout=closed)


def _until(process: subprocess.Popen[str], pattern: str) -> list[str]:
    """What a line says that a process prints, once it matches."""
    for line in process.stdout or ():
        if found := re.search(pattern, line):
            return list(found.groups())
    raise AssertionError(f"it ended with {process.wait()}")
