"""What a stranger can put into a store that he gives away; each attack changes a copy of a good store.

``outside`` is a folder of the victim's beside the store, with files that nobody may read, write, rename or remove.
"""

import json
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

Attack = Callable[[Path, Path], None]
ATTACKS: dict[str, Attack] = {}
HOSTILE = "evil\x1b[2J\x1b]0;owned\x07\x9b31m\u202etxt.exe\u2066\u200b\u2028\x85name"
_JOB = "20260101-000000-000000-aaaa"


def attack(name: str) -> Callable[[Attack], Attack]:
    def add(function: Attack) -> Attack:
        ATTACKS[name] = function
        return function

    return add


def result(root: Path, change: Callable[[dict[str, Any], Path], None], job: str = "job-x") -> Path:
    """A finished result in the spool, whose manifest is then changed; its folder."""
    from store import Spool

    with Spool(root, job) as spool:
        spool.add("letter_latent", [_letter_row()])
        name = spool.flush()
    assert name is not None
    folder = root / "spool" / name
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest, folder)
    path.write_text(json.dumps(manifest))
    return folder


def _letter_row() -> dict[str, Any]:
    from store.tables import columns_of

    values: dict[str, Any] = {"sae_id": "sae-64", "probe_id": "probe-1", "letter": "s"}
    for name in columns_of("letter_latent").required - set(values):
        values[name] = 1
    return values


def write(root: Path, sql: str) -> None:
    """Change the database, as its maker may."""
    with duckdb.connect(str(root / "saetui.duckdb")) as connection:
        connection.execute(sql)


def job(root: Path, outside: Path, job_id: str = _JOB, **changes: Any) -> Path:
    """A queued job, as the stranger's machine would have written it, with changes."""
    import platform

    folder = root / "jobs" / job_id
    (folder / "out").mkdir(parents=True)
    spec = {"schema": 1, "kind": "rows", "label": "theirs", "flushes": 1, "pause_s": 0.0, "needs": ""}
    state = {
        "job_id": job_id, "kind": "rows", "title": "theirs", "state": "queued", "device": "cpu",
        "host": platform.node(), "content_hash": "0" * 32, "created": 1767225600.0, "after": [], "retry_of": None,
        "started": None, "ended": None, "message": None, "hint": None, "worker": None,
    }  # fmt: skip
    (folder / "spec.json").write_text(json.dumps(spec))
    (folder / "state.json").write_text(json.dumps(state | changes))
    (folder / "lock").touch()
    (folder / "log.txt").write_text("a line\n")
    return folder


