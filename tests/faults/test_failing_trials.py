"""However a trial fails, its record tells, the next one is measured, and nothing still runs."""

from __future__ import annotations

import sys

import pytest

from harness.launch.child import run_task
from harness.records.trial import Record
from tests.launch.conftest import fake_python, trial

__all__ = ["fake_python", "trial"]

pytestmark = [
    pytest.mark.usefixtures("throwaway_scenario"),
    pytest.mark.skipif(sys.platform == "win32", reason="the fake interpreters are scripts"),
]

ELSEWHERE = "subprocess.Popen(['sleep', '600'], start_new_session=True)"
FAILS = {
    "raises": "raise RuntimeError('x')",
    "raises without words": "raise RuntimeError",
    "raises what is no Exception": "raise SystemExit('x')",
    "exits with 0 and no record": "sys.exit(0)",
    "exits with 1": "sys.exit(1)",
    "exits with 255": "os._exit(255)",
    "divides by zero in C": "import ctypes; ctypes.string_at(0)",
    "aborts": "os.abort()",
    "is killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "is asked to end": "os.kill(os.getpid(), signal.SIGTERM)",
    "hangs up": "os.kill(os.getpid(), signal.SIGHUP)",
    "a bus error": "os.kill(os.getpid(), signal.SIGBUS)",
    "an illegal instruction": "os.kill(os.getpid(), signal.SIGILL)",
    "too much CPU": "os.kill(os.getpid(), signal.SIGXCPU)",
    "leaves nothing in its record": "record_path.touch()",
    "leaves half a record": "record_path.write_bytes(msgspec.json.encode(good)[:200])",
    "leaves no JSON": "record_path.write_text('x')",
    "leaves JSON of another kind": "record_path.write_text('[]')",
    "leaves a byte that is no UTF-8": 'record_path.write_bytes(b\'{"status": "\\xff"}\')',
    "leaves nested brackets": "record_path.write_text('[' * 200_000)",
    "leaves a pipe": "os.mkfifo(record_path)",
    "leaves a folder": "record_path.mkdir()",
    "leaves a link to nowhere": "record_path.symlink_to('nowhere')",
    "leaves a link to an endless device": "record_path.symlink_to('/dev/zero')",
    "leaves the record of another trial": "leave(msgspec.structs.replace(good, seed=99))",
    "leaves an impossible time": (
        "leave(msgspec.structs.replace(good, epochs="
        "[msgspec.structs.replace(good.epochs[0], wall_s=-1.0)]))"
    ),
    "leaves ok without an epoch": "leave(msgspec.structs.replace(good, epochs=[]))",
    "leaves another schema's record": "record_path.write_text('{\"schema\": 99}')",
    "measures, then crashes": "leave(good); os.abort()",
    "measures, then exits with 3": "leave(good); sys.exit(3)",
    "removes its own folder": "import shutil; shutil.rmtree(record_path.parent)",
    "closes its output": "os.close(1); os.close(2); sys.exit(3)",
    "prints without end, then fails": "print('x' * 10_000_000); sys.exit(3)",
    "prints escape sequences": "print('\\x1b[2J\\x1b]0;x\\x07'); sys.exit(3)",
    "starts others and fails": f"{ELSEWHERE}; sys.exit(3)",
    "starts others and is killed": f"{ELSEWHERE}; os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.parametrize("fails", FAILS)
def test_a_trial_that_fails_leaves_a_record_and_no_process(trial, fake_python, left_running, fails):
    python = fake_python(FAILS[fails])
    record = run_task(trial, Record, python, timeout_s=60).record
    assert record.status not in {"ok", "interrupted"}
    assert record.failure.reason
    assert left_running() == []
    assert run_task(trial, Record, fake_python(), timeout_s=60).record.status == "ok"


ENDLESS = {
    "sleeps": "signal.pause()",
    "computes": "while True: pass",
    "is deaf": "[signal.signal(s, signal.SIG_IGN) for s in (2, 15, 1)]\nwhile True: signal.pause()",
    "forks": "while os.fork(): signal.pause()\nsignal.pause()",
    "starts others": f"{ELSEWHERE}\nsignal.pause()",
}


@pytest.mark.parametrize("endless", ENDLESS)
def test_a_trial_without_end_is_ended(trial, fake_python, left_running, endless, monkeypatch):
    from harness.launch import process

    monkeypatch.setattr(process, "GRACE_S", 0.3)
    record = run_task(trial, Record, fake_python(ENDLESS[endless]), timeout_s=1.5).record
    assert record.status == "timeout"
    assert left_running() == []
