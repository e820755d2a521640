"""The colours: one calm dark theme, a light one, and the terminal's own sixteen where there are no more."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from textual.color import Color
from textual.theme import Theme

from saetui.tui.drawing.depth import Depth

DARK = Theme(
    name="saetui-dark",
    primary="#5fa8a0",
    secondary="#6f8fa8",
    accent="#d6a85c",
    foreground="#d5d8da",
    background="#14181b",
    surface="#1a1f23",
    panel="#22282d",
    success="#7faf78",
    warning="#d6a85c",
    error="#d9756d",
    dark=True,
    variables={
        "border": "#4a565c",
        "border-blurred": "#2f383d",
        "scrollbar": "#3b464c",
        "scrollbar-hover": "#566369",
        "scrollbar-active": "#d6a85c",
        "scrollbar-background": "#14181b",
        "scrollbar-background-hover": "#14181b",
        "scrollbar-background-active": "#14181b",
        "scrollbar-corner-color": "#14181b",
    },
)
LIGHT = Theme(
    name="saetui-light",
    primary="#1f6f68",
    secondary="#3f6178",
    accent="#8a5a00",
    foreground="#22282c",
    background="#f6f5f1",
    surface="#eeece6",
    panel="#e3e0d8",
    success="#2f6d2f",
    warning="#8a5a00",
    error="#a3352d",
    dark=False,
    variables={
        "border": "#a8a498",
        "border-blurred": "#cfccc3",
        "scrollbar": "#c2beb3",
        "scrollbar-hover": "#a8a498",
        "scrollbar-active": "#8a5a00",
        "scrollbar-background": "#f6f5f1",
        "scrollbar-background-hover": "#f6f5f1",
        "scrollbar-background-active": "#f6f5f1",
        "scrollbar-corner-color": "#f6f5f1",
    },
)
THEMES = (DARK, LIGHT)
_MUTED = 0.6


def first_theme(themes: Mapping[str, Theme], depth: Depth) -> str:
    """The theme to start with: the one chosen last, unless it needs more colours than the terminal has."""
    chosen = themes.get(chosen_theme() or "")
    if chosen is not None and (chosen.ansi or not depth.is_poor):
        return chosen.name
    return "ansi-dark" if depth.is_poor else DARK.name


def chosen_theme() -> str | None:
    """The theme that was chosen last, if any was."""
    try:
        return _memory().read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def remember_theme(name: str) -> None:
    """Start with this theme from now on; a read-only home folder only means that it is forgotten."""
    with suppress(OSError):
        _memory().parent.mkdir(parents=True, exist_ok=True)
        _memory().write_text(f"{name}\n", encoding="utf-8")


def _memory() -> Path:
    from platformdirs import user_state_path

    return user_state_path("saetui") / "theme"


def muted(theme: Theme) -> str:
    """The colour of secondary text, ``$muted``; Textual's own depends on the background."""
    colours = theme.to_color_system().generate()
    if theme.ansi:
        return "ansi_bright_black"
    background, foreground = Color.parse(colours["background"]), Color.parse(colours["foreground"])
    return background.blend(foreground, _MUTED, alpha=1.0).hex
