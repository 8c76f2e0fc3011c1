"""Single operations on real frameworks; run in a backend's environment, as KERAS_BACKEND says.

    pytest tests/benchmark [--device cpu|gpu] [--scenario ranking,dcn] [--results FOLDER]

The JSON of pytest-benchmark is saved beside the records, where the report finds it. The suite runs
in a child of this process, which sees what a trial sees: no ``~/.keras/keras.json``, and no
variable of the shell that changes a measurement.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from harness.data import cache
from harness.launch.variables import child_variables
from harness.probe.machine import WITH_HOST_VARIABLE, hostname
from harness.store.benchmarks import NAMED

BACKEND = os.environ.get("KERAS_BACKEND")

SHOWS = ("CI", "COLUMNS", "FORCE_COLOR", "NO_COLOR", "TERM")
"""Variables of the terminal, which change what pytest prints and nothing that it measures."""

FETCHES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "PIP_INDEX_URL")
"""Where the ratings come from, if they are not prepared yet."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("harness")
    group.addoption("--device", default="cpu", choices=["cpu", "gpu"], help="where to measure")
    group.addoption(
        "--scenario", default="ranking", help="what to measure, one or several by comma"
    )
    group.addoption(
        "--results", default="results/local", help="the folder whose records this belongs to"
    )
    group.addoption(
        "--with-host", action="store_true", help="keep the name of this machine, not a hash of it"
    )
    group.addoption("--as-child", action="store_true", help=argparse.SUPPRESS)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Run the suite in a child with the variables of one, and give its exit code."""
    if config.option.as_child:
        return None
    with TemporaryDirectory(prefix="harness-benchmark-") as keras_home:
        variables = child_variables(
            os.environ,
            backend=BACKEND,
            device=config.option.device,
            keras_home=Path(keras_home),
            pass_env=(*SHOWS, *FETCHES),
        )
        variables[cache.CACHE_VARIABLE] = str(cache.find().folder.absolute())
        if config.option.with_host:
            variables[WITH_HOST_VARIABLE] = "1"
        # -P: a folder called `jax` in the current one must not stand in for the framework.
        command = [sys.executable, "-P", "-m", "pytest", *config.invocation_params.args]
        return subprocess.run([*command, "--as-child"], env=variables, check=False).returncode


@pytest.fixture(autouse=True)
def own_folder() -> None:
    """A measurement runs where the user is, beside the records."""


@pytest.fixture(autouse=True)
def no_frameworks() -> None:
    """They are what is measured."""


def pytest_configure(config: pytest.Config) -> None:
    """Save beside the records, unless --benchmark-json names another place."""
    if config.option.as_child and config.option.benchmark_json is None and BACKEND is not None:
        path = Path(config.option.results) / "benchmarks" / f"{BACKEND}-{config.option.device}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        config.option.benchmark_json = str(path)


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """As in a record: a hash of the machine's name, unless its user asks for the name."""
    machine_info["node"] = hostname(os.environ)
    if os.environ.get(WITH_HOST_VARIABLE):
        machine_info[NAMED] = True
