"""`harness run`, `sweep` and `parity` in the slots of a real cluster; their trials are fakes."""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections import Counter
from types import SimpleNamespace

import msgspec
import pytest
from distributed import Client

from harness.cli import closing, machines_campaign, readiness
from harness.cli.machines_campaign import MACHINES
from harness.cli.options import CampaignRequest, TypedAgain
from harness.launch.cluster import connection as module
from harness.launch.cluster.connection import Slot
from harness.records.cluster import Place, Readiness
from harness.report.outputs import terminal
from harness.store import folder as store
from tests.cli.test_exit_codes import world as world  # noqa: PLC0414 - the fixture
from tests.launch.cluster.real import LEAKS, cluster, until
from tests.launch.cluster.real import collected as collected  # noqa: PLC0414 - a fixture

pytestmark = [
    LEAKS,
    pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts"),
]

TINY = "throwaway"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    with cluster(folder) as address, Client(address, set_as_default=False) as client:
        until(lambda: len(client.scheduler_info(n_workers=-1)["workers"]) == 2)
        client.run(_quick)
        yield address


def _quick():
    """In a worker: what the speed probe and the rates take is not what is tested here."""
    from harness.launch.cluster import slot

    slot.speed_probe = lambda: 0.2


@pytest.fixture
def there(world, address, monkeypatch):
    """Runs a command on the cluster, and gives its exit code."""
    monkeypatch.setattr(module, "LOOK_S", 0.2)

    def run(*words):
        return world.harness(
            *words, "--launcher", "dask", "--scheduler", address, "--results", "results"
        )

    return run


def two(world, child="leave(good)"):
    """The options of two backends."""
    return [*world.fake("trial", child), *world.fake("trial", child, backend="torch")]


def records(root="results"):
    return store.load(root).records


def test_every_slot_measures_all_and_each_round_stays_in_one(there, world, capsys, tmp_path):
    assert there("run", TINY, *two(world), "--seeds", "1-2", "--time-budget", "0") == 0
    found = records()
    assert len(found) == 2 * 2 * 2
    slots = sorted((tmp_path / "results" / MACHINES).iterdir())
    assert [slot.name.rpartition("-")[2] for slot in slots] == ["1", "2"]
    for slot in slots:
        results = store.load(slot)
        (plan,) = results.plans
        assert {record.run_id for record in results.records} == {plan.run_id}
        rounds = Counter((r.round, r.cell.backend) for r in results.records)
        assert rounds == {(n, b): 1 for n in (1, 2) for b in ("jax", "torch")}
    assert {record.campaign for record in found} == {"results"}
    said = capsys.readouterr().out
    assert "in each of 2 slots of 1 machine" in said
    assert "--exclusive uses one of each machine" in said
    assert "dashboard: http" in said


def test_exclusive_uses_one_slot_of_a_machine(there, world, tmp_path):
    assert there("run", TINY, *world.fake("trial"), "--seeds", "1", "--exclusive") == 0
    assert len(list((tmp_path / "results" / MACHINES).iterdir())) == 1


def test_points_are_shared_out_and_each_has_its_backends_on_one_machine(there, world, tmp_path):
    seeds = ["--seeds", "1", "--time-budget", "0"]
    assert there("sweep", TINY, *two(world), "--threads", "1,2,3,4", *seeds) == 0
    by_slot = [
        store.load(slot).records for slot in sorted((tmp_path / "results" / MACHINES).iterdir())
    ]
    points = [Counter(record.cell.threads for record in one) for one in by_slot]
    assert sum(points, Counter()) == dict.fromkeys((1, 2, 3, 4), 2)
    assert all(number == 2 for one in points for number in one.values())
    assert there("sweep", TINY, *two(world), "--threads", "1,2,3,4", *seeds, "--resume") == 0
    assert len(records()) == 8


