"""Which processor this is, which part of it this process may use, and how its clock is governed."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil

from harness.probe import files
from harness.records.cell import Struct
from harness.records.machine import Cpu

MODEL_FIELDS = ("model name", "cpu model", "cpu")
"""Names of the model's line in /proc/cpuinfo: x86, MIPS, POWER. ARM has none."""


class TurboSwitch(Struct, frozen=True, kw_only=True):
    """The file that allows the clock to rise above its base, where the kernel offers one.

    ``off`` is what must be written to ``path`` (below the root) to forbid it.
    """

    path: str
    on: bool
    off: str


def cpu(root: Path = files.ROOT) -> Cpu:
    """Facts of the processor; what cannot be read here is ``None``."""
    allowed = affinity()
    switch = turbo_switch(root)
    return Cpu(
        model=model(root),
        architecture=platform.machine() or "unknown",
        logical_cores=files.asked(psutil.cpu_count) or os.cpu_count() or 1,
        physical_cores=files.asked(lambda: psutil.cpu_count(logical=False)),
        affinity=allowed,
        governor=governor(root, allowed),
        turbo=None if switch is None else switch.on,
    )


def model(root: Path = files.ROOT) -> str:
    """The processor's model name, ``unknown`` where nothing tells it."""
    fields = parse_cpuinfo(files.text(root / "proc/cpuinfo") or "")
    for name in MODEL_FIELDS:
        if fields.get(name):
            return " ".join(fields[name].split())
    return _model_by_library() or platform.processor() or "unknown"


def parse_cpuinfo(content: str) -> dict[str, str]:
    """The fields of the first processor in ``content`` (/proc/cpuinfo), names in lower case."""
    fields: dict[str, str] = {}
    for line in content.strip().splitlines():
        if not line.strip():
            break  # the next processor
        name, separator, value = line.partition(":")
        if separator:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def affinity() -> list[int] | None:
    """The logical CPUs that this process may use; ``None`` on macOS, which has no such thing."""
    allowed = files.asked(lambda: psutil.Process().cpu_affinity())
    if allowed is None and hasattr(os, "sched_getaffinity"):  # the kernel itself, without /proc
        allowed = list(os.sched_getaffinity(0))
    return None if allowed is None else sorted(allowed)


def usable() -> list[int]:
    """The logical CPUs that this process may use, all of them where the system does not say."""
    return affinity() or list(range(os.cpu_count() or 1))


def governor(root: Path = files.ROOT, cpus: list[int] | None = None) -> str | None:
    """The frequency governor of ``cpus`` (all if ``None``), several joined by commas.

    ``None`` where there is no frequency scaling to be seen, as in most virtual machines.
    """
    return ",".join(sorted(set(_frequency_files(root, cpus, "scaling_governor")))) or None


def turbo_switch(root: Path = files.ROOT) -> TurboSwitch | None:
    """The kernel's switch for turbo (Intel) or boost (all others), if there is one."""
    for path, value_on, off in (
        ("sys/devices/system/cpu/intel_pstate/no_turbo", "0", "1"),
        ("sys/devices/system/cpu/cpufreq/boost", "1", "0"),
    ):
        content = files.text(root / path)
        if content in {"0", "1"}:
            return TurboSwitch(path=path, on=content == value_on, off=off)
    return None


def frequency_mhz(root: Path = files.ROOT, cpus: list[int] | None = None) -> float | None:
    """The mean clock of ``cpus`` (all if ``None``) at this moment, in MHz, where it can be read."""
    values = [
        float(value) / 1000
        for value in _frequency_files(root, cpus, "scaling_cur_freq")
        if value.isdigit()
    ]
    if not values:
        for line in (files.text(root / "proc/cpuinfo") or "").splitlines():
            name, _, value = line.partition(":")
            if name.strip().lower() == "cpu mhz" and value.strip().replace(".", "", 1).isdigit():
                values.append(float(value))
    return sum(values) / len(values) if values else None


def _frequency_files(root: Path, cpus: list[int] | None, name: str) -> list[str]:
    """The contents of the file ``name`` of each of ``cpus``, where it can be read."""
    folder = root / "sys/devices/system/cpu"
    pattern = f"cpu[0-9]*/cpufreq/{name}"
    paths = (
        sorted(folder.glob(pattern))
        if cpus is None
        else [folder / f"cpu{cpu}/cpufreq/{name}" for cpu in cpus]
    )
    contents = [files.text(path) for path in paths]
    return [content for content in contents if content]


def _model_by_library() -> str | None:
    # Imported only here: it starts child processes and takes about a second.
    try:
        import cpuinfo

        return str(cpuinfo.get_cpu_info().get("brand_raw") or "") or None
    except Exception:  # noqa: BLE001  whatever goes wrong in there, a model name is not worth a trial
        return None
