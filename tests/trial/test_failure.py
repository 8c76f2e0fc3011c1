"""What a child says of its end: want of memory in one line, and who is to be ended for it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.trial import failure

SAID = {
    "jax": "RESOURCE_EXHAUSTED: Out of memory allocating 12800000128 bytes.",
    "tensorflow": (
        "{{function_node __wrapped__Mul_device_/job:localhost}} OOM when allocating tensor with "
        "shape[100000001,32] and type float on /job:localhost by allocator cpu [Op:Mul]\nname: x"
    ),
    "torch": (
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 12800000128 bytes. Error code 12 (Cannot allocate memory)"
    ),
    "cuda": "CUDA out of memory. Tried to allocate 11.92 GiB.",
}


@pytest.mark.parametrize("words", SAID.values(), ids=SAID)
def test_each_frameworks_want_of_memory_is_told_in_one_line_with_the_size(words):
    reason = failure.reason(RuntimeError(words))
    assert reason.startswith("out of memory, with ")
    assert " GB resident at most: " in reason
    assert "\n" not in reason
    assert any(size in reason for size in ("12800000128", "100000001,32", "11.92 GiB"))


def test_numpys_want_of_memory_is_a_real_one():
    with pytest.raises(MemoryError) as caught:
        np.empty(1 << 61, dtype=np.int8)
    assert "Unable to allocate 2.00 EiB" in failure.reason(caught.value)


def test_a_memory_error_without_words_is_one_all_the_same():
    assert failure.reason(MemoryError()).endswith("resident at most: MemoryError")


def test_long_words_are_cut():
    reason = failure.reason(RuntimeError(f"out of memory {'x' * 5_000}"))
    assert len(reason) < 400


def test_any_other_error_is_told_by_its_type_with_its_traceback():
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError("no such layer")
    assert failure.reason(caught.value) == "RuntimeError: no such layer"
    assert "test_failure.py" in failure.output(caught.value)


def test_kerass_words_in_bold_and_on_many_lines_are_one_plain_line():
    error = ValueError("when calling Mine.call().\n\n\x1b[1mno such shape\x1b[0m\n\n • x=1")
    assert failure.reason(error) == "ValueError: when calling Mine.call(). no such shape • x=1"


def test_a_mistake_that_explains_itself_has_no_traceback():
    error = HarnessError("write it otherwise")
    assert (failure.reason(error), failure.output(error)) == ("write it otherwise", "")


def test_the_tail_is_the_last_lines():
    lines = [str(i) for i in range(100)]
    assert failure.tail("\n".join(lines)).splitlines() == lines[-failure.TAIL_LINES :]


@pytest.mark.skipif(not os.path.exists("/proc/self/oom_score_adj"), reason="Linux alone has it")  # noqa: PTH110
def test_a_child_lets_the_kernel_end_it_before_anything_else():
    program = (
        "from harness.trial import failure; failure.first_to_go()\n"
        "print(open('/proc/self/oom_score_adj').read())"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert int(shown.stdout) == 1000


def test_a_package_that_is_missing_is_named_as_pip_calls_it():
    error = ModuleNotFoundError("No module named 'keras_rs.layers'", name="keras_rs.layers")
    assert failure.reason(error) == (
        "ModuleNotFoundError: No module named 'keras_rs.layers': this environment has no keras_rs; "
        "if that is a package, --with keras-rs adds it"
    )