def test_ctrl_c_keeps_what_there_is_and_resume_measures_the_rest(world, address, tmp_path):
    log = tmp_path / "log"
    child = (
        f"open({str(log)!r}, 'a').write(f'{{trial.seed}}\\n')\n"
        f"if trial.seed == 2 and not Path({str(tmp_path / 'go')!r}).exists(): signal.pause()\n"
        "leave(good)"
    )
    words = ["run", TINY, *world.fake("trial", child), "--seeds", "1-3", "--time-budget", "0"]
    words += ["--launcher", "dask", "--scheduler", address, "--results", "results"]

    def interrupt():
        until(lambda: log.exists() and log.read_text().split().count("2") == 2)
        os.kill(os.getpid(), 15)

    threading.Thread(target=interrupt, daemon=True).start()
    began = time.monotonic()
    assert world.harness(*words) == 130
    assert time.monotonic() - began < 60
    assert Counter(record.status for record in records()) == {"ok": 2, "interrupted": 2}
    (tmp_path / "go").touch()
    assert world.harness(*words, "--resume") == 0
    good = Counter((r.run_id, r.round) for r in records() if r.status == "ok")
    assert Counter(r.seed for r in records() if r.status == "ok") == dict.fromkeys((1, 2, 3), 2)
    assert set(good.values()) == {1}
    before = len(log.read_text().split())
    assert world.harness(*words, "--resume") == 0
    assert len(log.read_text().split()) == before


def test_a_share_that_a_slot_gives_back_is_measured_by_one_that_waits(monkeypatch):
    monkeypatch.setattr(machines_campaign, "LOOK_S", 0.01)
    campaign = object.__new__(machines_campaign.MachinesCampaign)
    campaign._connection = SimpleNamespace(ended=False)
    campaign._left = queue.SimpleQueue()
    campaign._parts = [machines_campaign._Part(equipped=None) for _ in range(2)]
    one, other = campaign._parts
    campaign._left.put("share")
    assert campaign._next(one) == "share"
    taken = []
    waiting = threading.Thread(target=lambda: taken.append(campaign._next(other)))
    waiting.start()
    time.sleep(0.1)
    assert waiting.is_alive()
    campaign._left.put("share")  # its worker died
    one.measures = False
    waiting.join(timeout=10)
    assert taken == ["share"]
    other.measures = False
    assert campaign._next(one) is None
    one.begun.append("begun")
    assert campaign._next(one) == "begun"


def test_resume_without_a_campaign_is_refused(there, world, capsys):
    assert there("run", TINY, *world.fake("trial"), "--seeds", "1", "--resume") == 2
    assert "there is no campaign to go on with" in capsys.readouterr().err


def test_a_dry_run_shows_the_plan_and_measures_nothing(there, world, capsys, tmp_path):
    assert there("run", TINY, *world.fake("trial"), "--seeds", "1", "--dry-run") == 0
    assert "every slot measures all" in capsys.readouterr().out
    assert not (tmp_path / "results").exists()


def test_a_trial_that_fails_there_ends_with_1_and_its_line(there, world, capsys):
    assert there("run", TINY, *world.fake("trial", "sys.exit(3)"), "--seeds", "1") == 1
    assert "ended with exit code 3" in capsys.readouterr().out


def test_a_mode_that_cannot_train_is_refused_before_anything_starts(there, world, capsys):
    options = world.fake("trial")
    assert there("run", TINY, *options, "--seeds", "1", "--mode", "native") == 2
    assert "has no native code" in capsys.readouterr().err


def test_what_no_slot_has_is_named(there, capsys):
    assert there("run", TINY, "--backend", "jax", "--env", "jax=/no/such", "--seeds", "1") == 3
    said = capsys.readouterr().err
    assert "no slot can carry that out." in said
    assert "/no/such is not there" in said


def test_parity_runs_in_one_slot(there, world, capsys):
    assert there("parity", *world.pair("leave()")) in {0, 1}
    assert "in slot host-" in capsys.readouterr().out
    assert len(list(store.load("results").parity)) == 1


