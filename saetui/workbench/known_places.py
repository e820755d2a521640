"""Whether what a link or a command names is there: a latent, a word, a token in a text, a pursuit, a job."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

from saetui.jobs.kinds.pursuit import METHODS
from saetui.workbench.exceptions import CommandError, UsageError
from saetui.workbench.subject import Subject
from saetui.workbench.token_choice import TokenChoice, read_l0

if TYPE_CHECKING:
    from saetui.workbench.attention import Attention
    from saetui.workbench.catalogue import Catalogue
    from store import Reader, Store

_WORD = """
SELECT 1 WHERE EXISTS (FROM word WHERE surface = $text) OR EXISTS (FROM vocabulary WHERE surface = $text)
"""
# A token without a text of its own is called by its number.
_NUMBERED = re.compile(r"#\d+")
_LONGEST = 100
_TEXT = "SELECT len(token_ids) FROM token_context WHERE corpus_id = $corpus AND context = $context"
_RUN = "SELECT sae_id FROM pursuit_run WHERE pursuit_id = $pursuit"
_ROW = """
SELECT 1 FROM pursuit_token
WHERE row = $row
    AND pursuit_id = coalesce($pursuit, (SELECT arg_max(pursuit_id, created) FROM pursuit_run WHERE sae_id = $sae))
"""


def require_latent(catalogue: Catalogue, sae: str | None, latent: int) -> None:
    """CommandError unless an SAE, by id, has a latent."""
    entry = catalogue.entry(sae)
    if entry is None:
        raise CommandError("latent: choose an SAE first, e.g. :sae w2048-k4")
    if not 0 <= latent < entry.width:
        raise CommandError(f"latent: {entry.name} has latents 0 to {entry.width - 1}, not {latent}")


def require_word(store: Store | Reader, surface: str) -> None:
    """CommandError unless a text is a word, or a token, of a model in the store."""
    if not _NUMBERED.fullmatch(surface) and not store.fetch(_WORD, text=surface).rows:
        raise CommandError(f"token: no model in this store has the token {surface[:_LONGEST]!r}")


def require_place(store: Store | Reader, catalogue: Catalogue, sae: str | None, context: int, position: int) -> None:
    """CommandError unless the texts of an SAE's error study have a token at a place."""
    study = catalogue.error_study(sae)
    if study is None:
        raise CommandError("place: the errors of this SAE have not been studied; A on screen 4 studies them")
    found = store.fetch(_TEXT, corpus=study.corpus_id, context=context).rows
    if not found:
        raise CommandError(f"place: the error study has no text {context}")
    if not 0 <= position < found[0][0]:
        raise CommandError(f"place: text {context} has tokens 0 to {found[0][0] - 1}, not {position}")


def require_subject(store: Store | Reader, catalogue: Catalogue, kind: str, key: str) -> Subject:
    """What a typed kind and key name, an SAE by name or id; CommandError where the store has no such thing."""
    subject = Subject(kind, key)
    match kind:
        case "sae":
            return Subject(kind, catalogue.sae(key).sae_id)
        case "letter":
            if key.lower() not in ascii_lowercase or len(key) != 1:
                raise CommandError(f"letter: {key[:_LONGEST]!r} is not one of a to z")
            return Subject(kind, key.lower())
        case "latent":
            sae, _, latent = key.rpartition("/")
            if not sae or not latent.isdecimal():
                raise CommandError(f"latent: name an SAE and a latent, as in w2048-k4/412, not {key[:_LONGEST]!r}")
            owner = catalogue.sae(sae).sae_id
            require_latent(catalogue, owner, int(latent))
            return Subject(kind, f"{owner}/{int(latent)}")
        case "token":
            require_word(store, key)
        case "place":
            _require_text(store, key)
    return subject


def _require_text(store: Store | Reader, key: str) -> None:
    """CommandError unless a token set has a token at a place."""
    corpus, *place = key.rsplit("/", 2)
    if len(place) != 2 or not all(part.isdecimal() and len(part) < 10 for part in place):
        raise CommandError(f"place: name a token set, a context and a position, as in ID/17/45, not {key[:_LONGEST]!r}")
    context, position = map(int, place)
    found = store.fetch(_TEXT, corpus=corpus, context=context).rows
    if not found:
        raise CommandError(f"place: no token set {corpus[:_LONGEST]!r} with a text {context} is in this store")
    if position >= found[0][0]:
        raise CommandError(f"place: text {context} has tokens 0 to {found[0][0] - 1}, not {position}")


def require_known(store: Store | Reader, catalogue: Catalogue, now: Attention, changes: Mapping[str, Any]) -> None:
    """CommandError, naming the part, where a link's ``changes`` of what is looked at lead nowhere.

    What a link leaves out is as it is ``now``. A job is not looked for: jobs are not in the store.
    """
    sae = changes.get("sae", now.sae)
    if changes.get("latent") is not None:
        require_latent(catalogue, sae, changes["latent"])
    if changes.get("token") is not None:
        require_word(store, changes["token"])
    if changes.get("context") is not None and changes.get("position") is not None:
        require_place(store, catalogue, sae, changes["context"], changes["position"])
    for name in ("pursuit", "beside"):
        if changes.get(name) is not None and not store.fetch(_RUN, pursuit=changes[name]).rows:
            raise CommandError(f"{name}: no pursuit {changes[name][:_LONGEST]!r} here; p on screen 5 starts one")
    if changes.get("pursued") is not None:
        pursuit = changes.get("pursuit")
        if not store.fetch(_ROW, row=changes["pursued"], pursuit=pursuit, sae=sae).rows:
            raise CommandError(f"pursued: this pursuit has no token {changes['pursued']}")
    _require_settings(catalogue, sae, changes)


def _require_settings(catalogue: Catalogue, sae: str | None, changes: Mapping[str, Any]) -> None:
    """The tokens, number of latents and method of the next pursuit."""
    if "pursue_tokens" in changes:
        TokenChoice.read(changes["pursue_tokens"])
    entry = catalogue.entry(sae)
    if "pursue_l0" in changes and entry is not None:
        read_l0(changes["pursue_l0"], entry)
    if changes.get("pursue_method", METHODS[0]) not in METHODS:
        raise UsageError(f"pursue_method: must be one of {', '.join(METHODS)}")
