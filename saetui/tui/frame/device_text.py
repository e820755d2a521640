"""How busy devices are, in a few characters or a few lines."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING

from textual.content import Content

from saetui.visible import visible

if TYPE_CHECKING:
    from saetui.jobs.devices import Device

_GIB = 2**30
# With more devices than this each has a cell instead of a line.
_LINES = 4
_BAR = 10
_CELL = 38
# From this utilisation on a GPU counts as busy.
_BUSY = 0.5


def device_text(device: Device) -> str:
    """``gpu0 71% 9.2G``."""
    name = device.name.replace("cuda:", "gpu")
    if device.trouble:
        return f"{name} !"
    busy = f" {device.utilisation:.0%}" if device.utilisation is not None else ""
    memory = f" {device.memory_used / _GIB:.1f}G" if device.memory_used is not None else ""
    return f"{name}{busy}{memory}"


def devices_in_short(devices: Sequence[Device]) -> str:
    """``3 of 8 gpus busy  cpu 12% 9.2G``: for a line with no room for each; empty where there is but one GPU."""
    gpus = [device for device in devices if device.name != "cpu"]
    if len(gpus) < 2:
        return ""
    busy = sum((gpu.utilisation or 0.0) >= _BUSY for gpu in gpus)
    failing = sum(bool(gpu.trouble) for gpu in gpus)
    parts = [f"{busy} of {len(gpus)} gpus busy", *([f"{failing} !"] if failing else [])]
    return "  ".join([*parts, *(device_text(device) for device in devices if device.name == "cpu")])


def device_lines(devices: Sequence[Device], width: int) -> Content:
    """Bars of utilisation and memory: a line per device, or a cell where there are many; then notes on them."""
    troubles = [Content.styled(visible(f" {d.name}: {d.trouble}"), "$error") for d in devices if d.trouble]
    well = [device for device in devices if not device.trouble]
    notes = [*_held(well), *troubles]
    if len(well) <= _LINES:
        return Content("\n").join([*map(_line, well), *notes])
    across = max(1, width // _CELL)
    rows = [well[start : start + across] for start in range(0, len(well), across)]
    return Content("\n").join([*(Content.assemble(*map(_cell, row)) for row in rows), *notes])


def _held(devices: Sequence[Device]) -> list[Content]:
    """What workers keep on GPUs between jobs, and how to get it back."""
    kept = [f"{device.held / _GIB:.1f} GiB on {device.name}" for device in devices if device.held]
    return [Content.styled(f" held by saetui: {', '.join(kept)}; f frees it", "$muted")] if kept else []


def _line(device: Device) -> Content:
    parts: list[str | tuple[str, str]] = [(f" {device.name:<8}", "bold")]
    if device.utilisation is not None:
        parts += [(gauge(device.utilisation, _BAR), "$accent on $panel"), f" {device.utilisation:4.0%}   "]
    if device.memory_used is not None and device.memory_total:
        share = device.memory_used / device.memory_total
        used, total = device.memory_used / _GIB, device.memory_total / _GIB
        parts += [(gauge(share, _BAR), "$primary on $panel"), f" {used:5.1f} of {total:.0f} GiB   "]
    return Content.assemble(*parts, (visible(device.label), "$muted"))


def _cell(device: Device) -> Content:
    parts: list[str | tuple[str, str]] = [(f" {device.name:<7}", "bold")]
    if device.utilisation is not None:
        parts += [(gauge(device.utilisation, _BAR // 2), "$accent on $panel"), f" {device.utilisation:4.0%} "]
    if device.memory_used is not None and device.memory_total:
        share = device.memory_used / device.memory_total
        used, total = device.memory_used / _GIB, device.memory_total / _GIB
        parts += [(gauge(share, _BAR // 2), "$primary on $panel"), f" {used:.0f}/{total:.0f}G"]
    cell = Content.assemble(*parts)
    return cell + " " * max(1, _CELL - cell.cell_length)


def gauge(share: float, width: int) -> str:
    """A bar of ``width`` cells, filled from the left to eighths of a cell."""
    if isnan(share):
        return " " * width
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    whole, part = divmod(eighths, 8)
    bar = "█" * whole + (" ▏▎▍▌▋▊▉"[part] if part else "")
    return f"{bar:<{width}}"
