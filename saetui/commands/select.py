"""Choosing what to look at: an SAE, a letter, a latent, a token, and the SAEs in view."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING

from saetui.commands.command import Command, argument, command
from saetui.workbench.exceptions import CommandError
from saetui.workbench.known_places import require_latent, require_word
from saetui.workbench.screens import tables_of

if TYPE_CHECKING:
    from saetui.workbench.workbench import Workbench

_LETTER = "SELECT letter FROM letter_latent WHERE sae_id = $sae AND latent = $latent ORDER BY f1 DESC LIMIT 1"
_NO_LATENT = "put the cursor on a latent, or on a word that a latent took over"
_STEPS = {"next": 1, "previous": -1}
_SURFACES = "SELECT surface FROM word WHERE surface IN ($text, ' ' || $text) ORDER BY surface <> $text LIMIT 1"


@command(
    "sae",
    "Look at an SAE",
    keys={"greater_than_sign": "next", "less_than_sign": "previous"},
)
class Sae(Command):
    name: str = argument(help="name of an SAE, or next, previous in view", complete="sae")

    def resolved(self, bench: Workbench) -> Sae:
        if self.name not in _STEPS:
            return Sae(bench.catalogue.sae(self.name).name)
        in_view = bench.attention.in_view or tuple(s.sae_id for s in bench.catalogue.saes)
        if not in_view:
            raise CommandError("there is no SAE in this store yet; :study demo trains six")
        here = in_view.index(bench.attention.sae) if bench.attention.sae in in_view else -1
        entry = bench.catalogue.entry(in_view[(here + _STEPS[self.name]) % len(in_view)])
        return Sae(entry.name if entry else in_view[0])

    def run(self, bench: Workbench) -> None:
        entry = bench.catalogue.sae(self.name)
        bench.attend(model=entry.model_id, hook=entry.hook_name, sae=entry.sae_id)


@command("letter", "Look at the latents that claim a letter")
class Letter(Command):
    letter: str = argument(help="a to z", complete="letter")

    def run(self, bench: Workbench) -> None:
        letter = self.letter.lower()
        if letter not in ascii_lowercase or len(letter) != 1:
            raise CommandError(f"letter: {self.letter!r} is not one of a to z")
        bench.attend(letter=letter)


@command("latent", "Look at a latent of the current SAE")
class Latent(Command):
    latent: int = argument(help="its number, 0 to width - 1")

    def run(self, bench: Workbench) -> None:
        require_latent(bench.catalogue, bench.attention.sae, self.latent)
        bench.attend(latent=self.latent)


@command("token", "Look at a word")
class Token(Command):
    token: str = argument(help="its text, e.g. short", rest=True)

    @property
    def reads(self) -> bool:
        return True

    def resolved(self, bench: Workbench) -> Token:
        return Token(surface_of(bench, self.token))

    def run(self, bench: Workbench) -> None:
        if self.token:
            require_word(bench.store, self.token)
        bench.attend(token=self.token or None)


def surface_of(bench: Workbench, text: str) -> str:
    """The surface of the word that a person means: as it is written, or else with a leading space."""
    found = bench.store.fetch(_SURFACES, text=text).rows
    return str(found[0][0]) if found else text


@command(
    "view",
    "Put an SAE in view on the other screens, or take it out",
    keys={"space": ""},
    elsewhere=True,
    label="in view",
)
class PutInView(Command):
    sae: str = argument(default="", help="name of an SAE; the one under the cursor if left out", complete="sae")

    def resolved(self, bench: Workbench) -> PutInView:
        if self.sae:
            return PutInView(bench.catalogue.sae(self.sae).name)
        subject = bench.subject
        if subject is None or subject.kind != "sae":
            raise CommandError("view: put the cursor on an SAE, or name one")
        return PutInView(bench.catalogue.sae(subject.key).name)

    def run(self, bench: Workbench) -> None:
        chosen = bench.catalogue.sae(self.sae).sae_id
        in_view = set(bench.attention.in_view) ^ {chosen}
        bench.attend(in_view=tuple(s.sae_id for s in bench.catalogue.saes if s.sae_id in in_view))


@command("inspect", "Look at the latent on the screen of letters", keys={"o": ""}, label="latent")
class Inspect(Command):
    latent: int = argument(default=-1, help="its number; the one under the cursor if left out")

    @property
    def reads(self) -> bool:
        return True

    def resolved(self, bench: Workbench) -> Inspect:
        latent = self.latent if self.latent >= 0 else _latent_here(bench)
        if latent is None:
            raise CommandError(f"inspect: {_NO_LATENT}")
        return Inspect(latent)

    def run(self, bench: Workbench) -> None:
        # That screen is about a letter; without one, it shows the letter that the latent tells best.
        found = bench.store.fetch(_LETTER, sae=bench.attention.sae, latent=self.latent).rows
        Latent(self.latent).run(bench)
        if bench.attention.letter is None:
            bench.attend(letter=str(found[0][0]) if found else "a")
        bench.show("letters")

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:
        return "" if named or _latent_here(bench) is not None else _NO_LATENT


def _latent_here(bench: Workbench) -> int | None:
    """The latent of the row under the cursor of the focused table, or else of the first table that has latents."""
    with_latents = [table for table in tables_of(bench.screen) if table.latent]
    focused = [table for table in with_latents if table.id == bench.focus and bench.row is not None]
    for table in focused or with_latents[:1]:
        row = bench.row_of(table.id)
        latent = row.get(table.latent) if row is not None else None
        return None if latent is None else int(latent)
    return None
