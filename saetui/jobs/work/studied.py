"""The mark that an SAE has been studied with some settings, beside what its study has read."""

import json
import os
from contextlib import suppress
from pathlib import Path

from saetui.plain_data import parse_json
from store.exceptions import StoreUnreadable
from store.plain import check_plain, read_plain

_SPOOL, _REJECTED = "spool", ".rejected"


class StudiedMarker:
    """One small file in a store: which settings, and under which name their rows were handed over."""

    def __init__(self, store_root: Path, path: Path) -> None:
        self._store_root, self._path = store_root, path

    def settings(self) -> str | None:
        """The settings of the study that was finished; None where there is none, or the store has refused its rows."""
        with suppress(OSError, StoreUnreadable, ValueError):
            check_plain(self._store_root, self._path)
            content = read_plain(self._path)
            found = parse_json(content) if content.startswith(b"{") else {"settings": content.decode()}
            result = found.get("result")
            if result is None or not (self._store_root / _SPOOL / f"{result}{_REJECTED}").exists():
                settings = found.get("settings")
                return settings if isinstance(settings, str) else None
        return None

    def set(self, settings: str, result: str | None) -> None:
        """Mark a study as finished; ``result`` is the name of its rows in the spool. A full disk costs the mark."""
        with suppress(OSError):
            check_plain(self._store_root, self._path)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part = self._path.with_name(f".{self._path.name}.{os.getpid()}.part")
            try:
                part.write_text(json.dumps({"settings": settings, "result": result}), encoding="utf-8")
                part.replace(self._path)
            finally:
                part.unlink(missing_ok=True)
