"""Which cluster a campaign uses: the options of the command, and the file ``cluster.toml``.

    scheduler = "tls://head:8786"      # a cluster that runs already
    wait_s = 60                        # until its slots must be there

    [tls]
    ca = "ca.pem"
    cert = "me.pem"
    key = "me.key"

    [slurm]                            # or jobs of a queueing system, which start the slots
    jobs = 8
    cores = 16
    memory = "32GB"
    walltime = "08:00:00"

``docs/cluster.md`` explains it.
"""

from __future__ import annotations

import importlib.util
import inspect
import ipaddress
import signal
import socket
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.errors import HarnessError, UnavailableError
from harness.launch.installation import add_extra
from harness.records.cell import Struct
from harness.words import joined, unknown

QUEUES: Mapping[str, str] = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "lsf": "LSFCluster",
    "htcondor": "HTCondorCluster",
    "oar": "OARCluster",
    "moab": "MoabCluster",
}
"""The queueing systems, and the class of ``dask_jobqueue`` for each."""

LAUNCHERS = ("local", "dask", *QUEUES)

WAIT_S = 60.0
"""Seconds until the slots of a cluster that runs must be there."""

QUEUE_WAIT_S = 600.0
"""Seconds until the first job of a queue must run."""

_OURS = frozenset(
    {
        # What makes a worker a slot, and where it is reached, is decided here.
        *("self", "n_workers", "job_cls", "job_kwargs", "base_class_kwargs", "kwargs", "args"),
        *("processes", "nanny", "worker_command", "security", "protocol", "loop", "asynchronous"),
        *("scheduler", "scheduler_cls", "name", "extra", "env_extra", "job_extra", "header_skip"),
        *("python", "project", "death_timeout", "config_name"),
    }
)
"""Arguments of ``dask_jobqueue`` that are ours, and old names of others."""


class Tls(Struct, frozen=True, kw_only=True):
    """Files with the certificate of the authority, and with one's own and its key."""

    ca: str
    cert: str
    key: str


class Queue(Struct, frozen=True, kw_only=True):
    """Jobs of a queueing system, each of which is a slot; ``arguments`` are the class's own."""

    system: str
    jobs: int
    arguments: dict[str, Any]


class Specification(Struct, frozen=True, kw_only=True):
    """A cluster that runs at ``scheduler``, or that ``queue`` starts; ``wait_s`` as in the file."""

    scheduler: str | None
    wait_s: float
    tls: Tls | None = None
    queue: Queue | None = None


def specify(
    launcher: str, *, scheduler: str | None, file: Path | None, insecure: bool
) -> Specification:
    """What ``--launcher``, ``--scheduler``, ``--cluster`` and ``--insecure`` come to.

    Raises:
        HarnessError: for a mistake in them or in the file.
        UnavailableError: if what a cluster needs is not installed, or there is no such file.
    """
    if launcher not in LAUNCHERS:
        raise HarnessError(unknown("launcher", launcher, list(LAUNCHERS)))
    needed = ("distributed",) if launcher == "dask" else ("distributed", "dask_jobqueue")
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        names = joined(name.replace("_", "-") for name in missing)
        raise UnavailableError(
            f"--launcher {launcher} needs {names}, not installed here: {add_extra('cluster')}"
        )
    content = {} if file is None else _content(file)
    queue = None
    if launcher == "dask":
        scheduler = scheduler or content.get("scheduler")
        if scheduler is None:
            where = "--scheduler ADDRESS" if file is None else f"scheduler = ADDRESS in {file}"
            raise HarnessError(
                f"no cluster is named: {where}, such as tcp://127.0.0.1:8786, which "
                "`harness cluster up` prints"
            )
    elif scheduler is not None:
        raise HarnessError(f"--scheduler is for --launcher dask; {launcher} starts one of its own")
    elif launcher not in content:
        where = "in a file that --cluster names" if file is None else f"in {file}"
        raise HarnessError(
            f"--launcher {launcher} needs a table [{launcher}] {where}: jobs = NUMBER, and what "
            f"{QUEUES[launcher]} of dask-jobqueue takes, such as cores, memory and walltime"
        )
    else:
        queue = _queue(launcher, content[launcher], file)
    tls = content.get("tls")
    found = Specification(
        scheduler=scheduler,
        wait_s=content.get("wait_s", WAIT_S if queue is None else QUEUE_WAIT_S),
        tls=tls,
        queue=queue,
    )
    _check_secure(found, insecure=insecure)
    return found


def has_tls(file: Path) -> bool:
    """Whether a ``cluster.toml`` names certificates.

    Raises:
        HarnessError: for a mistake in it.
        UnavailableError: if there is no such file.
    """
    return "tls" in _content(file)


