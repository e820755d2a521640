"""Attacks by links in the place of files and folders, and by what a database holds."""

import os
import secrets
import shutil
from pathlib import Path

import duckdb
from attacks import ATTACKS, Attack, attack, replace_by_link, write


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
