"""Trials in the slots of a real cluster: as local ones, none lost, doubled or orphaned."""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import threading
from types import SimpleNamespace

import msgspec
import psutil
import pytest

from harness.launch.campaign.room import Lack, Room
from harness.launch.child import LocalLauncher, TaskInterrupted
from harness.launch.cluster import connection as module
from harness.launch.cluster import launcher as launching
from harness.launch.cluster import slot as on_worker
from harness.launch.cluster.connection import SlotLostError
from harness.launch.cluster.launcher import ClusterLauncher
from harness.launch.cluster.slot import Means
from harness.records.cluster import Measured
from harness.records.header import record_of
from harness.records.machine import Free
from harness.records.parity import ParityRecord, ParityTask
from harness.records.trial import Memory, Task
from tests.launch.cluster.real import LEAKS, cluster, connection, until
from tests.launch.cluster.real import collected as collected  # noqa: PLC0414 - a fixture
from tests.launch.test_turns import PROTOCOL

pytestmark = [
    LEAKS,
    pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def address(folder):
    with cluster(folder) as address:
        yield address


@pytest.fixture
def there(address, monkeypatch):
    monkeypatch.setattr(module, "LOOK_S", 0.2)
    with connection(address) as there:
        until(lambda: len(there.slots()) == 2)
        yield there


@pytest.fixture
def launch(there, fake_python):
    """Makes a launcher in the first slot, of trials that run the lines that it is given."""

    def make(lines="leave(good)", **answers):
        means = Means(
            key=secrets.token_hex(4),
            interpreters={"jax": fake_python(lines, **answers)},
            timeout_s=60.0,
            variables={"HARNESS_SCENARIO_PATH": os.environ.get("HARNESS_SCENARIO_PATH", "")},
        )
        made = ClusterLauncher(there, there.slots()[0], means, [].append)
        made.key = means.key
        return made

    return make


@pytest.fixture
def run_id(trial):
    return msgspec.structs.replace(trial, run_id="0a1b2c3d")


def kept(there, launcher):
    """The records that a slot keeps for the campaign of ``launcher``."""
    content = there.call(there.slots()[0], on_worker.kept, [launcher.key])
    return msgspec.json.decode(content, type=Measured).records


def test_a_trial_leaves_there_what_it_leaves_here(launch, run_id, fake_python):
    there = launch().run(run_id)
    here = LocalLauncher({"jax": fake_python()}).run(run_id)
    assert there.status == "ok"
    assert msgspec.structs.replace(there, duration_s=here.duration_s) == here


@pytest.mark.parametrize(
    ("lines", "status"),
    [("sys.exit(3)", "crashed"), ("os.kill(os.getpid(), 9)", "killed"), ("1 / 0", "crashed")],
)
def test_a_failure_there_is_a_record_too(launch, trial, lines, status):
    record = launch(lines).run(trial)
    assert record.status == status
    assert record.failure is not None


def test_what_dask_gives_its_workers_does_not_reach_the_trial(launch, trial):
    lines = "leave(msgspec.structs.replace(good, engine={k: v for k, v in os.environ.items()}))"
    variables = launch(lines).run(trial).engine
    assert not [name for name in variables if "NUM_THREADS" in name or name.startswith("DASK")]
    assert variables["HARNESS_SLOT_CPUS"]


def test_a_trial_is_kept_to_the_cpus_of_its_slot(launch, trial):
    lines = (
        "leave(msgspec.structs.replace(good, engine={'cpus': str(len(os.sched_getaffinity(0)))}))"
    )
    cpus = len(os.sched_getaffinity(0))
    assert launch(lines).run(trial).engine == {"cpus": str(max(1, cpus // 2))}


def test_several_take_turns_as_far_as_there_is_room(launch, trial, tmp_path):
    both = [trial, msgspec.structs.replace(trial, repetition=3)]
    lines = PROTOCOL.format(log=str(tmp_path / "log")) + "train()"
    # Not a byte is left beside the first, so that the second runs later.
    room = Room(needed={trial.cell.digest: Memory(peak_rss_bytes=10**18)})
    asked = [msgspec.structs.replace(one, time_budget_s=0.0) for one in both]
    records = launch(lines).run_in_turns(asked, room)
    assert [record.repetition for record in records] == [2]
    assert room.lacks == {Lack.MEMORY}
    assert room.look().total_bytes > 0


def test_the_speed_and_the_rates_are_those_of_the_slot(launch):
    launcher = launch()
    assert launcher.speed() > 0
    assert launcher.rates(1).threads == 1


def test_records_stay_there_until_more_is_asked_for(there, launch, run_id):
    launcher = launch()
    first = launcher.run(run_id)
    assert kept(there, launcher) == [first]
    second = launcher.run(msgspec.structs.replace(run_id, repetition=3))
    assert kept(there, launcher) == [second]
    there.call(there.slots()[0], on_worker.forget, [launcher.key])
    assert kept(there, launcher) == []


def running(log):
    """The process numbers of the trials that have begun."""
    return [int(line) for line in log.read_text().split()] if log.exists() else []


def is_gone(pid):
    """Whether a process has ended, perhaps without anybody who asked."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


ONCE_FOR_EVER = (
    "before = Path({log!r}).read_text().split() if Path({log!r}).exists() else []\n"
    "open({log!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
    "if not before: signal.pause()\n"
    "leave(good)"
)


def test_a_worker_that_is_killed_loses_no_trial_and_leaves_no_orphan(launch, trial, tmp_path):
    log = tmp_path / "log"
    launcher = launch(ONCE_FOR_EVER.format(log=str(log)))
    before = launcher.slot
    found = []
    waiting = threading.Thread(target=lambda: found.append(launcher.run(trial)))
    waiting.start()
    (child,) = until(lambda: running(log))
    os.kill(psutil.Process(child).ppid(), signal.SIGKILL)
    waiting.join(timeout=60)
    assert [record.status for record in found] == ["ok"]
    assert launcher.slot.worker == before.worker
    assert launcher.slot.address != before.address
    assert len(running(log)) == 2
    until(lambda: is_gone(child))


def test_what_a_dead_worker_had_measured_is_not_measured_again(there, launch, run_id, tmp_path):
    launcher = launch(f"open({str(tmp_path / 'log')!r}, 'a').write('x\\n')\nleave(good)")
    first = launcher.run(run_id)
    calls = []

    def lossy(slot, function, *arguments):
        calls.append(function.__name__)
        if calls == ["measure"]:  # the answer is lost on its way
            raise SlotLostError
        return there.call(slot, function, *arguments)

    launcher._connection = SimpleNamespace(ended=False, call=lossy, back=lambda slot: slot)
    assert launcher.run(run_id) == first
    assert calls == ["measure", "kept"]
    assert (tmp_path / "log").read_text() == "x\n"


def test_a_slot_whose_worker_always_dies_ends_the_campaign(
    trial, fake_python, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "LOOK_S", 0.2)
    monkeypatch.setattr(module, "BACK_S", 20.0)
    means = Means(
        key="0a1b2c3d",
        interpreters={"jax": fake_python("os.kill(os.getppid(), 9)")},
        timeout_s=60.0,
    )
    # A cluster of its own: Dask's nanny starts no worker for one that dies as soon as it is there.
    with cluster(tmp_path / "own", slots=1) as address, connection(address) as there:
        launcher = ClusterLauncher(there, until(there.slots)[0], means, [].append)
        with pytest.raises(TaskInterrupted):
            launcher.run(trial)
    assert launcher.lost in {
        f"its worker died {launching.ATTEMPTS} times with the same task",
        "its worker died, and none came in its place",
    }


def test_ctrl_c_ends_the_trial_there_and_its_record_says_so(there, launch, trial, tmp_path):
    log = tmp_path / "log"
    launcher = launch(ONCE_FOR_EVER.format(log=str(log)))
    ended = []

    def run():
        try:
            launcher.run(trial)
        except TaskInterrupted as stopped:
            ended.append(stopped.record)

    waiting = threading.Thread(target=run)
    waiting.start()
    (child,) = until(lambda: running(log))
    there.end([launcher.slot])
    waiting.join(timeout=30)
    assert [record.status for record in ended] == ["interrupted"]
    assert ended[0].failure.reason == "Ctrl-C, or a request to terminate"
    until(lambda: is_gone(child))


@pytest.fixture
def good(trial, make_record):
    """The record of the trial."""
    return make_record(
        cell=trial.cell,
        seed=trial.seed,
        repetition=trial.repetition,
        round=trial.round,
        campaign=trial.campaign,
        harness=trial.harness,
    )


class Stranger:
    """A fake connection to a slot that answers whatever a test says."""

    ended = False

    def __init__(self, answer):
        self._answer = answer

    def call(self, *_):
        return self._answer


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _: b"", "no answer: empty"),
        (lambda _: b"{}", "is no answer"),
        (lambda _: None, "it is not even bytes"),
        (lambda _: Measured(records=[]), "it has other trials than were asked"),
        (lambda r: Measured(records=[r, r]), "it has other trials than were asked"),
        (lambda r: Measured(records=[msgspec.structs.replace(r, seed=99)]), "another trial"),
        (lambda r: Measured(records=[msgspec.structs.replace(r, campaign="x")]), "another trial"),
        (
            lambda r: Measured(records=[msgspec.structs.replace(r, failure=None, status="failed")]),
            "contradicts itself",
        ),
    ],
)
def test_an_answer_is_checked_like_a_strangers(trial, good, change, said):
    answer = change(good)
    content = msgspec.json.encode(answer) if isinstance(answer, Measured) else answer
    means = Means(key="0a1b2c3d", interpreters={}, timeout_s=1.0)
    launcher = ClusterLauncher(Stranger(content), None, means, print)
    record = launcher.run(trial)
    assert record.status == "failed"
    assert said in record.failure.reason


@pytest.mark.parametrize("arrays", [b"others", None, "text"])
def test_a_comparison_without_its_arrays_is_none(trial, arrays):
    fields = {name: getattr(trial, name) for name in Task.__struct_fields__}
    task = ParityTask(**fields, perturbations=1)
    record = record_of(
        task,
        ParityRecord,
        status="ok",
        scenario_version=1,
        started_at="2026-01-01T00:00:00+00:00",
        duration_s=1.0,
        arrays="arrays.npz",
        arrays_sha256=hashlib.sha256(b"arrays").hexdigest(),
    )
    means = Means(key="0a1b2c3d", interpreters={}, timeout_s=1.0)

    def compared(answer):
        return ClusterLauncher(Stranger(answer), None, means, print).compare(task)

    content = msgspec.json.encode(record)
    assert compared((content, b"arrays")).arrays == b"arrays"
    odd = compared((content, arrays))
    assert (odd.record.status, odd.arrays) == ("failed", None)
    assert odd.record.failure.reason == "the slot sent a record without its arrays"
    assert compared(content).record.status == "failed"


def test_lacks_that_nobody_knows_are_left_out(trial, good):
    free = Free(total_bytes=1, available_bytes=1, gpu_bytes=0, largest_bytes=0)
    content = msgspec.json.encode(Measured(records=[good], lacks=["MEMORY", "LUCK"], free=free))
    means = Means(key="0a1b2c3d", interpreters={}, timeout_s=1.0)
    room = Room()
    ClusterLauncher(Stranger(content), None, means, print).run_in_turns([trial, trial], room)
    assert room.lacks == {Lack.MEMORY}


@pytest.mark.parametrize("content", [b"", b"-1", b'"x"', None, 0.2])
def test_a_figure_that_is_none_ends_the_slots_campaign(content):
    means = Means(key="0a1b2c3d", interpreters={}, timeout_s=1.0)
    launcher = ClusterLauncher(Stranger(content), None, means, print)
    with pytest.raises(TaskInterrupted):
        launcher.speed()
    assert launcher.lost.startswith("it sent something that is no figure: ")


@pytest.mark.parametrize("key", ["../../etc", "", "ABC", "0a1b2c3d/.."])
def test_a_key_leads_nowhere_else(key):
    with pytest.raises(ValueError, match="is no key"):
        on_worker.kept([key])
