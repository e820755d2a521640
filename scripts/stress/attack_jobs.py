"""Attacks by jobs, workers and texts."""

import json
import os
import platform
import secrets
from pathlib import Path

from attacks import HOSTILE, JOB, attack, job, replace_by_link, write


@attack("job: queued")
def _queued(root: Path, outside: Path) -> None:
    job(root, outside)


@attack("job: queued, with a mark that is made up")
def _marked(root: Path, outside: Path) -> None:
    folder = job(root, outside, mark=secrets.token_hex(32), signature=secrets.token_hex(32))
    for name in ("mark", "mark.txt", "signature"):
        (folder / name).write_text(secrets.token_hex(32))


@attack("job: queued on another host")
def _host(root: Path, outside: Path) -> None:
    job(root, outside, host="../../../outside")
    (root / "jobs" / ".workers" / "other" / "cpu").mkdir(parents=True)


_DEVICES = {
    "up": "../../../../outside/made",
    "absolute": "{outside}/made",
    "null": "cpu\0x",
    "text": HOSTILE,
    "dots": "..",
}
for _name, _device in _DEVICES.items():
    for _state in ("queued", "running"):

        @attack(f"device: {_name}, {_state}")
        def _device_attack(root: Path, outside: Path, device: str = _device, state: str = _state) -> None:
            job(root, outside, device=device.format(outside=outside), state=state)


@attack("host: up")
def _host_up(root: Path, outside: Path) -> None:
    job(root, outside, host="../../../outside/folder", state="running", started=1767225600.0)


@attack("worker: an innocent process")
def _innocent(root: Path, outside: Path) -> None:
    from saetui.jobs.identity import ProcessIdentity

    victim = ProcessIdentity.of(int((outside.parent / "victim").read_text()))
    assert victim is not None
    job(root, outside, state="running", started=1767225600.0, worker=victim.to_json())
    place = root / "jobs" / ".workers" / victim.host / "cpu"
    place.mkdir(parents=True)
    (place / "device.lease").write_text(json.dumps({"worker": victim.to_json(), "user": HOSTILE, "store": HOSTILE}))
    (place / "heartbeat").touch()
    os.utime(place / "heartbeat", (0, 0))
    (place / "waiting").write_text(HOSTILE)


@attack("job: id up")
def _id_up(root: Path, outside: Path) -> None:
    job(root, outside, job_id="../../outside/folder", after=["../../../outside/folder"], retry_of="../../outside")


for _name in (
    "state.json",
    "spec.json",
    "log.txt",
    "progress.jsonl",
    "cancel",
    "cancel-now",
    "lock",
    "kept",
    "reserve",
    "out",
):
    for _to in ("precious.txt", "made.txt", "folder"):

        @attack(f"job: {_name} is a link to {_to}")
        def _job_link(root: Path, outside: Path, name: str = _name, to: str = _to) -> None:
            folder = job(root, outside)
            replace_by_link(folder / name, outside / to)


for _name in ("device.lease", "heartbeat", "leave", "waiting", "log.txt"):

    @attack(f"worker: {_name} is a link")
    def _worker_link(root: Path, outside: Path, name: str = _name) -> None:

        job(root, outside)
        place = root / "jobs" / ".workers" / platform.node() / "cpu"
        place.mkdir(parents=True)
        (place / name).symlink_to(outside / "made.txt")


@attack("job: folder is a link")
def _job_folder(root: Path, outside: Path) -> None:
    (root / "jobs" / JOB).symlink_to(outside / "job")


# Texts


@attack("texts: everywhere")
def _texts(root: Path, outside: Path) -> None:
    quoted = HOSTILE.replace("'", "''")
    write(
        root,
        f"UPDATE sae SET name = name || '{quoted}', architecture = '{quoted}'; UPDATE model SET name = '{quoted}';"
        f"UPDATE vocabulary SET surface = '{quoted}' || surface WHERE token_id < 400",
    )
    folder = job(root, outside, title=HOSTILE, state="failed", message=HOSTILE, hint=HOSTILE, kind=HOSTILE)
    (folder / "log.txt").write_text(HOSTILE, encoding="utf-8", errors="surrogatepass")
    (folder / "progress.jsonl").write_text(
        json.dumps({"phase": HOSTILE, "done": 1, "total": 2, "unit": HOSTILE, "clock": 1}) + "\n"
    )


@attack("texts: names of files")
def _file_names(root: Path, outside: Path) -> None:
    (root / "spool" / f"{HOSTILE}.rejected").mkdir()
    (root / "spool" / HOSTILE).mkdir()
    (root / "jobs" / HOSTILE).mkdir()
    (root / "tensors" / "sae" / HOSTILE).mkdir(parents=True)
