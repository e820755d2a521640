"""The terminal app: shows screens and panels, passes commands in and changes out, and polls jobs and store."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from threading import Thread, get_ident
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar, cast

from rich.console import RenderableType
from rich.text import Text
from textual import events, on, work
from textual.app import App, ScreenStackError
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.driver import Driver
from textual.events import Resize
from textual.filter import LineFilter, Monochrome, NoColor
from textual.notifications import SeverityLevel
from textual.screen import ModalScreen, Screen
from textual.widget import AwaitMount

from saetui.commands.command import Command
from saetui.commands.dispatch import prepare, require_here
from saetui.commands.parse import find, parse
from saetui.commands.session import Recorder, fingerprint
from saetui.plugins import untold
from saetui.tui.clean import Clean
from saetui.tui.command_queue import CommandQueue, on_own_thread
from saetui.tui.crash import crash_report
from saetui.tui.drawing.depth import Depth, Nearest256, depth, depth_of, use_depth
from saetui.tui.frame.screen import WorkbenchScreen, made_screen, screen_class
from saetui.tui.keys import bindings_of
from saetui.tui.messages import BenchEvent, DevicesSeen
from saetui.tui.panels.base import Panel
from saetui.tui.panels.note_drafts import NoteDrafts
from saetui.tui.panels.too_small import TooSmall
from saetui.tui.signals import SIGNALS
from saetui.tui.theme import THEMES, first_theme, muted, remember_theme
from saetui.tui.typed_ahead import TypedAhead, opens_a_line
from saetui.visible import visible_lines
from saetui.workbench.events import (
    Event,
    NoteEvent,
    NoticeEvent,
    ScreenEvent,
)
from saetui.workbench.exceptions import CommandError
from saetui.workbench.screens import screens
from saetui.workbench.trouble import outside_errors, told
from saetui.workbench.workbench import Workbench
from store import Store

if TYPE_CHECKING:
    from saetui.jobs.devices import Device

P = ParamSpec("P")
T = TypeVar("T")
POLL_SECONDS = 0.25
_DEVICE_SECONDS = 2.0
# Looking at the devices loads libraries; the first paint comes before it.
_DEVICE_DELAY = 0.5
_AGAIN_SECONDS = 0.1
MINIMUM_SIZE = (60, 15)
# The screen that a start shows.
_FIRST = next(iter(screens()))


def _collect_garbage() -> None:
    """Turn garbage collection on again after the first paint; objects made until then are never collected."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


