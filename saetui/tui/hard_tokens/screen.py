"""Screen 4: which tokens stay hard as the SAE grows, what of their error is linear, and are absorbed words harder?"""

from typing import Any, ClassVar, cast

from textual import events, on, work
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from saetui.commands.figures import ShowFigure
from saetui.commands.hard_tokens import ABSORBED, ORDER_NAMES, SCALING, TOKENS, UNIT_NAMES, At
from saetui.commands.navigate import Focus
from saetui.commands.select import Sae
from saetui.commands.table import shown_choice
from saetui.figures.description import Figure
from saetui.recipes import TrainedBy, differing, recipe_groups
from saetui.tui.cards.place_card import PlaceCard
from saetui.tui.cards.place_facts import PlaceSubject
from saetui.tui.drawing.figure_view import FigureView
from saetui.tui.explained import Explained
from saetui.tui.frame.empty_text import going_on
from saetui.tui.frame.study import StudyScreen
from saetui.tui.hard_tokens import columns
from saetui.tui.hard_tokens.absorbed_line import AbsorbedLine
from saetui.tui.hard_tokens.error_strips import ErrorStrips
from saetui.tui.hard_tokens.manifest import MANIFEST
from saetui.tui.keys import bindings_of
from saetui.tui.table.halting import HaltingReader
from saetui.tui.table.query_table import QueryTable
from saetui.workbench.trouble import outside_errors, told

_EMPTY = """[b]The errors of these SAEs have not been studied yet.[/b]

[b $accent]A[/]  studies the SAEs in view on one set of tokens: what each leaves out, linear and not, token by token
[b $accent]1[/]  [b $accent]A[/]  trains six SAEs on the embedded model first, where there are none
[b $accent]7[/]  shows what runs
"""
_FIGURES = ("error_scaling", "width_norms")


