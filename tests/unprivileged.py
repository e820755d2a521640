"""A process that file permissions bind, even where the tests run as root."""

import ctypes
import os

# The version of the kernel's interface to capabilities that has two words of each set.
_VERSION = 0x20080522


def obey_permissions() -> None:
    """Give up all capabilities of this process, so that the modes of its own files count as they do for everybody."""
    header, none = (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, none):
        raise OSError(ctypes.get_errno(), "capabilities cannot be given up")
    assert os.getuid() or not _may_override()


def _may_override() -> bool:
    lines = open("/proc/self/status").read().splitlines()  # noqa: SIM115
    return any(line.startswith("CapEff") and int(line.split()[1], 16) for line in lines)