def test_json_has_the_trials_of_all_slots(there, world, capsys):
    assert there("run", TINY, *world.fake("trial"), "--seeds", "1", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert len(said["trials"]) == 2
    assert said["exit_code"] == 0


@pytest.mark.parametrize("option", ["--exclusive", "--insecure", "--scheduler", "--cluster"])
def test_an_option_of_a_cluster_needs_one(world, option, capsys):
    value = ["x"] if option in {"--scheduler", "--cluster"} else []
    assert world.harness("run", TINY, *world.fake("trial"), option, *value) == 2
    assert f"{option} is for a cluster: add --launcher dask" in capsys.readouterr().err


def test_the_next_command_stays_on_the_cluster(capsys):
    found = SimpleNamespace(
        sentence="No verdict yet.",
        settled=False,
        next_step="harness run train.py --resume -- --batch 64",
    )
    typed = TypedAgain("train.py", [("--launcher", "dask")])
    closing.show_answer(found, terminal.console(), typed)
    said = capsys.readouterr().out
    assert "Next: harness run train.py --resume --launcher dask -- --batch 64" in said


def ready(machine="m1", **changes):
    fields = {
        "machine": machine,
        "machine_id": machine,
        "harness": "1",
        "cpus": 2,
        "places": {
            "jax": Place(
                backend="jax",
                name=None,
                python="/python",
                origin="",
                device="cpu",
                packages={"keras": "3.15.1"},
            )
        },
        "scenario_sha256": "a" * 64,
    }
    return Readiness(**fields | changes)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"machine": "../../etc"}, "'../../etc' is no name of a machine"),
        ({"machine": ""}, "'' is no name of a machine"),
        ({"machine": "a/b"}, "'a/b' is no name of a machine"),
        ({"places": {"torch": ready().places["jax"]}}, "'torch' is no name of a place"),
        ({"cpus": -1}, "Expected `int` >= 0"),
    ],
)
def test_what_a_slot_says_of_itself_is_checked_like_a_strangers(answer, said):
    class Fake:
        """A connection to a slot that says so."""

        call = staticmethod(lambda *_: msgspec.json.encode(ready(**answer)))

    slot = Slot(worker="w", address="a", host="h")
    found = readiness._ask(Fake(), slot, None, {})
    assert found.machine == "w"
    assert said in found.problem


def other_place(**changes):
    return {"jax": msgspec.structs.replace(ready().places["jax"], **changes)}


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (ready("m3", problem="no interpreter has jax"), "no interpreter has jax"),
        (ready("m3", harness="2"), "its harness is 2, that of the others 1"),
        (ready("m3", places={}), "it has no jax: `harness env make` there, or --yes"),
        (
            ready("m3", places=other_place(packages={"keras": "3.14.0"})),
            "its jax has keras 3.14.0 for 3.15.1: `harness env update` there",
        ),
        (
            ready("m3", places=other_place(device="gpu")),
            "jax runs on its gpu, elsewhere on the cpu",
        ),
        (ready("m3", table_sha256="b"), "its rating table has other content"),
        (ready("m3", scenario_version=2), "its source of the scenario is another one"),
        (ready("m3", scenario_sha256="b" * 64), "its source of the scenario is another one"),
    ],
)
def test_a_slot_that_differs_from_most_is_left_out_by_name(monkeypatch, odd, said):
    slots = [Slot(worker=str(n), address=str(n), host=str(n)) for n in range(3)]
    answers = dict(zip("012", [ready("m1"), odd, ready("m2")], strict=True))
    monkeypatch.setattr(readiness, "_ask", lambda _, slot, *__: answers[slot.worker])

    class Fake:
        """A connection with three slots, none of which is asked."""

        slots = staticmethod(lambda: slots)

    lines = []
    request = CampaignRequest(scenario="ranking")
    found = readiness.equip(Fake(), request, lines.append, exclusive=False)
    assert [one.name for one in found] == ["m1", "m2"]
    (line,) = lines
    assert line.startswith("left out: m3: ")
    assert said in line
