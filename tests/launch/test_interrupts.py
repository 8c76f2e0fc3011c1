"""Signals end a campaign in good order, or wait while a record is being written."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from harness.launch.interrupts import ends_as_interrupt, uninterrupted


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


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
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
