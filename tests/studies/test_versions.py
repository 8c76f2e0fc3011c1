"""The Keras of the study of versions is slower by as much as is asked, and is a wheel."""

from __future__ import annotations

import importlib
import sys
import time
import zipfile

import pytest

from studies.programs import versions

CALLBACKS = """
class python_utils:
    pythonify_logs = staticmethod(lambda logs: logs)

class CallbackList:
    def on_epoch_begin(self, epoch, logs=None): self.seen = [epoch]
    def on_epoch_end(self, epoch, logs=None): self.seen.append(CLOCK[0])
"""


def patched(tmp_path, slowdown):
    released = tmp_path / "keras-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(released, "w") as wheel:
        wheel.writestr(versions.PATCHED, CALLBACKS)
        wheel.writestr("keras-1.2.3.dist-info/METADATA", "Name: keras\nVersion: 1.2.3\n")
        wheel.writestr("keras-1.2.3.dist-info/RECORD", f"{versions.PATCHED},sha256=x,1\n")
    path = tmp_path / "keras-1.2.3+slowed50-py3-none-any.whl"
    versions.patch(released, path, "1.2.3", "1.2.3+slowed50", slowdown)
    return zipfile.ZipFile(path)


@pytest.mark.parametrize("slowdown", [0.05, 0.2])
def test_an_epoch_ends_later_by_that_share_of_what_it_took(tmp_path, monkeypatch, slowdown):
    clock = [0.0]

    def perf_counter():
        clock[0] += 1e-3
        return clock[0]

    path = tmp_path / f"callbacks_slowed_by_{1000 * slowdown:.0f}.py"
    path.write_bytes(patched(tmp_path, slowdown).read(versions.PATCHED))
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module(path.stem)
    monkeypatch.delitem(sys.modules, path.stem)
    module.CLOCK = clock
    monkeypatch.setattr(time, "perf_counter", perf_counter)
    epochs = module.CallbackList()
    epochs.on_epoch_begin(0)
    began_s = clock[0]
    clock[0] += 10.0
    epochs.on_epoch_end(0)
    assert epochs.seen[-1] - began_s == pytest.approx(10.0 * (1 + slowdown), rel=1e-3)


def test_it_is_a_wheel_of_a_version_of_its_own(tmp_path):
    wheel = patched(tmp_path, 0.05)
    assert b"Version: 1.2.3+slowed50\n" in wheel.read("keras-1.2.3+slowed50.dist-info/METADATA")
    record = wheel.read("keras-1.2.3+slowed50.dist-info/RECORD").decode()
    assert sorted(line.partition(",")[0] for line in record.split()) == sorted(wheel.namelist())
