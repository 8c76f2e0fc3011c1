"""How narrow are intervals after the same wall time, in turns and from pyperf's own processes?

    python studies/turns/against_pyperf.py FOLDER --pyperf VENV [--times 3] [--budget 180] \
        [--busy] --env jax=.tox/jax --env tensorflow=.tox/tf --env torch=.tox/torch

pyperf times the same epochs of the same model, in fresh processes of its own, one backend after the
other, each for a third of the time: four epochs of warm-up and eight values in each process. The
process is the unit, as here: Welch's interval of the difference of mean log step times, at the
family level of the campaign. ``VENV`` is a virtual environment that has pyperf, which only this
study needs: ``python -m venv VENV && VENV/bin/pip install pyperf``. ``--busy`` runs each beside the
processes of ``studies/twins/busy.py``, the same ones for both.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from scipy.special import stdtrit

from harness.analysis.speed.verdict import judging_confidence
from harness.backends import BACKENDS
from harness.launch.variables import child_variables
from studies.turns.campaigns import (
    NEVER,
    asked,
    campaign,
    disturbing,
    half_widths,
    share,
    show,
    table,
    wider,
)

WARM_UP_EPOCHS = 4
VALUES = 8
BOUND = 0.5
ROOT = Path(__file__).parents[2]


def by_pyperf(backend: str, python: str, site: str, budget_s: float) -> list[float]:
    """The median step time of each process that pyperf starts within the time, in seconds."""
    started_s = time.monotonic()
    found = _processes(backend, python, site, 1)
    each_s = time.monotonic() - started_s
    further = int((budget_s - each_s) / each_s)
    return found + (_processes(backend, python, site, further) if further > 0 else [])


def _processes(backend: str, python: str, site: str, count: int) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        variables = child_variables(
            os.environ, backend=backend, device="cpu", keras_home=Path(folder)
        )
        variables |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{site}", "STUDY_BACKEND": backend}
        output = Path(folder) / "values.json"
        # fmt: off
        command = [
            python, str(ROOT / "studies" / "turns" / "epochs.py"), "--quiet",
            "--processes", str(count), "--warmups", str(WARM_UP_EPOCHS), "--values", str(VALUES),
            "--loops", "1", "--inherit-environ", ",".join(variables), "--output", str(output),
        ]
        # fmt: on
        subprocess.run(command, env=variables, stdout=sys.stderr, check=True)
        (benchmark,) = json.loads(output.read_text(encoding="utf-8"))["benchmarks"]
    return [statistics.median(run["values"]) for run in benchmark["runs"] if "values" in run]


def welch(first: Sequence[float], second: Sequence[float], confidence: float) -> float:
    """Half of Welch's interval for the ratio of geometric means, as a share."""
    if min(len(first), len(second)) < 2:
        return math.inf
    parts = [statistics.variance(map(math.log, each)) / len(each) for each in (first, second)]
    counts = [len(first) - 1, len(second) - 1]
    freedom = sum(parts) ** 2 / sum(p**2 / n for p, n in zip(parts, counts, strict=True))
    return math.expm1(float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(sum(parts)))


def main() -> None:
    """Run what is missing, and print every half-width and the ratio of the medians."""
    study = asked(
        __doc__,
        times=3,
        pyperf={"type": Path, "required": True},
        budget={"type": float, "default": 180.0},
        env={"action": "append", "required": True},
        busy={"action": "store_true"},
    )
    pythons = dict(each.split("=", 1) for each in study.own.env)
    (site,) = study.own.pyperf.glob("lib/python*/site-packages")
    level = judging_confidence(0.95, 3, sequential=True)
    widths: dict[str, list[tuple[float, float]]] = {}
    rows = []
    for number in range(1, study.times + 1):
        kept = study.folder / f"pyperf-{number:02}.json"
        if not kept.exists():
            with disturbing(study, number):
                steps_s = {
                    backend: by_pyperf(
                        backend,
                        str(ROOT / pythons[backend] / "bin" / "python"),
                        str(site.resolve()),
                        study.own.budget / len(BACKENDS),
                    )
                    for backend in BACKENDS
                }
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(steps_s), encoding="utf-8")
        steps_s = json.loads(kept.read_text(encoding="utf-8"))
        options = ["--backend", ",".join(BACKENDS), "--precision", NEVER]
        options += ["--budget", f"{study.own.budget:g}s", "--turns", "on", *study.rest]
        options += [word for each in study.own.env for word in ("--env", each)]
        results = study.folder / f"turns-{number:02}"
        with disturbing(study, number):
            campaign(results, options)
        in_turns = half_widths(results)
        for first, second in itertools.combinations(BACKENDS, 2):
            pair = f"{first} / {second}"
            alone = welch(steps_s[first], steps_s[second], level)
            ours = in_turns.get(pair, math.inf)
            widths.setdefault(pair, []).append((ours, alone))
            processes = f"{len(steps_s[first])} and {len(steps_s[second])}"
            rows.append((number, pair, share(ours), share(alone), processes))
    show(table(("time", "pair", "in turns", "pyperf", "its processes"), rows))
    lines = []
    for pair, both in widths.items():
        ours, alone = (statistics.median(each) for each in zip(*both, strict=True))
        lines.append((pair, share(ours), share(alone), wider(ours, alone), f"at most {BOUND} ×"))
    show(table(("pair", "in turns, median", "pyperf, median", "ratio", "bound"), lines))


if __name__ == "__main__":
    main()
