"""The machine and the device that measured, and what disturbed them, as records hold them."""

from __future__ import annotations

from harness.records.bounds import Count, Level, Number, Rate, Seconds, Share, Size
from harness.records.cell import Device, Struct


class DeviceInfo(Struct, frozen=True, kw_only=True):
    """The device that the framework really placed the variables on.

    ``name`` is the hardware's name, ``framework_id`` what the framework calls it
    (``TFRT_CPU_0``, ``/GPU:0``, ``cuda:0``). ``driver`` and ``memory_bytes`` are ``None`` on a CPU.
    """

    kind: Device
    name: str
    framework_id: str
    driver: str | None = None
    memory_bytes: Size | None = None


class Cpu(Struct, frozen=True, kw_only=True):
    """The processor as the trial saw it; ``affinity`` lists the logical CPUs it might use."""

    model: str
    architecture: str
    logical_cores: Count
    physical_cores: Count | None
    affinity: list[Count] | None
    governor: str | None = None
    turbo: bool | None = None


class Gpu(Struct, frozen=True, kw_only=True):
    """One GPU as the driver describes it."""

    name: str
    driver: str
    memory_bytes: Size


class ThreadPool(Struct, frozen=True, kw_only=True):
    """A BLAS or OpenMP pool loaded in the trial, as threadpoolctl reports it."""

    library: str
    threads: Count
    version: str | None = None
    architecture: str | None = None


class Disturbance(Struct, frozen=True, kw_only=True):
    """What happened between two moments of a process; ``None`` is what the system does not tell.

    ``involuntary_switches`` counts how often a thread of the process had to make way for another
    one. ``steal_share`` and ``busy_share`` are shares of all CPUs' time, 0 to 1: given to other
    virtual machines, and spent on anything at all. Where the process may use a part of the CPUs
    alone, they are those of that part, and ``cpus`` is how many it has. ``own_cpu_s`` is what the
    process and those that it started spent of it. ``throttled_share`` is the share of the periods
    of a container's CPU quota in which it was used up, so that the process stood still. Load and
    frequency are those at the end.
    """

    elapsed_s: Seconds
    involuntary_switches: Count | None
    steal_share: Share | None
    busy_share: Share | None
    load_average: Level | None
    frequency_mhz: Level | None
    own_cpu_s: Seconds | None = None
    throttled_share: Share | None = None
    cpus: Count | None = None


class Noise(Struct, frozen=True, kw_only=True):
    """What disturbed a trial, as measured; :mod:`harness.analysis.speed.disturbed` judges it.

    The speed probe is a fixed piece of work, done by the launcher while no trial runs.
    ``training`` spans the epochs from the second one on, with evaluation and prediction between.
    """

    probe_before_s: Seconds | None = None
    probe_after_s: Seconds | None = None
    training: Disturbance | None = None


class Rates(Struct, frozen=True, kw_only=True):
    """How fast this machine is at the two things that bound a training step, measured by NumPy.

    The best of several repetitions, since only disturbance makes one slower: a matrix product of
    float32, in floating-point operations per second, and a copy in memory, in bytes moved (read and
    written) per second. ``threads`` is what NumPy's BLAS was set to.
    """

    matmul_flops_per_s: Rate
    copy_bytes_per_s: Rate
    threads: Number | None = None


class Free(Struct, frozen=True, kw_only=True):
    """Memory in bytes, now: of the machine, its GPU (0 without one), and of the largest child."""

    total_bytes: Size
    available_bytes: Size
    gpu_bytes: Size
    largest_bytes: Size


class Environment(Struct, frozen=True, kw_only=True):
    """The machine and the software that measured.

    ``load_average`` is that of the last minute before the trial. ``variables`` are the
    environment variables that the trial was given, all of them. ``hostname`` is a hash, unless its
    user asked for the name. ``cpu_quota`` is how many CPUs' worth of time a container grants;
    ``None`` where nothing limits it, and in records of harnesses that did not look.
    """

    machine_id: str
    hostname: str
    os: str
    python: str
    cpu: Cpu
    gpus: list[Gpu]
    memory_total_bytes: Size
    memory_available_bytes: Size
    load_average: Level | None
    thread_pools: list[ThreadPool]
    packages: dict[str, str]
    variables: dict[str, str]
    virtualised: str | None = None
    cpu_quota: Level | None = None
    swap_used_bytes: Size | None = None
    on_mains: bool | None = None