class WorkbenchApp(App[int], inherit_bindings=False):
    """saetui on a workbench; ``saetui.tui.start.run`` makes one."""

    TITLE = "saetui"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of(None),
        Binding("ctrl+c", "interrupt", "Close what is open, or leave", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "Suspend; fg goes on", show=False, priority=True),
    ]
    DEFAULT_MODE = _FIRST
    # A mode's first screen has its styles read twice; the default one is made by get_default_screen instead.
    MODES: ClassVar[dict[str, Any]] = {name: partial(made_screen, name) for name in screens() if name != _FIRST}

    def __init__(self, bench: Workbench, *, record: bool = True) -> None:
        super().__init__()
        self.bench = bench
        self._record = record
        self._clean = Clean()
        for theme in THEMES:
            self.register_theme(theme)
        use_depth(depth_of(self.console.color_system, no_color=self.no_color))
        self.theme = first_theme(self.available_themes, depth())
        if os.environ.get("SSH_CONNECTION") and "TEXTUAL_ANIMATIONS" not in os.environ:
            self.animation_level = "none"
        self.command_queue = CommandQueue(self._command_fault)
        self._typed_ahead = TypedAhead(self, self.on_event)
        self._stop_wanted = 0
        self._is_small = False
        self.devices: tuple[Device, ...] = ()
        bench.front = self
        bench.subscribe(self._heard)

    def get_driver_class(self) -> type[Driver]:
        usual = super().get_driver_class()
        if usual.__name__ != "LinuxDriver":
            return usual
        from saetui.tui.driver import LastingDriver

        return LastingDriver

    def get_line_filters(self) -> Sequence[LineFilter]:
        # Textual decides what NO_COLOR means before it knows the theme, and paints the terminal's own colours black.
        filters = [NoColor() if isinstance(each, Monochrome) else each for each in super().get_line_filters()]
        return [*filters, *([Nearest256()] if depth() is Depth.CUBE else []), self._clean]

    def get_default_screen(self) -> Screen[Any]:
        self.add_mode(self.DEFAULT_MODE, partial(made_screen, self.DEFAULT_MODE))
        return made_screen(self.DEFAULT_MODE)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"muted": muted(self.current_theme)}

    def on_mount(self) -> None:
        self.set_interval(POLL_SECONDS, self.bench.poll)
        self.set_interval(POLL_SECONDS, self._tell_left_out)
        self.set_timer(_DEVICE_DELAY, self._look_at_devices)
        self.set_interval(_DEVICE_SECONDS, self._look_at_devices)
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._stopped_by, number)
        # More signals than the loop can be told of, as of a key held down, are no reason to say anything.
        signal.set_wakeup_fd(signal.set_wakeup_fd(-1), warn_on_full_buffer=False)
        self.app_resume_signal.subscribe(self, self._paint_again)
        self.call_after_refresh(_collect_garbage)
        if self._stop_wanted:
            self._stopped_by(self._stop_wanted)
        if self._record:
            store = self.bench.store
            self.bench.recorder = Recorder(store.root / "sessions", lambda: fingerprint(store))
        if self.bench.screen != self.DEFAULT_MODE:
            self.switch_mode(self.bench.screen)

    async def run_async(self, *arguments: Any, **options: Any) -> int | None:
        try:
            return await super().run_async(*arguments, **options)
        finally:
            # The event loop closes what signals write to before it stops them from doing so.
            signal.set_wakeup_fd(-1)

    def _paint_again(self, _: App[Any]) -> None:
        """Paint all of it: a terminal that was given to the shell meanwhile shows nothing of it."""
        self.refresh(layout=True)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded:
            if self._typed_ahead.takes(event):
                return
            with suppress(ScreenStackError):
                below = not isinstance(self.screen, ModalScreen)
                if below and isinstance(event, events.Key) and opens_a_line(event.key, self.bench.screen):
                    self._typed_ahead.begin()
        await super().on_event(event)

    def _tell_left_out(self) -> None:
        """Say once what of other packages is left out."""
        for words in untold():
            self.say(words, "warning")

    # Commands

    def dispatch(self, command: Command | str, *, visit: bool = True) -> None:
        """Dispatch a command, after its question if it has one; errors are shown, not raised.

        ``visit=False`` where a cursor moved: nothing is done once another screen has come to the front.
        """
        with self._saying():
            given = parse(command) if isinstance(command, str) else command
            self._in_turn(given, partial(self._dispatch, given, visit, self.bench.screen))

    async def prepared(self, command: Command | str) -> Command:
        """A command with all its arguments filled in; raises CommandError, StoreError or JobError as ``prepare``."""
        given = parse(command) if isinstance(command, str) else command
        if not given.reads and self.command_queue.idle:
            return prepare(self.bench, given)
        return await asyncio.wrap_future(self.command_queue.ask(partial(prepare, self.bench, given)))

    def perform(self, prepared: Command, *, visit: bool = True) -> None:
        """Do a command whose arguments are all filled in, as ``dispatch`` does."""
        self._in_turn(prepared, partial(self._perform, prepared, visit))

    def _in_turn(self, command: Command, work: Callable[[], None]) -> None:
        """Do what belongs to a command: at once, or beside the interface if it asks the store or others are ahead."""
        if command.reads or not self.command_queue.idle:
            self.command_queue.put(work)
        else:
            work()

    def _dispatch(self, given: Command, visit: bool, screen: str) -> None:
        if not visit and self.bench.screen != screen:
            return
        with self._saying():
            done = prepare(self.bench, given)
            if done.reads and self.is_own_thread:
                self.command_queue.put(partial(self._perform, done, visit))
            else:
                self._perform(done, visit)

    def _perform(self, prepared: Command, visit: bool) -> None:
        with self._saying():
            question = prepared.question(self.bench)
            if question is None:
                self.bench.perform(prepared, visit=visit)
            else:
                self._ask(question, prepared.confirmed(), visit)

    @on_own_thread
    def _ask(self, question: str, confirmed: Command, visit: bool) -> None:
        from saetui.tui.panels.confirm import ConfirmPanel

        self.push_screen(ConfirmPanel(question), partial(self._answered, confirmed, visit))

    def _answered(self, confirmed: Command, visit: bool, sure: bool | None) -> None:
        if sure:
            self._in_turn(confirmed, partial(self._do, confirmed, visit))

    def _do(self, confirmed: Command, visit: bool) -> None:
        with self._saying():
            self.bench.perform(confirmed, visit=visit)

    def read(self, work: Callable[[], T], then: Callable[[T], object]) -> None:
        """Do what asks the store beside the interface, in turn with commands, and go on with what it found."""

        def beside() -> None:
            with self._saying():
                self._go_on(then, work())

        self.command_queue.put(beside)

    @on_own_thread
    def _go_on(self, then: Callable[[T], object], found: T) -> None:
        self.command_queue.hand_over()
        then(found)

    @property
    def is_own_thread(self) -> bool:
        """Whether this is the thread in which everything on screen is changed."""
        return self._thread_id == get_ident()

    def _command_fault(self, error: Exception) -> None:
        """A fault in the thread of commands, unless the interface has left meanwhile."""
        if not self.is_leaving:
            self.call_from_thread(self._handle_exception, error)

    @contextmanager
    def _saying(self) -> Iterator[None]:
        """What cannot be done is shown, not raised."""
        try:
            yield
        except outside_errors() as problem:
            self.say(told(problem), "error")

    def action_command(self, text: str) -> None:
        """What a key or a click does: its command, or the panel that asks for what is missing."""
        verb, _, arguments = text.partition(" ")
        self.front_screen.tell_row()
        if verb == "leave" and self.halt_reads():
            return
        if verb == "leave" and self.front_screen.is_zoomed:
            self.front_screen.zoom()
        elif find(verb).asks and not arguments:
            with self._saying():
                require_here(self.bench, find(verb))
                self.open_panel(verb)
        else:
            self.dispatch(text)

    def halt_reads(self) -> bool:
        """Stop slow reads and exports; return whether there were any."""
        halted = self.front_screen.halt_reads()
        halted = self.bench.stop() or halted
        if self.command_queue.is_slow:
            self.bench.store.interrupt()
            halted = True
        if halted:
            # A query that was just about to begin does not notice the first interrupt.
            self.set_timer(_AGAIN_SECONDS, self.front_screen.halt_reads)
        return halted

    def action_interrupt(self) -> None:
        """Close the panel that is open; without one, leave."""
        if isinstance(self.screen, Panel):
            self.screen.action_close()
        else:
            self.exit(0)

    def say(self, text: str, severity: str = "information") -> None:
        """Show a notice; names in it may be anybody's."""
        self.notify(visible_lines(text), severity=cast(SeverityLevel, severity), markup=False)

    # What commands ask of the interface (saetui.workbench.front.Front)

    @on_own_thread
    def open_panel(self, name: str, text: str = "") -> None:
        from saetui.tui.panels import opening

        try:
            opening.open_panel(self, name, text)
        except outside_errors() as problem:
            self.say(told(problem), "error")
        self.call_after_refresh(self._typed_ahead.look)

    @on_own_thread
    def focus_table(self, table: str) -> None:
        if self.front_screen.is_zoomed:
            self.front_screen.zoom()
        self.front_screen.turn_page()
        widget = self.front_screen.table(table)
        if widget is not None and not widget.has_focus:
            # At once: the news of the focus before, which may come only now, must not take it back.
            self.front_screen.set_focus(widget)

    @on_own_thread
    def zoom(self) -> None:
        self.front_screen.zoom()

    @on_own_thread
    def copy(self, text: str, what: str) -> None:
        from saetui.tui.clipboard import copy

        self.say(copy(self, text, what))

    @on_own_thread
    def use_theme(self, name: str) -> None:
        if name not in self.available_themes:
            raise CommandError(f"no theme {name!r}; there are {', '.join(sorted(self.available_themes))}")
        self.theme = name
        remember_theme(name)

    def themes(self) -> list[str]:
        return sorted(self.available_themes)

    @on_own_thread
    def quit(self) -> None:
        self.exit(0)

    def write_to_terminal(self, text: str) -> bool:
        """Send a sequence to the terminal; False where there is none."""
        if self._driver is None or self.is_headless:
            return False
        self._driver.write(text)
        return True

    @property
    def store(self) -> Store:
        """Where tables read."""
        return self.bench.store

    # What the workbench tells

    @property
    def front_screen(self) -> WorkbenchScreen:
        """The screen in front, whatever panel lies over it."""
        return next(screen for screen in reversed(self.screen_stack) if isinstance(screen, WorkbenchScreen))

    @property
    def _tellable(self) -> list[WorkbenchScreen]:
        """Screens in front; none while the app starts or stops."""
        stack = self._screen_stacks.get(self.current_mode, [])
        return [screen for screen in stack if isinstance(screen, WorkbenchScreen) and screen.is_whole]

    def _heard(self, event: Event) -> None:
        """Bring an event over from whatever thread it happened in."""
        self.post_message(BenchEvent(event))

    @on(BenchEvent)
    async def _bench_changed(self, message: BenchEvent) -> None:
        if self.is_leaving:
            return
        match message.event:
            case ScreenEvent(screen):
                while isinstance(self.screen, ModalScreen):
                    await self.pop_screen()
                self._cover()
                try:
                    screen_class(screen)
                except CommandError as problem:
                    self.say(str(problem), "error")
                    self.bench.show(self.current_mode)
                    return
                await self.switch_mode(screen)
            case NoticeEvent(text, severity):
                self.say(text, severity)
            case NoteEvent(subject, text):
                NoteDrafts(self.bench.store.root).forget(subject, text)
            case event:
                for front in self._tellable:
                    front.post_message(BenchEvent(event))

    def on_resize(self, event: Resize) -> None:
        self._is_small = event.size.width < MINIMUM_SIZE[0] or event.size.height < MINIMUM_SIZE[1]
        self._cover()

    @property
    def _is_covered(self) -> bool:
        """Whether the word about the size is in front."""
        stack = self._screen_stacks.get(self.current_mode, [])
        return bool(stack) and isinstance(stack[-1], TooSmall)

    def _cover(self) -> None:
        """Have the word about the size in front of everything while the terminal is too small, and only then."""
        if self._is_covered and not self._is_small:
            self.pop_screen()
        elif self._is_small and not self._is_covered and self._screen_stacks.get(self.current_mode):
            super().push_screen(TooSmall(MINIMUM_SIZE))

    def _uncover(self) -> None:
        if self._is_covered:
            self.pop_screen()

    def push_screen(self, screen: Any, *arguments: Any, **options: Any) -> Any:
        """As Textual's; what is opened while the terminal is too small is there once it is larger."""
        self._uncover()
        pushed = super().push_screen(screen, *arguments, **options)
        self._cover()
        return pushed

    def switch_mode(self, mode: str) -> AwaitMount:
        """As Textual's; each mode has screens of its own, of which the one in front is covered."""
        self._uncover()
        switched = super().switch_mode(mode)
        self._cover()
        return switched

    @work(thread=True, exclusive=True, group="devices", exit_on_error=False)
    def _look_at_devices(self) -> None:
        from saetui.jobs.devices import devices_of

        self.post_message(DevicesSeen(tuple(devices_of(self.bench.client.jobs_root))))

    @on(DevicesSeen)
    def _devices_seen(self, message: DevicesSeen) -> None:
        self.devices = message.devices
        for screen in self._tellable:
            screen.devices_seen(message.devices)
            screen.refresh_frame()

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Leave; slow reads are stopped, and an earlier fault stays the reason."""
        if self._exception is not None:
            return_code = 1
        Thread(target=self.bench.close, name="saetui-closer", daemon=True).start()
        super().exit(result, return_code, message)

    def on_unmount(self) -> None:
        self.command_queue.close()

    def panic(self, *renderables: RenderableType) -> None:
        """End with a fault, wherever it comes from, and with an exit code that says so."""
        self._return_code = self._return_code or 1
        super().panic(*renderables)

    def _handle_exception(self, error: Exception) -> None:
        """A bug: its traceback goes to a file, and is reported once the terminal has been restored."""
        if self.is_leaving and isinstance(error, (NoMatches, ScreenStackError)):
            return  # Widgets are removed one after the other; looking for one that has gone does no harm.
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            Thread(target=self.bench.close, name="saetui-closer", daemon=True).start()
            self.panic(Text(crash_report(error)))
            self._exception_event.set()

    @property
    def is_leaving(self) -> bool:
        """Whether it ends now, or has not begun."""
        return self._exit or not self._running

    def stop_when_ready(self, number: int, _: object) -> None:
        """Handle a signal that comes before the app can act on it."""
        self._stop_wanted = number

    def _stopped_by(self, number: int) -> None:
        self.exit(128 + number, return_code=128 + number)
