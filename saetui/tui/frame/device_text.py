"""How busy a device is, in a few characters."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from saetui.jobs.devices import Device

_GIB = 2**30


def device_text(device: Device) -> str:
    """``gpu0 71% 9.2G``."""
    name = device.name.replace("cuda:", "gpu")
    busy = f" {device.utilisation:.0%}" if device.utilisation is not None else ""
    memory = f" {device.memory_used / _GIB:.1f}G" if device.memory_used is not None else ""
    return f"{name}{busy}{memory}"


def gauge(share: float, width: int) -> str:
    """A bar of ``width`` cells, filled from the left to eighths of a cell."""
    if isnan(share):
        return " " * width
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    whole, part = divmod(eighths, 8)
    bar = "█" * whole + (" ▏▎▍▌▋▊▉"[part] if part else "")
    return f"{bar:<{width}}"
