"""Going places: screens, back and forward, links, focus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from saetui.commands.command import Command, argument, command
from saetui.commands.jobs import find_job
from saetui.commands.select import surface_of
from saetui.commands.table import Filter, missing_study
from saetui.workbench.exceptions import CommandError
from saetui.workbench.known_places import require_known
from saetui.workbench.links import read_link
from saetui.workbench.screens import current_name, screens, tables, tables_of

if TYPE_CHECKING:
    from saetui.workbench.workbench import Workbench


class _ScreenKeys(Mapping[str, str]):
    """The key of each screen that there is, with its name."""

    def __getitem__(self, key: str) -> str:
        return dict(self._pairs())[key]

    def __iter__(self) -> Iterator[str]:
        return (key for key, _ in self._pairs())

    def __len__(self) -> int:
        return len(screens())

    def _pairs(self) -> list[tuple[str, str]]:
        return [(manifest.key, manifest.name) for manifest in screens().values()]


@command("screen", "Go to a screen", keys=_ScreenKeys())
class Screen(Command):
    name: str = argument(help="its name, e.g. letters", complete="screen")

    def resolved(self, bench: Workbench) -> Screen:  # noqa: ARG002
        return Screen(current_name(self.name))

    def run(self, bench: Workbench) -> None:
        bench.show(self.name)


@command("back", "Go back to what you looked at before", keys={"left_square_bracket": ""})
class Back(Command):
    def run(self, bench: Workbench) -> None:
        _walk(bench, -1, "this is the first place you looked at")


@command("forward", "Go forward again", keys={"right_square_bracket": ""})
class Forward(Command):
    def run(self, bench: Workbench) -> None:
        _walk(bench, 1, "this is the last place you looked at")


@command("leave", "Close what is open, or else clear the filter", keys={"escape": ""}, label="back", recorded=False)
class Leave(Command):
    def resolved(self, bench: Workbench) -> Command:
        """Out of the filter; the interface closes cards and pages first. The screen stays, ``[`` leaves it."""
        return Filter("", table=bench.focus) if bench.tables[bench.focus].filter else self

    def run(self, bench: Workbench) -> None:
        """Nothing to leave is not an error: the key is often pressed in passing."""


@command("open", "Go to a link such as letters/s/412")
class Open(Command):
    link: str = argument(help="e.g. letters/s/412?sae=w2048 or absorption/s/short; Y copies one", complete="link")

    @property
    def reads(self) -> bool:
        return True

    def run(self, bench: Workbench) -> None:
        screen, changes = read_link(self.link, bench.catalogue)
        if "token" in changes:
            changes["token"] = surface_of(bench, changes["token"])
        require_known(bench.store, bench.catalogue, bench.attention, changes)
        if changes.get("job") is not None:
            changes["job"] = find_job(bench, changes["job"], bench.client.jobs()).id
        bench.show(screen)
        bench.attend(**changes)


@command("focus", "Move to a table of this screen")
class Focus(Command):
    table: str = argument(help="e.g. letters.latents", complete="table")

    def resolved(self, bench: Workbench) -> Focus:  # noqa: ARG002
        return Focus(current_name(self.table))

    def run(self, bench: Workbench) -> None:
        bench.set_focus(self.table)
        bench.front.focus_table(self.table)


@command("compare", "Compare all SAEs in view, or return", keys={"M": ""}, label="compare")
class Compare(Command):
    def resolved(self, bench: Workbench) -> Focus:
        across = tables()[screens()[bench.screen].across]
        return Focus(tables_of(bench.screen)[0].id if bench.page in across.pages else across.id)

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:  # noqa: ARG003
        return missing_study(bench)


@command("zoom", "Show the focused part on the whole screen, or go back", keys={"z": ""}, recorded=False)
class Zoom(Command):
    def run(self, bench: Workbench) -> None:
        bench.front.zoom()


def _walk(bench: Workbench, by: int, at_the_end: str) -> None:
    place = bench.history.step(by)
    if place is None:
        raise CommandError(at_the_end)
    bench.go(place)
