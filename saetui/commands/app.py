"""The frame's own commands: help, explanations, the query, copying, export, themes, quitting."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from saetui.commands.command import Command, argument, command
from saetui.visible import visible
from saetui.workbench.exceptions import CommandError
from saetui.workbench.links import link_of
from saetui.workbench.screens import current_name, tables
from saetui.workbench.shell import shell_line
from saetui.workbench.user_path import user_path

if TYPE_CHECKING:
    from saetui.workbench.workbench import Workbench


@command("help", "Show what the keys do here", keys={"question_mark": "", "f1": ""}, label="help", recorded=False)
class Help(Command):
    def run(self, bench: Workbench) -> None:
        bench.front.open_panel("help")


@command("explain", "Explain the number under the cursor", keys={"i": ""}, label="explain", recorded=False)
class Explain(Command):
    term: str = argument(default="", help="a column, e.g. fvu; the one under the cursor if left out", complete="term")

    def run(self, bench: Workbench) -> None:
        bench.front.open_panel("explain", self.term)

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:
        return "" if named or bench.table.sortable else "put the cursor on a number"


@command("query", "Show the SQL behind the focused table", keys={"Q": ""}, label="query", recorded=False)
class Query(Command):
    def run(self, bench: Workbench) -> None:
        bench.front.open_panel("query")


@command("prompt", "Type a command", keys={"colon": ""}, label="command", recorded=False)
class OpenPrompt(Command):
    text: str = argument(default="", help="what to start with", rest=True)

    def run(self, bench: Workbench) -> None:
        bench.front.open_panel("prompt", self.text)


@command("palette", "Find a command", keys={"ctrl+p": ""}, recorded=False)
class OpenPalette(Command):
    def run(self, bench: Workbench) -> None:
        bench.front.open_panel("palette")


@command("copy", "Copy the row under the cursor", keys={"y": ""}, label="copy", recorded=False)
class Copy(Command):
    def run(self, bench: Workbench) -> None:
        if bench.row is None:
            raise CommandError("copy: there is no row under the cursor")
        # Nobody reads a clipboard before it is pasted, perhaps into a shell: nothing hidden goes in.
        bench.front.copy("\t".join("" if v is None else visible(str(v)) for v in bench.row.values()), "row")

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:  # noqa: ARG003
        return "" if bench.row is not None else "there is no row under the cursor"


@command("link", "Copy a link to this place", keys={"Y": ""}, recorded=False)
class Link(Command):
    def run(self, bench: Workbench) -> None:
        link = link_of(bench.place, bench.catalogue)
        bench.front.copy(shell_line("saetui", "open", bench.store.root, "--at", link), "link")


@command("export", "Write the focused table to a file", keys={"e": ""}, label="export", asks=True)
class Export(Command):
    path: str = argument(help="a file ending in .parquet, .csv or .md", complete="file")
    table: str = argument(default="", help="the table; the focused one if left out", complete="table")
    overwrite: bool = argument(default=False, help="yes: overwrite a file of that name")

    @property
    def reads(self) -> bool:
        return True

    def resolved(self, bench: Workbench) -> Export:
        return replace(self, table=current_name(self.table) or bench.focus)

    def question(self, bench: Workbench) -> str | None:
        from saetui.workbench.export import would_overwrite
        from saetui.workbench.written_files import question

        if self.overwrite:
            return None
        return question(would_overwrite(*bench.query_of(_table(self.table)), user_path(self.path)))

    def confirmed(self) -> Export:
        return replace(self, overwrite=True)

    def run(self, bench: Workbench) -> None:
        from saetui.workbench.export import export

        sql, parameters = bench.query_of(_table(self.table))
        path = user_path(self.path)
        bench.in_background(lambda: export(bench.store, sql, parameters, path, overwrite=self.overwrite))


def _table(name: str) -> str:
    if name not in tables():
        raise CommandError(f"export: no table {name!r}; there are {', '.join(tables())}")
    return name


@command("theme", "Change the colours")
class Theme(Command):
    name: str = argument(help="name of a theme", complete="theme")

    def run(self, bench: Workbench) -> None:
        bench.front.use_theme(self.name)


@command("quit", "Leave; jobs go on", keys={"q": "", "ctrl+q": ""}, recorded=False)
class Quit(Command):
    def run(self, bench: Workbench) -> None:
        bench.front.quit()
