"""The machines that measured."""

from __future__ import annotations

from collections import defaultdict

from harness.analysis.provenance import Machine
from harness.analysis.study import Study
from harness.report import format as fmt
from harness.report.document import Bullet, Section
from harness.report.table import machine_label
from harness.words import count, listed

KEY = "machine"


def section(study: Study) -> Section:
    """Each machine with what a step's time may hang on; those that are alike together."""
    alike: dict[str, list[Machine]] = defaultdict(list)
    for machine in study.machines:
        alike[_facts(machine)].append(machine)
    return Section(
        key=KEY,
        heading="Machine",
        bullets=[Bullet(text=_machines(alike[facts], facts)) for facts in alike],
    )


def _machines(alike: list[Machine], facts: str) -> str:
    names = [f"{machine_label(machine.machine_id)} ({machine.hostname})" for machine in alike]
    several = f"{count(len(alike), 'machine')}, " if len(alike) > 1 else ""
    trials = count(sum(machine.trials for machine in alike), "trial")
    return fmt.plain(f"{several}{listed(names)}: {facts}, {trials}")


def _facts(machine: Machine) -> str:
    physical = "" if machine.physical_cores is None else f"{machine.physical_cores} physical and "
    facts = [
        machine.cpu,
        f"{physical}{machine.logical_cores} logical cores",
        *([f"limited to {machine.cpu_quota:g} CPUs"] if machine.cpu_quota is not None else []),
        *machine.gpus,
        f"{fmt.capacity(machine.memory_total_bytes)} memory",
        machine.os,
        *(python if python[:1].isalpha() else f"Python {python}" for python in machine.python),
        *([f"NumPy {' and '.join(machine.numpy)}"] if machine.numpy else []),
        *([f"virtualised ({machine.virtualised})"] if machine.virtualised else []),
    ]
    return ", ".join(facts)
