"""What names a cluster: the options, and cluster.toml with its mistakes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import get_args, get_type_hints

import pytest

from harness.cli.cluster_options import OnCluster
from harness.errors import ExitCode, HarnessError
from harness.launch.cluster import specification
from harness.launch.cluster.connection import queued
from harness.launch.cluster.specification import QUEUES, arguments, host_of, is_loopback, specify
from tests.launch.cluster.real import LEAKS
from tests.launch.cluster.real import collected as collected  # noqa: PLC0414 - a fixture

SLURM = """
[slurm]
jobs = 4
cores = 16
memory = "32GB"
walltime = "08:00:00"
queue = "bench"
job_extra_directives = ["--exclusive"]
"""


pytestmark = LEAKS


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "cluster.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def of_file(path, launcher="dask", **options):
    how = {"scheduler": None, "insecure": False} | options
    return specify(launcher, file=path, **how)


def refusal(path, launcher="dask", **options):
    with pytest.raises(HarnessError) as refused:
        of_file(path, launcher, **options)
    assert refused.value.exit_code in {ExitCode.USAGE, ExitCode.UNAVAILABLE}
    return str(refused.value)


def test_an_address_is_enough():
    found = of_file(None, scheduler="tcp://127.0.0.1:8786")
    assert (found.scheduler, found.wait_s, found.queue) == ("tcp://127.0.0.1:8786", 60.0, None)


def test_the_file_names_the_address_and_how_long_to_wait(file):
    path = file('scheduler = "tcp://localhost:1"\nwait_s = 5')
    assert (of_file(path).scheduler, of_file(path).wait_s) == ("tcp://localhost:1", 5)
    assert of_file(path, scheduler="tcp://127.0.0.1:2").scheduler == "tcp://127.0.0.1:2"


def test_a_queue_has_its_jobs_and_what_its_library_takes(file):
    found = of_file(file(SLURM), "slurm", insecure=True)
    assert found.scheduler is None
    assert (found.queue.system, found.queue.jobs) == ("slurm", 4)
    assert found.queue.arguments["walltime"] == "08:00:00"
    assert found.wait_s == specification.QUEUE_WAIT_S


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('schedular = "x"', "unknown key 'schedular'; did you mean scheduler?"),
        ("scheduler = 5", "scheduler is 5; it must be text"),
        ('wait_s = "60s"', "wait_s is '60s'; it must be a number of seconds"),
        ("wait_s = true", "wait_s is True; it must be a number of seconds"),
        ("wait_s = 0", "wait_s is 0; it must be above 0"),
        ("wait_s = -1.5", "wait_s is -1.5; it must be above 0"),
        ("tls = 1", "tls is 1; it must be a table"),
        ("[tls]\nca = 'ca.pem'\ncret = 'x'", "unknown key of [tls] 'cret'; did you mean cert?"),
        ("[tls]\nca = 'ca.pem'", "ca of [tls] is not there"),
        ("[tls]\ncert = 'x'", "[tls] needs ca = FILE"),
        ("[slurm", "is no TOML"),
        ('scheduler = "localhost:8786"', "'localhost:8786' is no address of a scheduler"),
        ('scheduler = "http://localhost:8786"', "is no address of a scheduler"),
        ('scheduler = "tcp://localhost"', "is no address of a scheduler"),
        ('scheduler = "tcp://localhost:99999"', "is no address of a scheduler"),
        ('scheduler = "tls://localhost:8786"', "needs certificates"),
        ("", "no cluster is named"),
    ],
)
def test_a_mistake_in_the_file_is_named(file, text, said):
    assert said in refusal(file(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SLURM.replace("cores", "coers"), "unknown key of [slurm] 'coers'; did you mean cores?"),
        (SLURM.replace("jobs = 4", ""), "[slurm] needs jobs = NUMBER"),
        (SLURM.replace("jobs = 4", "jobs = 0"), "[slurm] needs jobs = NUMBER"),
        (SLURM.replace("jobs = 4", "jobs = true"), "[slurm] needs jobs = NUMBER"),
        (SLURM.replace("jobs = 4", 'jobs = "4"'), "[slurm] needs jobs = NUMBER"),
        (SLURM.replace("cores = 16", ""), "[slurm] needs cores of each job"),
        (SLURM + "processes = 4", "unknown key of [slurm] 'processes'"),
        (SLURM.replace("[slurm]", "[pbs]"), "--launcher slurm needs a table [slurm]"),
    ],
)
def test_a_mistake_in_a_queue_is_named(file, text, said):
    assert said in refusal(file(text), "slurm", insecure=True)


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    assert "No such file" in refusal(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    assert "it is no UTF-8" in refusal(tmp_path / "bytes.toml")
    assert "Is a directory" in refusal(tmp_path)


def test_an_unknown_launcher_names_the_nearest():
    assert "unknown launcher 'slrum'; did you mean slurm?" in refusal(None, "slrum")


def test_a_queue_starts_a_scheduler_of_its_own(file):
    said = refusal(file(SLURM), "slurm", scheduler="tcp://127.0.0.1:8786")
    assert "--scheduler is for --launcher dask" in said


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("tcp://127.0.0.1:8786", True),
        ("tcp://127.8.9.1:8786", True),
        ("tcp://localhost:8786", True),
        ("tcp://[::1]:8786", True),
        ("tcp://10.0.0.5:8786", False),
        ("tcp://0.0.0.0:8786", False),
        ("tcp://[2001:db8::1]:8786", False),
        ("tcp://no-such-host.invalid:8786", False),
    ],
)
def test_without_encryption_only_this_machine_is_safe(address, safe):
    assert is_loopback(host_of(address)) is safe
    if safe:
        assert of_file(None, scheduler=address).scheduler == address
    else:
        assert "neither on this machine nor encrypted" in refusal(None, scheduler=address)
        assert of_file(None, scheduler=address, insecure=True).scheduler == address


def test_jobs_on_a_network_need_certificates_too(file):
    assert "listens on the network" in refusal(file(SLURM), "slurm")


def test_certificates_are_found_beside_the_file(file, tmp_path):
    for name in ("ca", "cert", "key"):
        (tmp_path / f"{name}.pem").touch()
    tls = "[tls]\nca = 'ca.pem'\ncert = 'cert.pem'\nkey = 'key.pem'\n"
    found = of_file(file('scheduler = "tls://head:8786"\n' + tls))
    assert found.tls.key == str(tmp_path / "key.pem")
    assert of_file(file(tls + SLURM), "slurm").tls is not None
    assert "is not encrypted" in refusal(file('scheduler = "tcp://127.0.0.1:1"\n' + tls))


@pytest.mark.parametrize(
    ("launcher", "missing"), [("dask", "distributed"), ("slurm", "dask-jobqueue")]
)
def test_without_the_extra_one_line_has_the_command(monkeypatch, launcher, missing):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == missing.replace("-", "_") else found(name),
    )
    said = refusal(None, launcher)
    assert f"needs {missing}, not installed here: " in said
    assert "[cluster]" in said
    assert "\n" not in said


@pytest.mark.parametrize("system", QUEUES)
def test_each_queue_takes_what_its_library_takes(system):
    there = arguments(system)
    assert {"cores", "memory", "walltime", "queue"} <= there or system in {"htcondor", "lsf"}
    assert {"cores", "memory", "job_script_prologue", "log_directory"} <= there
    assert not there & {"self", "processes", "security", "n_workers"}


def test_the_help_names_every_launcher():
    (option,) = get_args(get_type_hints(OnCluster, include_extras=True)["launcher"])[1:]
    assert all(name in option.help for name in specification.LAUNCHERS)


def test_a_queue_leaves_ctrl_c_as_it_is():
    program = (
        "import signal\n"
        "signal.signal(signal.SIGTERM, before := lambda *_: None)\n"
        "from harness.launch.cluster import specification\n"
        "specification.arguments('slurm')\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
        "assert signal.getsignal(signal.SIGTERM) is before\n"
        "import dask_jobqueue\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_job_script_of_slurm_starts_a_slot(file, tmp_path):
    text = SLURM + f'log_directory = "{tmp_path / "logs"}"\nworker_extra_args = ["--name", "x"]\n'
    found = of_file(file(text), "slurm", insecure=True)
    with queued(found.queue, found) as cluster:
        script = cluster.job_script()
    lines = script.splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    for directive in ("-p bench", "--cpus-per-task=16", "--mem=30G", "-t 08:00:00", "--exclusive"):
        assert f"#SBATCH {directive}" in lines, script
    assert "--resources slot=1 --preload harness.launch.cluster.slot" in lines[-1]
    assert "--nworkers 1" in lines[-1] or "--nworkers" not in lines[-1]
    shell = subprocess.run(["bash", "-n"], input=script, text=True, check=False)
    assert shell.returncode == 0
