"""Marks of jobs: only what this user has queued, or has asked for by name, starts by itself.

A store can come from somebody else with jobs queued in it. So each job carries a mark of its id and its specification,
made with a secret that lies in the user's own state folder and in no store.
"""

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from saetui.jobs.exceptions import JobError
from store.plain import read_plain

_BYTES = 32


def make_mark(job_id: str, spec: bytes) -> str:
    """The mark of a job, given its id and the content of its ``spec.json``.

    Raises:
        JobError: the secret can be neither read nor made.
    """
    return _mark(_secret(make=True), job_id, spec)


def is_marked(mark: str | None, job_id: str, spec: bytes) -> bool:
    """Whether this user has marked the job with this very specification.

    Raises:
        JobError: the secret is there, but cannot be used.
    """
    if not mark:
        return False
    secret = _secret(make=False)
    # Bytes, for a text that is not ASCII cannot be compared.
    return bool(secret) and hmac.compare_digest(_mark(secret, job_id, spec).encode(), mark.encode("utf-8", "replace"))


def secret_path() -> Path:
    """Where the user's secret is."""
    from platformdirs import user_state_path

    return user_state_path("saetui") / "secret"


def _mark(secret: bytes, job_id: str, spec: bytes) -> str:
    return hmac.new(secret, job_id.encode() + b"\0" + spec, sha256).hexdigest()


def _secret(*, make: bool) -> bytes:
    """The secret; b"" where there is none and none is to be made."""
    path = secret_path()
    try:
        try:
            secret = read_plain(path, 4096)
        except FileNotFoundError:
            if not make:
                return b""
            _make(path)
            secret = read_plain(path, 4096)
    except OSError as error:
        raise JobError(
            f"{path}: the secret that marks your jobs cannot be {'written' if make else 'read'} ({error.strerror}); "
            "without it no job can be queued or started: mend it, or set XDG_STATE_HOME to a folder of yours"
        ) from error
    if len(secret) != _BYTES:
        raise JobError(f"{path}: not the secret that saetui made; remove it, then start the queued jobs by name")
    return secret


def _make(path: Path) -> None:
    """Writes a new secret, whole and once, whoever else does so at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)
        except FileExistsError:
            pass
        except PermissionError:  # A file system without hard links.
            part.rename(path)
    finally:
        part.unlink(missing_ok=True)
