"""Would two backends be told apart sooner if their processes trained in turns? An experiment.

    python -m studies.clocks.turns .tox/jax/bin/python .tox/tf/bin/python [SECONDS] [TURNS]

A round of ``harness run`` is one process after the other, some 15 s of them, and what a machine's
neighbours do changes in less. Here both processes of a round are alive at once: they import side by
side, then train two epochs each in turn while the other waits. A round gives one log-ratio, the
median over its turns. Rounds go on until the seconds (90) are used; the interval is over rounds.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.analysis.speed.interval import interval
from harness.launch.variables import child_variables
from studies.clocks.ready import ready_to_fit

EPOCHS = 2
WARM_UP_EPOCHS = 3


def train_when_asked(backend: str) -> None:
    """Train whenever a line comes in, and answer with the milliseconds of a step."""
    prepared, loop = ready_to_fit(backend)
    loop.train(epochs=WARM_UP_EPOCHS, callbacks=[])
    loop.synchronize()
    print("ready", flush=True)
    for _ in sys.stdin:
        started_s = time.perf_counter()
        loop.train(epochs=EPOCHS, callbacks=[])
        loop.synchronize()
        print(1e3 * (time.perf_counter() - started_s) / (EPOCHS * prepared.steps), flush=True)


class Child:
    """A process that trains when it is asked to."""

    def __init__(self, backend: str, python: str, keras_home: Path) -> None:
        self._process = subprocess.Popen(
            [python, "-m", "studies.clocks.turns", "--child", backend],
            env=child_variables(os.environ, backend=backend, device="cpu", keras_home=keras_home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def wait(self) -> None:
        """Until it has warmed up."""
        while self._read() != "ready":
            pass

    def step_ms(self) -> float:
        """Let it train for a turn; gives the milliseconds of a step."""
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return float(self._read())

    def end(self) -> None:
        """End it."""
        self._process.stdin.close()
        self._process.wait()

    def _read(self) -> str:
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a process ended early")
        return line.strip()


def main(first: str, second: str, budget_s: float = 90.0, turns: int = 5) -> None:
    """Measure rounds until the time is used, and give the interval of their ratios."""
    started_s = time.monotonic()
    log_ratios: list[float] = []
    trained_s = longest_s = 0.0
    while time.monotonic() - started_s + longest_s < budget_s:
        begun_s = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            pythons = {"jax": first, "tensorflow": second}
            children = [Child(name, python, Path(folder)) for name, python in pythons.items()]
            for child in children:
                child.wait()
            in_turn: list[float] = []
            turns_begun_s = time.monotonic()
            for number in range(turns):
                order = children if number % 2 else children[::-1]
                ms = {child: child.step_ms() for child in order}
                in_turn.append(math.log(ms[children[0]] / ms[children[1]]))
            trained_s += time.monotonic() - turns_begun_s
            for child in children:
                child.end()
        log_ratios.append(statistics.median(in_turn))
        longest_s = max(longest_s, time.monotonic() - begun_s)
        print(
            f"round {len(log_ratios)}: {math.exp(log_ratios[-1]):.3f}, in its turns "
            f"{math.exp(min(in_turn)):.3f} to {math.exp(max(in_turn)):.3f}",
            flush=True,
        )
    wall_s = time.monotonic() - started_s
    found = interval(log_ratios)
    print(
        f"jax / tensorflow {math.exp(found.estimate):.3f}, known to ±{found.half_width:.1%} after "
        f"{found.rounds} rounds (they spread by {statistics.stdev(log_ratios):.1%}); "
        f"{trained_s / wall_s:.0%} of {wall_s:.0f} s were training in turns"
    )


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        train_when_asked(sys.argv[2])
    else:
        main(*sys.argv[1:3], *map(float, sys.argv[3:4]), *map(int, sys.argv[4:5]))
