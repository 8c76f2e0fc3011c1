"""Signals end a campaign in good order, or wait while a record is being written."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from harness.launch.interrupts import (
    ends_as_interrupt,
    interruptible,
    postpone,
    uninterrupted,
)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_request_to_terminate_ends_things_as_ctrl_c_does(name):
    number = signal.Signals[name]
    before = signal.signal(number, signal.SIG_DFL)  # `nohup tox` has it ignored
    try:
        with pytest.raises(KeyboardInterrupt), ends_as_interrupt():
            signal.raise_signal(number)
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_ctrl_c_cuts_a_wait_short_though_a_library_had_it_restarted():
    # The alarm ends the child, and with it a wait that nobody cut short.
    press = "import os, signal; signal.alarm(20); os.kill(os.getppid(), signal.SIGINT); "
    children = []

    def wait():
        with ends_as_interrupt():
            children.append(subprocess.Popen([sys.executable, "-c", press + "signal.pause()"]))
            children[0].wait()

    signal.siginterrupt(signal.SIGINT, False)
    try:
        with pytest.raises(KeyboardInterrupt):
            wait()
        assert children[0].poll() is None, "the wait ended with the child, not with Ctrl-C"
    finally:
        signal.siginterrupt(signal.SIGINT, True)
        for child in children:
            child.kill()
            child.wait()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_ctrl_c_waits_for_the_end_of_the_block(name):
    done = []

    def write():
        with uninterrupted():
            signal.raise_signal(signal.Signals[name])
            done.append("written")

    with pytest.raises(KeyboardInterrupt):
        write()
    assert done == ["written"]


def test_an_error_inside_is_not_hidden():
    with pytest.raises(ValueError, match="inside"), uninterrupted():
        raise ValueError("inside")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_signals_that_are_ignored_on_purpose_stay_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ends_as_interrupt():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_thread_may_use_both():
    done = []

    def work():
        with ends_as_interrupt(), uninterrupted():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


NAMES = ["SIGINT", "SIGTERM", "SIGHUP"]


@pytest.fixture(autouse=True)
def not_ignored():
    """`nohup tox` has hang-ups ignored, and what is ignored stays so."""
    before = {n: signal.signal(signal.Signals[n], signal.SIG_DFL) for n in ("SIGTERM", "SIGHUP")}
    yield
    for name, handler in before.items():
        signal.signal(signal.Signals[name], handler)


@pytest.mark.parametrize("name", NAMES)
def test_what_waits_in_a_block_waits_for_the_end_of_the_outermost(name):
    done = []

    def write():
        with uninterrupted():
            with uninterrupted():
                signal.raise_signal(signal.Signals[name])
                done.append("inner")
            done.append("outer")

    with pytest.raises(KeyboardInterrupt):
        write()
    assert done == ["inner", "outer"]


@pytest.mark.parametrize("name", NAMES)
def test_what_came_before_an_interruptible_part_is_let_through_there(name):
    done = []

    def work():
        with uninterrupted():
            signal.raise_signal(signal.Signals[name])
            done.append("before")
            with interruptible():
                done.append("inside")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["before"]


@pytest.mark.parametrize("name", NAMES)
def test_inside_an_interruptible_part_it_comes_at_once_and_only_once(name):
    done = []
    with uninterrupted():
        try:
            with interruptible():
                signal.raise_signal(signal.Signals[name])
                done.append("too late")
        except KeyboardInterrupt:
            done.append("caught")
    assert done == ["caught"]


def test_one_that_was_caught_can_be_put_off_to_the_end():
    done = []

    def work():
        with uninterrupted():
            postpone()
            done.append("saved")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["saved"]


def test_a_block_inside_an_interruptible_part_raises_at_its_own_end():
    done = []
    with uninterrupted():
        try:
            with interruptible():
                with uninterrupted():
                    signal.raise_signal(signal.SIGINT)
                    done.append("written")
                done.append("too late")
        except KeyboardInterrupt:
            done.append("caught")
    assert done == ["written", "caught"]