def is_loopback(host: str) -> bool:
    """Whether a name or number of a host means this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return all(ipaddress.ip_address(str(one[4][0])).is_loopback for one in found)


def host_of(address: str) -> str:
    """The host of an address such as ``tcp://127.0.0.1:8786``.

    Raises:
        HarnessError: if it is no such address.
    """
    try:
        parts = urlsplit(address)
        there = parts.scheme in {"tcp", "tls"} and parts.hostname and parts.port
    except ValueError:
        there = None
    if not there:
        raise HarnessError(
            f"'{address}' is no address of a scheduler: write tcp://HOST:PORT, or tls://HOST:PORT"
        )
    return str(parts.hostname)


def security(tls: Tls | None) -> Any:
    """Dask's own object for the certificates; ``None`` without."""
    if tls is None:
        return None
    from distributed.security import Security

    return Security(
        require_encryption=True,
        tls_ca_file=tls.ca,
        **{f"tls_{who}_cert": tls.cert for who in ("client", "scheduler", "worker")},
        **{f"tls_{who}_key": tls.key for who in ("client", "scheduler", "worker")},
    )


def queue_class(system: str) -> Any:
    """The class of ``dask_jobqueue`` for a queueing system.

    Its import has Ctrl-C exit at once, without a record of what was measured: that is undone.
    """
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    import dask_jobqueue

    for number, handler in handlers.items():
        if signal.getsignal(number) != handler:
            signal.signal(number, handler)
    return getattr(dask_jobqueue, QUEUES[system])


def _check_secure(found: Specification, *, insecure: bool) -> None:
    if found.scheduler is not None:
        host = host_of(found.scheduler)
        encrypted = found.scheduler.startswith("tls://")
        if encrypted != (found.tls is not None):
            what = "needs certificates" if encrypted else "is not encrypted"
            raise HarnessError(
                f"{found.scheduler} {what}: an address tls://… and a table [tls] in the file of "
                "--cluster go together"
            )
        if encrypted or is_loopback(host):
            return
        what = f"{found.scheduler} is neither on this machine nor encrypted"
    elif found.tls is not None:
        return
    else:
        what = "the scheduler for the jobs listens on the network, and nothing is encrypted"
    if not insecure:
        raise HarnessError(
            f"{what}: whoever reaches it can run programs on every machine of the cluster. Give "
            "certificates in a table [tls] of the file that --cluster names, or say --insecure "
            "where the network is yours alone"
        )


def _content(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise UnavailableError(f"--cluster {path}: {why}") from None
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise HarnessError(f"{path} is no TOML: {error}") from None
    keys = ["scheduler", "wait_s", "tls", *QUEUES]
    for name in content:
        if name not in keys:
            raise HarnessError(f"{path}: {unknown('key', name, keys)}")
    _check(path, content, "scheduler", str, 'text, such as "tls://head:8786"')
    _check(path, content, "wait_s", int | float, "a number of seconds, such as 60")
    if content.get("wait_s", 1) <= 0:
        raise HarnessError(f"{path}: wait_s is {content['wait_s']}; it must be above 0")
    for name in ("tls", *QUEUES):
        _check(path, content, name, dict, "a table")
    if "tls" in content:
        content["tls"] = _tls(path, content["tls"])
    return content


def _check(path: Path, content: Mapping[str, Any], name: str, kind: Any, what: str) -> None:
    value = content.get(name)
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        raise HarnessError(f"{path}: {name} is {value!r}; it must be {what}")


def _tls(path: Path, table: Mapping[str, Any]) -> Tls:
    names = list(Tls.__struct_fields__)
    for name in table:
        if name not in names:
            raise HarnessError(f"{path}: {unknown('key of [tls]', name, names)}")
    files = {}
    for name in names:
        if not isinstance(table.get(name), str):
            raise HarnessError(f"{path}: [tls] needs {name} = FILE")
        files[name] = path.absolute().parent / table[name]
        if not files[name].is_file():
            raise UnavailableError(f"{path}: {name} of [tls] is not there: {files[name]}")
    return Tls(**{name: str(file) for name, file in files.items()})


def _queue(system: str, table: Mapping[str, Any], path: Path | None) -> Queue:
    valid = sorted(arguments(system))
    for name in table:
        if name not in ["jobs", *valid]:
            raise HarnessError(f"{path}: {unknown(f'key of [{system}]', name, ['jobs', *valid])}")
    jobs = table.get("jobs")
    if not isinstance(jobs, int) or isinstance(jobs, bool) or not 1 <= jobs <= 10_000:
        raise HarnessError(
            f"{path}: [{system}] needs jobs = NUMBER, from 1 to 10000, each of which is a slot"
        )
    if missing := [name for name in ("cores", "memory") if name not in table]:
        raise HarnessError(f"{path}: [{system}] needs {joined(missing)} of each job")
    return Queue(
        system=system,
        jobs=jobs,
        arguments={name: value for name, value in table.items() if name != "jobs"},
    )


def arguments(system: str) -> set[str]:
    """What may be said of a job of that queueing system, by the library's own signatures."""
    own = queue_class(system)
    makers = (own.job_cls, *own.job_cls.__mro__, *own.__mro__)
    names = {name for one in makers for name in inspect.signature(one.__init__).parameters}
    return names - _OURS
