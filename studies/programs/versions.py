"""Is a Keras whose epochs cost 5% more called slower, and does one Keras get a verdict on itself?

    python -m studies.programs.versions FOLDER [--times 1] [--slowdown 0.05] [--backend jax]
        [--keras 3.15.1] [--program studies/programs/small.py] [--only same|slowed]

Each time there are two campaigns of `harness run PROGRAM --env a=… --env b=…`, ended by its own
default rule: `same`, where both are one environment, and `slowed`, where b has a Keras of its own,
a wheel made here from the released one. First it is measured, within processes that switch the
delay on and off, by how much it slows an epoch of the program; the verdict has to hold that.
Whatever else is given goes to `harness run`, such as `--precision 2%`.
"""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from harness.analysis.answers import turned
from harness.analysis.before_after.compare import compare
from harness.analysis.speed.pairs import PairVerdict
from harness.cli.options import CampaignRequest
from harness.cli.places import candidates
from harness.records.trial import Record
from studies.turns.campaigns import asked, campaign, show, table, verdicts
from studies.twins.slowed import AsAsked

PATCHED = "keras/src/callbacks/callback_list.py"

PATCH = """

import time as _time

SLOWDOWN = {slowdown!r}


def _slowed(kind):
    begin, end = kind.on_epoch_begin, kind.on_epoch_end

    def on_epoch_begin(self, epoch, logs=None):
        begin(self, epoch, logs)
        self._began_s = _time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs = python_utils.pythonify_logs(logs)  # waits for the device
        now_s = _time.perf_counter()
        until_s = now_s + SLOWDOWN * (now_s - self._began_s)
        while _time.perf_counter() < until_s:
            pass
        end(self, epoch, logs)

    kind.on_epoch_begin, kind.on_epoch_end = on_epoch_begin, on_epoch_end


_slowed(CallbackList)
"""

PROCESSES = 5
"""In which it is measured by how much that Keras slows an epoch: single ones said 1.9 to 8.6%."""

MEASURE = """
import runpy, statistics, sys, time
import keras
from keras.src.callbacks import callback_list
asked = callback_list.SLOWDOWN
BLOCK, BLOCKS = 8, 40
took = [[] for _ in range(BLOCKS)]
class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        callback_list.SLOWDOWN = asked * (epoch // BLOCK % 2)
        self.began_s = time.perf_counter()
    def on_epoch_end(self, epoch, logs=None):
        took[epoch // BLOCK].append(time.perf_counter() - self.began_s)
fit = keras.Model.fit
longer = {"epochs": BLOCK * BLOCKS, "callbacks": [Clock()]}
keras.Model.fit = lambda self, *data, **given: fit(self, *data, **given | longer)
runpy.run_path(sys.argv[1], run_name="__main__")
# What an epoch leaves behind slows the next one: the first of each block is not counted.
took = [statistics.median(block[1:]) for block in took[2:]]
print(statistics.median(s / p for p, s in zip(took[::2], took[1::2])) - 1)
"""


def main() -> None:
    """Run what is missing, and print the verdict on each."""
    study = asked(
        __doc__,
        times=1,
        slowdown={"type": float, "default": 0.05},
        backend={"default": "jax"},
        keras={"default": "3.15.1"},
        program={"default": str(Path(__file__).with_name("small.py"))},
        only={"choices": ("same", "slowed"), "default": None},
    )
    own = study.own
    study.folder.mkdir(parents=True, exist_ok=True)
    wheel = slowed_wheel(own.keras, own.slowdown, study.folder)
    plain = f"keras=={own.keras}"
    kinds = {"same": plain, "slowed": str(wheel)}
    kinds = {name: what for name, what in kinds.items() if own.only in {None, name}}
    took = 0.0
    if "slowed" in kinds:
        found = measured(own.backend, wheel, own.program)
        took = statistics.median(found)
        each = ", ".join(f"{one:+.1%}" for one in found)
        print(f"epochs of {wheel.name} take {took:+.1%} ({each})", flush=True)
    rows = []
    same: list[list[Record]] = []
    for number in range(1, study.times + 1):
        for kind, what in kinds.items():
            results = study.folder / f"{number:02}-{own.backend}-{kind}"
            options = ["--backend", own.backend, "--env", f"a={plain}"]
            options += ["--env", f"b={what}", "--yes"]
            records = campaign(results, [*options, *study.rest], scenario=own.program)
            if kind == "same":
                same.append([record for record in records if record.cell.name == "a"])
            slowdown = took if kind == "slowed" else 0.0
            rows += [(number, kind, *row(found, slowdown)) for found in verdicts(results)]
    show(table(("time", "b", "rounds", "b over a", "low", "high", "b is", "as expected"), rows))
    if len(same) > 1:
        print("a of one campaign against a of the one before, as harness compare sees them")
        header = ("trials before", "trials after", "after over before", "low", "high", "after is")
        show(table(header, list(itertools.starmap(apart, itertools.pairwise(same)))))


