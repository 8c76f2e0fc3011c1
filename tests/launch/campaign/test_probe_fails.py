"""A trial that was measured is kept, whatever becomes of the probe after it."""

from __future__ import annotations

import pytest

from harness.store import folder as store
from tests.launch.campaign.test_loop import run
from tests.launch.fakes import FakeLauncher, make_plan


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError])
def test_the_trial_before_a_probe_that_fails_is_kept(tmp_path, make_cell, make_record, error):
    calls = []

    def probe():
        calls.append(1)
        if len(calls) == 3:  # two before the first trial, the first of them to warm up
            raise error
        return 0.2

    plan = make_plan([make_cell()])
    root = tmp_path / "laptop"
    if error is KeyboardInterrupt:
        outcome = run(plan, FakeLauncher(make_record), root, speed_probe=probe)
        assert outcome.interrupted
    else:
        with pytest.raises(error):
            run(plan, FakeLauncher(make_record), root, speed_probe=probe)
    (record,) = store.load(root).records
    assert record.status == "ok"
    assert record.noise.probe_after_s is None
