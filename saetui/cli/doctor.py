"""``saetui doctor``: what this machine has, what of it can be used, and what to do about the rest."""

import json
import os
import platform
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from saetui.cli.printing import put, say
from saetui.cli.text_table import new_table, print_table

if TYPE_CHECKING:
    from saetui.jobs.devices import Device

_GIB = 2**30
_MOMENT_S = 0.2


def examine(*, as_json: bool) -> int:
    """Print what there is; 1 where something is wrong with a GPU or with torch."""
    found = _found()
    if as_json:
        put(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        _print(found)
    return 1 if found["troubles"] else 0


def _found() -> dict[str, Any]:
    from saetui import __version__
    from saetui.jobs.devices import lease_holder, list_devices
    from saetui.jobs.gpus import look_at_gpus
    from saetui.jobs.torch_check import ask_torch, installed_torch

    list_devices()
    time.sleep(_MOMENT_S)  # The CPU tells how busy it was since the look before.
    gpus, devices = look_at_gpus(), list_devices()
    usable = [device for device in devices if device.uuid is not None and not device.trouble]
    torch = installed_torch()
    answer = ask_torch(usable[0].uuid or "") if usable else None
    troubles = [gpus.trouble] if gpus.trouble else []
    troubles += [f"{device.name}: {device.trouble}" for device in devices if device.trouble]
    if not torch:
        troubles.append("torch is not installed; jobs need it")
    elif answer is not None and answer.trouble:
        troubles.append(answer.trouble)
    return {
        "saetui": __version__,
        "python": platform.python_version(),
        "torch": torch or None,
        "torch_built_for_cuda": answer.cuda if answer is not None else None,
        "driver": gpus.driver or None,
        "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES"),
        # Set by a person, it lets torch take products of float32 in fewer bits.
        "tf32": os.environ.get("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE") == "1",
        "devices": [_described(device) | {"held_by": lease_holder(device)} for device in devices],
        "troubles": troubles,
    }


def _described(device: "Device") -> dict[str, Any]:
    return {name: value for name, value in asdict(device).items() if name != "held"}


def _print(found: dict[str, Any]) -> None:
    cuda = found["torch_built_for_cuda"]
    put(f"saetui {found['saetui']} · Python {found['python']}")
    put(f"torch   {found['torch'] or 'not installed'}" + (f", built for CUDA {cuda}" if cuda else ""))
    put(f"driver  {found['driver'] or 'no NVIDIA driver'}")
    if found["driver"]:
        on = "on (TORCH_ALLOW_TF32_CUBLAS_OVERRIDE=1): products of float32 keep about three digits"
        put(f"TF32    {on if found['tf32'] else 'off: products of float32 keep their seven digits'}")
    visible = found["CUDA_VISIBLE_DEVICES"]
    if visible is not None:
        put(f"CUDA_VISIBLE_DEVICES={visible!r} decides which GPUs count, and their order")
    table = new_table("device", "busy", "GiB used", "of", "held by", "about", "id", cut=("held by", "about"))
    for device in found["devices"]:
        busy, used, total = device["utilisation"], device["memory_used"], device["memory_total"]
        table.add_row(
            device["name"],
            None if busy is None else f"{busy:.0%}",
            None if used is None else f"{used / _GIB:.1f}",
            None if total is None else f"{total / _GIB:.0f}",
            device["held_by"],
            device["trouble"] or device["label"],
            device["uuid"],
        )
    print_table(table, "no devices")
    for trouble in found["troubles"]:
        say(trouble)
    if not found["troubles"]:
        say("nothing is wrong with what is here", named=False)