class HardTokensScreen(StudyScreen):
    """Tokens with their error in every SAE, one text with all its errors, a card, and how errors fall with width."""

    MANIFEST = MANIFEST
    PAGES: ClassVar = {"": ("tokens", "lower"), "scaling": ("width",)}
    FIRST = TOKENS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "card", "Show the card of the token", show=False),
        Binding("enter", "enlarge", "Show a plot large", show=False),
        Binding("escape", "close", "Close the card, or the page", show=False),
        *bindings_of(MANIFEST.name),
    ]
    DEFAULT_CSS = """
    HardTokensScreen #hard_tokens-empty { display: none; height: 1fr; padding: 2 3; }
    HardTokensScreen.-empty #hard_tokens-empty { display: block; }
    HardTokensScreen.-empty #hard_tokens-body { display: none; }
    HardTokensScreen #hard_tokens-body { height: 1fr; }
    HardTokensScreen #hard_tokens-tokens { height: 1fr; }
    HardTokensScreen #hard_tokens-lower { height: 13; }
    HardTokensScreen #hard_tokens-strips { width: 1fr; }
    HardTokensScreen #hard_tokens-card { width: 56; margin-left: 1; }
    HardTokensScreen #hard_tokens-width { height: 1fr; }
    HardTokensScreen #hard_tokens-scaling { height: auto; max-height: 35%; min-height: 4; }
    HardTokensScreen #hard_tokens-plots { height: 1fr; }
    HardTokensScreen #hard_tokens-absorbed { height: auto; max-height: 30%; min-height: 4; }
    HardTokensScreen .hard_tokens-figure { border-top: solid $foreground 20%; border-title-color: $text-muted; }
    HardTokensScreen .hard_tokens-figure { border-title-background: transparent; margin-right: 1; }
    HardTokensScreen .hard_tokens-figure:focus { border-top: solid $accent; border-title-color: $accent; }
    HardTokensScreen.-wide #hard_tokens-lower { height: 18; }
    HardTokensScreen.-wide #hard_tokens-card { width: 70; }
    HardTokensScreen.-narrow #hard_tokens-lower { height: 7; }
    HardTokensScreen.-narrow #hard_tokens-card { display: none; width: 1fr; margin-left: 0; }
    HardTokensScreen.-narrow.-card #hard_tokens-card { display: block; }
    HardTokensScreen.-narrow.-card #hard_tokens-strips { display: none; }
    HardTokensScreen.-narrow.-card #hard_tokens-tokens { display: none; }
    HardTokensScreen.-narrow.-card #hard_tokens-lower { height: 1fr; }
    HardTokensScreen.-narrow #width_norms { display: none; }
    """

    class FigureRead(Message):
        """A figure of the page of widths has been drawn, or says why there is none."""

        def __init__(self, name: str, figure: Figure | None, problem: str) -> None:
            super().__init__()
            self.name, self.figure, self.problem = name, figure, problem

    def __init__(self) -> None:
        super().__init__()
        self._largest = 0.0
        self._figures_of: tuple[Any, ...] | None = None
        # The place for which the cursor was sent to its token.
        self._followed: int | None = None
        self._readers: dict[str, HaltingReader] = {}

    def halt_reads(self) -> bool:
        halted = [reader.halt() for reader in self._readers.values()]
        return super().halt_reads() or any(halted)

    def on_unmount(self) -> None:
        for reader in self._readers.values():
            reader.close()

    def compose_body(self) -> ComposeResult:
        bench = self.bench
        yield Static(_EMPTY, id="hard_tokens-empty")
        with Vertical(id="hard_tokens-body"):
            yield self.table_widget(TOKENS, self._columns(), counted=False)
            yield AbsorbedLine(bench.store.reader(), id="hard_tokens-absorbed-line")
            with Horizontal(id="hard_tokens-lower"):
                yield ErrorStrips(id="hard_tokens-strips")
                yield PlaceCard(bench.store.reader(), id="hard_tokens-card")
            with Vertical(id="hard_tokens-width") as page:
                page.display = False
                yield self.table_widget(SCALING, columns.scaling("normal"), counted=False)
                with Horizontal(id="hard_tokens-plots"):
                    for name in _FIGURES:
                        figure = FigureView(id=name)
                        figure.add_class("hard_tokens-figure")
                        figure.can_focus = True
                        yield figure
                yield self.table_widget(ABSORBED, columns.absorbed("normal"), counted=False)

    @property
    def tokens(self) -> QueryTable:
        return self.query_one("#hard_tokens-tokens", QueryTable)

    @property
    def scaling(self) -> QueryTable:
        return self.query_one("#hard_tokens-scaling", QueryTable)

    @property
    def absorbed(self) -> QueryTable:
        return self.query_one("#hard_tokens-absorbed", QueryTable)

    @property
    def strips(self) -> ErrorStrips:
        return self.query_one("#hard_tokens-strips", ErrorStrips)

    @property
    def card(self) -> PlaceCard:
        return self.query_one("#hard_tokens-card", PlaceCard)

    @property
    def answer(self) -> AbsorbedLine:
        return self.query_one("#hard_tokens-absorbed-line", AbsorbedLine)

    # What is looked at

    def attention_changed(self) -> None:
        before, now = self.look()
        if (before.order, before.in_view, before.unit) != (now.order, now.in_view, now.unit):
            self._largest = 0.0
        if before.order != now.order:
            self.tokens.reset_cursor()
        self._lay_out_columns()
        self.ask(self.tokens)
        self._follow_place()
        self._show_answer()
        self._show_card()
        self._place_known()
        self._show_marks()
        self.ask_page()
        self.name_tables()

    def _follow_place(self) -> None:
        """Put the cursor on the token that is looked at, or on the one that stands for it as its equal."""
        attention = self.bench.attention
        if attention.context is None or attention.position is None:
            return
        own = attention.context << 16 | attention.position
        shown = self._shown_place if self._is_distinct else own
        if shown is not None:
            self._followed = own
            self.follow(self.tokens, shown)

    @property
    def _is_distinct(self) -> bool:
        """Whether one of the tokens with equal activations stands for all in the table."""
        return self.bench.attention.order != "damage" and self.tokens.is_distinct

    @property
    def _shown_place(self) -> int | None:
        """The place of the token that stands for the one that is looked at; None until it is known."""
        attention, facts = self.bench.attention, self.card.facts
        if facts is None or (facts.context, facts.token["position"]) != (attention.context, attention.position):
            return None
        own = facts.context << 16 | int(facts.token["position"])
        return own if facts.token["equal_to"] is None else int(facts.token["equal_to"])

    def _show_answer(self, *, again: bool = False) -> None:
        sae = self.bench.attention.sae
        is_studied = self.bench.catalogue.has_study("absorption", sae)
        self.answer.show(self.bench.parameters("absorbed_answer"), sae, studied=is_studied, again=again)

    def ask_page(self) -> None:
        if self.bench.page != "scaling":
            return
        self.ask(self.scaling)
        self.ask(self.absorbed)
        if self.bench.attention.sae is not None:
            self.follow(self.scaling, self.bench.attention.sae)
        study = self.bench.catalogue.error_study(self.bench.attention.sae)
        figures_of = (study, self.bench.revision)
        if study is not None and figures_of != self._figures_of:
            self._figures_of = figures_of
            self._draw_figures()

    def store_changed(self) -> None:
        self.set_class(self.bench.catalogue.error_study(self.bench.attention.sae) is None, "-empty")
        self._show_marks()
        self._lay_out_columns()
        for table in (self.tokens, self.scaling, self.absorbed):
            table.reload()
        self._show_answer(again=True)
        self._show_card(again=True)
        self.ask_page()

    def jobs_changed(self) -> None:
        """How far a study of errors is, where there is nothing else to see."""
        text = Content.from_markup(_EMPTY) + going_on(self.bench, MANIFEST.kinds)
        self.query_one("#hard_tokens-empty", Static).update(text)

    def _show_card(self, *, again: bool = False) -> None:
        attention = self.bench.attention
        study = self.bench.catalogue.error_study(attention.sae)
        if study is None or attention.context is None or attention.position is None:
            self.card.show(None)
            return
        asked = {name: getattr(attention, name) for name in ("sae", "context", "position")}
        self.card.show(PlaceSubject(asked | {"study": study.study_id}, study.corpus_id), again=again)

    @on(PlaceCard.PlaceRead)
    def _place_known(self) -> None:
        attention = self.bench.attention
        self.strips.show(
            self.card.facts,
            in_view=attention.in_view,
            current=attention.sae,
            unit=attention.unit,
            unit_name=UNIT_NAMES[attention.unit],
        )
        self._follow_place()

    def _show_marks(self) -> None:
        study = self.bench.catalogue.error_study(self.bench.attention.sae)
        keys = [s.key.rsplit("/", 2) for s in self.bench.marks if s.kind == "place"]
        here = [(int(c), int(p)) for corpus, c, p in keys if study is not None and corpus == study.corpus_id]
        self.tokens.set_marks(frozenset(context << 16 | position for context, position in here))
        self.scaling.set_marks(self.marked("sae"))

    # Cursors

    @on(QueryTable.RowHighlighted, "#hard_tokens-tokens")
    def _token_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(TOKENS, event.row)
        attention = self.bench.attention
        if not event.table.up_to_date or (self._shown != attention and not event.moved):
            # Rows of what was asked before; or the place of a link has yet to be looked for.
            return
        place = (event.row["context"], event.row["position"])
        same = place == (attention.context, attention.position)
        if not event.moved and not same and attention.context is not None and attention.position is not None:
            if self._followed != attention.context << 16 | attention.position:
                # The cursor goes to the token that stands for the one looked at, once it is known which.
                return
            same = self._is_distinct and self._shown_place == event.row["place"]
        self.choose(event, None if same else At(*place))

    @on(QueryTable.RowHighlighted, "#hard_tokens-scaling")
    def _sae_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(SCALING, event.row)
        if event.moved and event.row["sae_id"] != self.bench.attention.sae:
            self.choose(event, Sae(str(event.row["sae"])))

    @on(QueryTable.RowHighlighted, "#hard_tokens-absorbed")
    def _words_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(ABSORBED, event.row)

    @on(ErrorStrips.Stepped)
    def _stepped(self, event: ErrorStrips.Stepped) -> None:
        self.dispatch(At(event.context, event.position), visit=False)

    @on(QueryTable.RowSelected, "#hard_tokens-tokens")
    def _token_chosen(self, event: QueryTable.RowSelected) -> None:
        if event.table.up_to_date:
            place = {"context": event.row["context"], "position": event.row["position"]}
            self.choose_for_all(At(**place), **place)
        self.strips.focus()

    @on(QueryTable.RowSelected, "#hard_tokens-scaling")
    def _sae_chosen(self, event: QueryTable.RowSelected) -> None:
        self.choose_for_all(Sae(str(event.row["sae"])), sae=event.row["sae_id"])
        self.dispatch(Focus(TOKENS))

    # Rows that have arrived

    @on(QueryTable.Loaded, "#hard_tokens-tokens")
    def _tokens_loaded(self, event: QueryTable.Loaded) -> None:
        rows = self.rows(event.table, 256)
        seen = [i for i, _ in self._saes()]
        errors = [row["errors"][i] for row in rows for i in seen if row["errors"][i] is not None]
        self._largest = max(errors, default=0.0)
        self._lay_out_columns()
        self.name_tables()

    # Figures of the page of widths

    def _draw_figures(self) -> None:
        for name in _FIGURES:
            self._readers.setdefault(name, HaltingReader(self.bench.store.reader()))
            self._draw_figure(name)

    @work(thread=True, exit_on_error=False)
    def _draw_figure(self, name: str) -> None:
        reader = self._readers[name]
        reader.begin()
        try:
            message = self.FigureRead(name, self._figure(name).drawn(cast(Any, reader)), "")
        except outside_errors() as problem:
            message = self.FigureRead(name, None, told(problem))
        finally:
            reader.end()
        self.post_message(message)

    @on(FigureRead)
    def _figure_read(self, message: FigureRead) -> None:
        view = self.query_one(f"#{message.name}", FigureView)
        view.figure = message.figure
        view.border_title = Content(message.problem or (message.figure.title if message.figure is not None else ""))

    def _figure(self, name: str) -> ShowFigure:
        return ShowFigure(name, hook=self.bench.attention.hook or "")

    def figure_in_focus(self) -> ShowFigure | None:
        name = self.focused.id if self.focused is not None else None
        return self._figure(name) if name in _FIGURES else None

    def action_enlarge(self) -> None:
        """Show the plot in focus on the whole screen."""
        figure = self.figure_in_focus()
        if figure is None:
            raise SkipAction
        self.dispatch(figure)

    # Titles and columns

    def _saes(self) -> list[tuple[int, str]]:
        """Place in the study and name of the SAEs in view, by rising width; all of it where none is."""
        study = self.bench.catalogue.error_study(self.bench.attention.sae)
        if study is None:
            return []
        entries = [(i, self.bench.catalogue.entry(sae_id)) for i, sae_id in enumerate(study.sae_ids)]
        named = [(i, entry.name if entry is not None else "?", study.sae_ids[i]) for i, entry in entries]
        seen = [sae for sae in named if sae[2] in self.bench.attention.in_view]
        return [(i, name) for i, name, _ in seen or named]

    def _columns(self) -> columns.Columns:
        attention = self.bench.attention
        return columns.tokens(self._saes(), attention.order, attention.unit, self.breadth, self._largest)

    def _lay_out_columns(self) -> None:
        kind = self.breadth
        self.tokens.set_columns(self._columns())
        self.scaling.set_columns(columns.scaling(kind))
        self.absorbed.set_columns(columns.absorbed(kind))

    def name_tables(self) -> None:
        attention, state = self.bench.attention, self.bench.tables[TOKENS]
        order = f"by {state.sort}" if state.sort else ORDER_NAMES[attention.order]
        parts: list[str | tuple[str, str]] = [
            f"{self.tokens.total:,} tokens  ",
            (order, "bold"),
            (" O  ", "dim"),
            (UNIT_NAMES[attention.unit], "bold"),
            (" u  ", "dim"),
        ]
        shown = shown_choice(self.bench, TOKENS)
        for choice in self.tokens.table.choices:
            name = f"letter {attention.letter}" if choice.name == "letter" and attention.letter else choice.name
            parts.append((f"[{name}]", "bold") if choice.name == shown else f" {name} ")
        parts.append((" w", "dim"))
        if shown is None:
            parts.append(f"  /{state.filter}")
        self.tokens.title = Content.assemble(*parts)
        parts = ["what SAEs of rising width leave unexplained", ("  ⎋ tokens", "dim")]
        if mixed := self._mixed_recipes():
            parts.append((f"  mixed recipes: {mixed}", "bold $warning"))
        self.scaling.title = Content.assemble(*parts)

    def _mixed_recipes(self) -> str:
        """In what the recipes of the study's SAEs differ; empty where they do not, as far as is known."""
        study = self.bench.catalogue.error_study(self.bench.attention.sae)
        entries = [self.bench.catalogue.entry(sae_id) for sae_id in (study.sae_ids if study is not None else ())]
        known = [(TrainedBy.read(sae.recipe), sae.width) for sae in entries if sae is not None]
        return differing(recipe for recipe, _ in known) if len(set(recipe_groups(known))) > 1 else ""

    # Pages and folding

    def page_turned(self) -> None:
        # The line stands above the tokens, and hides itself where it has nothing to say.
        self.answer.styles.display = "none" if self.bench.page == "scaling" else None
        if self.answer.display:
            self._show_answer()

    @property
    def is_in_card(self) -> bool:
        return self.card.has_focus or self.strips.has_focus

    def leave_card(self) -> None:
        self.tokens.focus()

    def on_resize(self, event: events.Resize) -> None:
        if self.is_whole and event.size.width:
            self._lay_out_columns()

    def explained(self) -> list[Explained]:
        if isinstance(self.focused, FigureView):
            return [Explained("study_fvu" if self.focused.id == "error_scaling" else "width_norms")]
        if isinstance(self.focused, ErrorStrips):
            return [self.focused.explained()]
        return super().explained()

    def current_query(self) -> tuple[str, dict[str, Any]] | None:
        if isinstance(self.focused, ErrorStrips | PlaceCard):
            return self.bench.store.sql_of("error_context"), self.bench.parameters("error_context")
        return super().current_query()