def replace_by_link(path: Path, target: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


# Manifests


def _injections(outside: Path) -> dict[str, str]:
    copy = f"COPY (SELECT 'owned') TO '{outside}/written.txt'"
    return {
        "condition": f"1=1; {copy}; --",
        "quote": f"sae_id\" = '' ; {copy}; --",
        "parameter": f"sae_id = $sae_id; {copy}; --",
        "parenthesis": f"sae_id) SELECT 1; {copy}; --",
    }


for _name in _injections(Path()):

    @attack(f"scope: {_name}")
    def _scope(root: Path, outside: Path, name: str = _name) -> None:
        text = _injections(outside)[name]
        scope = {text: "v"}
        at = "/".join(f"{key}={value}" for key, value in scope.items()).replace("'", "''")
        for table in ("letter_latent", "latent_activation", "token"):
            write(root, f"INSERT INTO written_scope VALUES ('{table}', '{at}', '0')")
        result(root, lambda manifest, _: [part.update(scope=scope) for part in manifest["parts"]])  # type: ignore[arg-type, return-value]

    @attack(f"column: {_name}")
    def _column(root: Path, outside: Path, name: str = _name) -> None:
        text = _injections(outside)[name]
        result(root, lambda manifest, _: [part.update(columns=[text]) for part in manifest["parts"]])  # type: ignore[arg-type, return-value]

    @attack(f"table: {_name}")
    def _table(root: Path, outside: Path, name: str = _name) -> None:
        text = _injections(outside)[name]
        result(root, lambda manifest, _: [part.update(table=text) for part in manifest["parts"]])  # type: ignore[arg-type, return-value]


@attack("scope: value")
def _scope_value(root: Path, outside: Path) -> None:
    scope = {"sae_id": f"'; COPY (SELECT 1) TO '{outside}/written.txt'; --", "probe_id": "p"}
    result(root, lambda manifest, _: [part.update(scope=scope) for part in manifest["parts"]])  # type: ignore[arg-type, return-value]


_FILES = {
    "up": lambda outside: "../../../outside/secret.parquet",
    "absolute": lambda outside: str(outside / "secret.parquet"),
    "glob": lambda outside: "../../../outside/*.parquet",
    "hive": lambda outside: "../../../outside/sae_id=owned/x.parquet",
    "scheme": lambda outside: f"file://{outside}/secret.parquet",
    "null byte": lambda outside: "a\0b.parquet",
    "list": lambda outside: ["../../../outside/secret.parquet"],
    "folder": lambda outside: "..",
}
for _name, _file in _FILES.items():

    @attack(f"part: {_name}")
    def _part(root: Path, outside: Path, file: Callable[[Path], Any] = _file) -> None:
        result(root, lambda manifest, _: [part.update(file=file(outside)) for part in manifest["parts"]])  # type: ignore[arg-type, return-value]


@attack("part: link")
def _part_link(root: Path, outside: Path) -> None:
    def change(manifest: dict[str, Any], folder: Path) -> None:
        for part in manifest["parts"]:
            replace_by_link(folder / part["file"], outside / "secret.parquet")

    result(root, change)


@attack("part: pipe")
def _part_pipe(root: Path, outside: Path) -> None:
    def change(manifest: dict[str, Any], folder: Path) -> None:
        for part in manifest["parts"]:
            (folder / part["file"]).unlink()
            os.mkfifo(folder / part["file"])

    result(root, change)


_STRANGE = {
    "nulls": {"name": None, "job_id": None, "attempt": None},
    "numbers": {"name": 1, "job_id": 2, "attempt": 3},
    "name up": {"name": "../../outside/precious", "job_id": "../../outside"},
    "texts": {"job_id": HOSTILE, "attempt": HOSTILE},
    "lists": {"name": [], "job_id": {}, "attempt": [1]},
    "parts null": {"parts": None},
    "parts number": {"parts": [1, None, "x"]},
}
for _name, _change in _STRANGE.items():

    @attack(f"manifest: {_name}")
    def _strange(root: Path, outside: Path, change: dict[str, Any] = _change) -> None:
        result(root, lambda manifest, _: manifest.update(change))


@attack("manifest: link")
def _manifest_link(root: Path, outside: Path) -> None:
    folder = result(root, lambda manifest, _: None)
    replace_by_link(folder / "manifest.json", outside / "secret.json")


@attack("manifest: pipe")
def _manifest_pipe(root: Path, outside: Path) -> None:
    folder = result(root, lambda manifest, _: None)
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")


@attack("error.txt: link")
def _error_link(root: Path, outside: Path) -> None:
    folder = result(root, lambda manifest, _: manifest.update(parts=[{"table": "none"}]))
    (folder / "error.txt").symlink_to(outside / "precious.txt")


@attack("error.txt: link of a rejected result")
def _error_link_rejected(root: Path, outside: Path) -> None:
    folder = root / "spool" / "x.rejected"
    folder.mkdir()
    (folder / "error.txt").symlink_to(outside / "secret.txt")
    (folder / "manifest.json").symlink_to(outside / "secret.json")


@attack("result: lock of a dead writer is a link")
def _lock_link(root: Path, outside: Path) -> None:
    folder = root / "spool" / "x.writing"
    folder.mkdir()
    (folder / "lock").symlink_to(outside / "precious.txt")


# Links


@attack("link: result")
def _link_result(root: Path, outside: Path) -> None:
    (root / "spool" / "0001-a").symlink_to(outside / "folder")


for _ending in (".done", ".writing", ".rejected", ""):

    @attack(f"link: result{_ending or ' with a manifest'}")
    def _link_ending(root: Path, outside: Path, ending: str = _ending) -> None:
        (root / "spool" / f"0001{ending}").symlink_to(outside / "results" / "0001-a")


_ROOMS = (
    "spool",
    "tensors",
    "tensors/sae",
    "jobs",
    "jobs/.workers",
    "locks",
    "sessions",
    "saetui.tmp",
    "saetui.duckdb.tmp",
)
for _room in _ROOMS:

    @attack(f"link: {_room}")
    def _link_room(root: Path, outside: Path, room: str = _room) -> None:
        replace_by_link(root / room, outside / ("results" if room == "spool" else "folder"))


_PLAIN = (
    "locks/commit.lock", "locks/readers.lock", "locks/request", "jobs/.submit.lock", "saetui.duckdb.wal", "saetui.new",
    "saetui.new.wal", "saetui.v5.duckdb", "saetui.v5.part",
)  # fmt: skip
for _file_name in _PLAIN:
    for _target in ("precious.txt", "made.txt"):

        @attack(f"link: {_file_name} to {'a file' if _target == 'precious.txt' else 'nothing'}")
        def _link_file(root: Path, outside: Path, name: str = _file_name, target: str = _target) -> None:
            replace_by_link(root / name, outside / target)
            if "v5" in name:
                write(root, "UPDATE store_state SET schema_version = 5; DROP VIEW pursuit_token")


@attack("link: database")
def _link_database(root: Path, outside: Path) -> None:
    shutil.move(root / "saetui.duckdb", outside / "theirs.duckdb")
    os.utime(outside / "theirs.duckdb", (0, 0))
    (root / "saetui.duckdb").symlink_to(outside / "theirs.duckdb")


@attack("link: SAE folder")
def _link_sae(root: Path, outside: Path) -> None:
    (root / "tensors" / "sae").mkdir(parents=True, exist_ok=True)
    (root / "tensors" / "sae" / "theirs").symlink_to(outside / "folder")


# Databases


def _read_by(text: str) -> Attack:
    def change(root: Path, outside: Path) -> None:
        with duckdb.connect(str(root / "saetui.duckdb")) as connection:
            views = connection.execute("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal").fetchall()
            secret = text.format(outside=outside)
            for name, sql in views:
                _, _, body = sql.partition(" AS ")
                body = body.strip().rstrip(";")
                connection.execute(
                    f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM ({body}) WHERE {secret} IS NOT NULL"
                )
            connection.execute("ALTER TABLE note RENAME TO note_before")
            connection.execute(f"CREATE VIEW note AS SELECT * REPLACE ({secret} AS text) FROM note_before")

    return change


_READS = {
    "read_text": "(SELECT any_value(content) FROM read_text('{outside}/secret.txt'))",
    "read_blob": "(SELECT any_value(content)::VARCHAR FROM read_blob('{outside}/secret.txt'))",
    "read_csv": "(SELECT count(*)::VARCHAR FROM read_csv('{outside}/secret.txt', header = false, columns = {{'a': 'VARCHAR'}}))",
    "read_parquet": "(SELECT count(*)::VARCHAR FROM read_parquet('{outside}/secret.parquet'))",
    "replacement": "(SELECT count(*)::VARCHAR FROM '{outside}/secret.parquet')",
    "glob": "(SELECT any_value(file) FROM glob('{outside}/*'))",
}
for _name, _text in _READS.items():
    ATTACKS[f"view: {_name}"] = _read_by(_text)


@attack("macro: read_text")
def _macro(root: Path, outside: Path) -> None:
    secret = f"(SELECT any_value(content) FROM read_text('{outside}/secret.txt'))"
    write(
        root,
        f"CREATE OR REPLACE MACRO absorption_rates(saes, tau, lead, min_cosine) AS TABLE SELECT {secret} AS sae_id; "
        f"CREATE OR REPLACE MACRO last_error_study(saes, hook, model) AS TABLE SELECT {secret} AS study_id;"
        f"CREATE MACRO avg(x) AS ({secret}); CREATE MACRO now() AS (({secret})::TIMESTAMP)",
    )


@attack("log: damaged")
def _log(root: Path, outside: Path) -> None:
    (root / "saetui.duckdb.wal").write_bytes(secrets.token_bytes(4096))


@attack("log: reads when it is taken in")
def _log_attach(root: Path, outside: Path) -> None:
    connection = duckdb.connect(str(root / "saetui.duckdb"))
    connection.execute("SET checkpoint_threshold = '1TB'; PRAGMA disable_checkpoint_on_shutdown")
    connection.execute(f"CREATE VIEW peek AS SELECT * FROM read_text('{outside}/secret.txt')")
    connection.close()


# Jobs


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
        import platform

        job(root, outside)
        place = root / "jobs" / ".workers" / platform.node() / "cpu"
        place.mkdir(parents=True)
        (place / name).symlink_to(outside / "made.txt")


@attack("job: folder is a link")
def _job_folder(root: Path, outside: Path) -> None:
    (root / "jobs" / _JOB).symlink_to(outside / "job")


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