def apart(before: Sequence[Record], after: Sequence[Record]) -> list[object]:
    """What two campaigns, one after the other, say of one environment."""
    (cell,) = compare(before, after).cells
    found = cell.speed
    if found is None or found.low is None or found.ratio is None or found.high is None:
        return [cell.trials_before, cell.trials_after, "–", "–", "–", "no interval"]
    shown = [f"{100 * (end - 1):+.1f}%" for end in (found.ratio, found.low, found.high)]
    return [found.trials_before, found.trials_after, *shown, found.kind]


def row(found: PairVerdict, slowdown: float) -> list[object]:
    """The verdict on b over a, in words, and whether it is the true one."""
    given = of_b(found)
    if given is None:
        return [found.verdict.rounds, "–", "–", "–", "no interval", "NO"]
    shown = [f"{100 * (end - 1):+.1f}%" for end in (given.ratio, given.low, given.high)]
    right = given.kind not in {"faster", "slower"}
    if slowdown:
        right = given.kind == "slower" and given.low <= 1 + slowdown <= given.high
    return [found.verdict.rounds, *shown, given.kind, "yes" if right else "NO"]


def of_b(found: PairVerdict) -> AsAsked | None:
    """The verdict on b over a, whichever of them comes first."""
    given = found.verdict if found.pair.first.name == "b" else turned(found.verdict)
    if given.low is None or given.ratio is None or given.high is None:
        return None
    return AsAsked(given.low, given.ratio, given.high, given.kind)


def slowed_wheel(version: str, slowdown: float, folder: Path) -> Path:
    """A wheel of that Keras whose epochs take longer by the share ``slowdown``; made once.

    Raises:
        CalledProcessError: if pip cannot get the released one.
    """
    local = f"{version}+slowed{round(1000 * slowdown)}"
    path = folder / f"keras-{local}-py3-none-any.whl"
    if path.exists():
        return path
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder),
         f"keras=={version}"],
        check=True,
    )  # fmt: skip
    (released,) = folder.glob(f"keras-{version}-*.whl")
    patch(released, path, version, local, slowdown)
    return path


def patch(released: Path, path: Path, version: str, local: str, slowdown: float) -> None:
    """Write the wheel ``released`` to ``path`` as version ``local``, with slower epochs."""
    old, new = f"keras-{version}.dist-info/", f"keras-{local}.dist-info/"
    partial = path.with_suffix(".partial")
    with zipfile.ZipFile(released) as source, zipfile.ZipFile(partial, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == PATCHED:
                content += PATCH.format(slowdown=slowdown).encode()
            if name == f"{old}METADATA":
                was, now = (f"\nVersion: {one}\n".encode() for one in (version, local))
                content = content.replace(was, now)
            if name == f"{old}RECORD":  # without hashes: what was changed has another one
                names = [each.replace(old, new) for each in source.namelist()]
                content = "".join(f"{each},,\n" for each in names).encode()
            target.writestr(name.replace(old, new), content)
    partial.rename(path)


def measured(backend: str, wheel: Path, program: str) -> list[float]:
    """By which share the epochs of ``program`` take longer with ``wheel``, in each process.

    Raises:
        CalledProcessError: if it cannot train.
    """
    request = CampaignRequest(
        scenario="", backends=[backend], environments=[f"b={wheel}"], yes=True
    )
    ((interpreter, *_),) = candidates(request, lambda line: print(line, file=sys.stderr)).values()
    found = []
    for _ in range(PROCESSES):
        done = subprocess.run(
            [str(interpreter.python), "-c", MEASURE, program],
            env=os.environ | {"KERAS_BACKEND": backend},
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(float(done.stdout.splitlines()[-1]))
    return found


if __name__ == "__main__":
    main()
