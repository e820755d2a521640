"""The mark that an SAE has been studied with some settings, beside what its study has read."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from saetui.jobs.context import TaskContext
from saetui.jobs.kinds.absorption.spec import AbsorptionSpec
from saetui.jobs.work.shelf import SavedSAE, sae_path
from saetui.jobs.work.words import FOLDER
from saetui.letters import SiteStudy
from saetui.plain_data import parse_json
from saetui.sae import SAEError
from saetui.sae.formats.saelens import WEIGHTS
from store.exceptions import StoreUnreadable
from store.plain import check_plain, read_plain

_SPOOL, _REJECTED = "spool", ".rejected"


class StudiedSAE:
    """One SAE of a study at one hook point: whether its rows have been handed to the store already."""

    def __init__(self, spec: AbsorptionSpec, context: TaskContext, study: SiteStudy, saved: SavedSAE) -> None:
        self._spec, self._store_root, self._study, self._saved = spec, context.store_root, study, saved
        folder = context.store_root / FOLDER / study.words.key / "studied"
        self._marker = _Marker(context.store_root, folder / f"{study.site.hook_name}.{saved.sae_id}.json")

    def is_done(self) -> bool:
        """Whether it was studied with these settings.

        Raises:
            SAEError: its weights are not there.
        """
        return self._marker.settings() == self._settings()

    def set(self, result: str | None) -> None:
        """Mark it as studied; ``result`` is the name of its rows in the spool."""
        self._marker.set(self._settings(), result)

    def _settings(self) -> str:
        """What decides the rows of this SAE; the same text means the same rows."""
        settings = self._spec.model_dump(mode="json", exclude={"saes", "hook_names", "batch_size", "store", "again"})
        # An SAE that was imported again under its id is another one.
        try:
            weights = (self._store_root / sae_path(self._saved.sae_id) / WEIGHTS).lstat()
        except OSError as error:
            raise SAEError(f"{error.filename}: {error.strerror}; copy the weights there") from error
        text = json.dumps([settings, self._study.site.probe_id, weights.st_size, weights.st_mtime_ns], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


class _Marker:
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
