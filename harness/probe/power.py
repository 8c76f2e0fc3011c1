"""Whether this machine is on mains, and how much of its memory lies on a disk."""

from __future__ import annotations

import warnings

import psutil

from harness.probe import files


def swap_used_bytes() -> int | None:
    """Bytes of memory that were moved to a disk; ``None`` where that is not told."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # psutil warns where /proc/vmstat is hidden
        return files.asked(lambda: int(psutil.swap_memory().used))


def on_mains() -> bool | None:
    """Whether a battery is being spared; ``None`` without a battery, or where it is not told."""
    battery = files.asked(lambda: psutil.sensors_battery())  # noqa: PLW0108 - not there on every system
    return None if battery is None else battery.power_plugged
