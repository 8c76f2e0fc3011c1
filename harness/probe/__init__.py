"""What the machine is, and how quiet it is.

One module per fact; :func:`environment` puts them together for the record of a trial, and
``doctor.py`` judges them for a person. Nothing here imports a framework, and a fact that this
system does not tell is ``None``, never an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.probe import files
from harness.probe.gpu import gpus
from harness.probe.software import provenance
from harness.records.machine import Environment

__all__ = ["environment", "gpus", "provenance"]


def environment(variables: Mapping[str, str], root: Path = files.ROOT) -> Environment:
    """The machine and the software of this process, in well under 100 ms.

    Call it once the framework is imported, and before the training starts: thread pools show only
    when their libraries are loaded, and the load should not yet be that of the trial.

    ``variables`` are the environment variables that the process was given; values that look secret
    are withheld from the record.
    """
    # Here, not above: `harness --help` needs provenance() and gpus() at most.
    from harness.probe.cgroup import cpu_quota
    from harness.probe.cpu import cpu
    from harness.probe.machine import hostname, machine_id, virtualisation
    from harness.probe.memory import memory
    from harness.probe.noise import load_average
    from harness.probe.power import on_mains, swap_used_bytes
    from harness.probe.software import operating_system, packages, python
    from harness.probe.threads import thread_pools
    from harness.probe.variables import redacted

    processor = cpu(root)
    size = memory(root)
    return Environment(
        machine_id=machine_id(processor, root),
        hostname=hostname(variables, root),
        os=operating_system(root),
        python=python(),
        cpu=processor,
        gpus=gpus(),
        memory_total_bytes=size.total_bytes,
        memory_available_bytes=size.available_bytes,
        load_average=load_average(),
        thread_pools=thread_pools(),
        packages=packages(),
        variables=redacted(variables, root),
        virtualised=virtualisation(root),
        cpu_quota=cpu_quota(root),
        swap_used_bytes=swap_used_bytes(),
        on_mains=on_mains(),
    )
