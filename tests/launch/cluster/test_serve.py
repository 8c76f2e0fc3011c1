"""How a machine is divided into slots."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.launch.cluster.serve import own_slots


def test_one_slot_has_the_whole_machine(tmp_path):
    (slot,) = own_slots(1, cpus=[0, 1, 2], gpus=2, folder=tmp_path)
    assert slot.cpus == [0, 1, 2]
    assert slot.variables == {
        "HARNESS_SLOT_CPUS": "0,1,2",
        "HARNESS_LOCK_FOLDER": str(tmp_path / "slot-1"),
    }


@given(st.integers(1, 20), st.lists(st.integers(0, 63), min_size=1, max_size=64, unique=True))
def test_slots_share_no_cpu_while_there_are_enough(number, cpus):
    slots = own_slots(number, cpus=sorted(cpus), gpus=0)
    assert len(slots) == number
    assert all(slot.cpus for slot in slots)
    taken = [cpu for slot in slots for cpu in slot.cpus]
    if number <= len(cpus):
        assert sorted(taken) == sorted(cpus)
        sizes = {len(slot.cpus) for slot in slots}
        assert max(sizes) - min(sizes) <= 1
    else:
        assert set(taken) == set(cpus)
    assert len({slot.variables["HARNESS_LOCK_FOLDER"] for slot in slots}) == number


@pytest.mark.parametrize(
    ("slots", "gpus", "seen"), [(2, 2, ["0", "1"]), (3, 2, ["0", "1", "-1"]), (2, 0, [None, None])]
)
def test_each_of_several_slots_has_a_gpu_of_its_own(slots, gpus, seen):
    found = own_slots(slots, cpus=[0, 1, 2, 3], gpus=gpus)
    assert [slot.variables.get("CUDA_VISIBLE_DEVICES") for slot in found] == seen
