"""Leases between real processes."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from saetui.jobs import JobError
from saetui.jobs.lease import Lease, machine_lease

HOLD = """
import sys
from pathlib import Path
from saetui.jobs.lease import Lease
lease = Lease(Path(sys.argv[1]))
print(lease.acquire({"store": "theirs"}), flush=True)
sys.stdin.read()
"""


def test_one_process_at_a_time_and_none_after_its_death(tmp_path: Path) -> None:
    path = tmp_path / "workers" / "device.lease"
    ours = Lease(path)
    assert ours.is_free()
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        assert not ours.is_free()
        assert not ours.acquire({})
        assert ours.note() == {"store": "theirs"}
        holder.kill()
    assert ours.is_free()
    with ours:
        assert ours.acquire({"store": "ours"})
        assert Lease(path).note() == {"store": "ours"}
        assert not Lease(path).acquire({})
    assert Lease(path).is_free()


def test_a_child_that_inherits_it_keeps_it(tmp_path: Path) -> None:
    lease = Lease(tmp_path / "device.lease")
    assert lease.acquire({})
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[lease.fd]) as child:
        lease.release()
        assert not Lease(lease.path).is_free()
        assert child.stdin is not None
        child.stdin.close()
    assert Lease(lease.path).is_free()


def test_who_waits_is_heard_for_a_while(tmp_path: Path) -> None:
    holder, waiter = Lease(tmp_path / "gpu.lease"), Lease(tmp_path / "gpu.lease")
    assert holder.acquire({})
    assert not holder.is_asked_for()
    waiter.ask_for()
    assert holder.is_asked_for()
    os.utime(tmp_path / "gpu.wanted", (1, 1))
    assert not holder.is_asked_for()
    waiter.ask_for()
    holder.release()
    assert waiter.acquire({})
    assert not waiter.is_asked_for()
    waiter.release()


def test_the_lease_of_a_gpu_is_for_all_stores_and_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAETUI_LEASES", str(tmp_path / "leases"))
    before = os.umask(0o077)
    try:
        with machine_lease("GPU-1") as one:
            assert one.acquire({"user": "a"})
            two = machine_lease("GPU-1")
            assert not two.acquire({})
            two.ask_for()
            assert machine_lease("GPU-2").is_free()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "leases").stat().st_mode) == 0o1777
    assert stat.S_IMODE(one.path.stat().st_mode) == 0o666
    assert stat.S_IMODE(one.path.with_suffix(".wanted").stat().st_mode) == 0o666


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "device.lease").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JobError, match=r"device\.lease: the lease cannot be opened"):
        Lease(tmp_path / "device.lease").acquire({})
    assert not (tmp_path / "elsewhere").exists()


def test_a_damaged_note_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "device.lease").write_text("[1, 2")
    assert Lease(tmp_path / "device.lease").note() == {}
