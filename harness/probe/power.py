"""Whether this machine is on mains, and how much of its memory lies on a disk."""

from __future__ import annotations

import warnings

import psutil


def swap_used_bytes() -> int | None:
    """Bytes of memory that were moved to a disk; ``None`` where that is not told."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # psutil warns where /proc/vmstat is hidden
            return int(psutil.swap_memory().used)
    except (OSError, RuntimeError, psutil.Error):
        return None


def on_mains() -> bool | None:
    """Whether a battery is being spared; ``None`` without a battery, or where it is not told."""
    try:
        battery = psutil.sensors_battery()
    except (AttributeError, NotImplementedError, OSError, RuntimeError, psutil.Error):
        return None  # psutil offers no battery on this system
    return None if battery is None else battery.power_plugged
