"""Processes are told apart also when PIDs are reused."""

import os
import subprocess
import sys
from dataclasses import replace

from saetui.jobs.identity import ProcessIdentity


def test_this_process_is_alive_and_survives_json() -> None:
    me = ProcessIdentity.current()
    assert me.pid == os.getpid()
    assert me.alive
    assert me.is_here
    assert ProcessIdentity.from_json(me.to_json()) == me


def test_a_zombie_and_a_dead_process_are_dead() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        child = ProcessIdentity.of(process.pid)
        assert child is not None
        assert child.alive
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        zombie = child.alive
    dead = child.alive
    assert (zombie, dead) == (False, False)
    assert ProcessIdentity.of(child.pid) is None


def test_a_later_process_with_the_same_pid_is_another() -> None:
    me = ProcessIdentity.current()
    assert not replace(me, started="ticks 1").alive


def test_nothing_survives_a_restart_of_the_machine() -> None:
    assert not replace(ProcessIdentity.current(), boot="before").alive


def test_a_process_of_another_machine_is_not_judged() -> None:
    far = replace(ProcessIdentity.current(), host="far", boot="far", pid=1)
    assert not far.is_here
    assert far.alive
