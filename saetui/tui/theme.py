"""The colours: one calm dark theme, a light one, and the terminal's own sixteen where there are no more."""

from textual.theme import Theme

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
    error="#cf6a63",
    dark=True,
    variables={
        "block-cursor-background": "#31444a",
        "block-cursor-foreground": "#eef2f2",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#262e33",
        "border": "#3b464c",
        "border-blurred": "#2a3237",
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
        "block-cursor-background": "#cfe0de",
        "block-cursor-foreground": "#16191b",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#dfe4e2",
        "border": "#b7b3a8",
        "border-blurred": "#cfccc3",
    },
)
THEMES = (DARK, LIGHT)


def default_theme(color_system: str | None) -> str:
    """The theme for a terminal of "truecolor", "256", "standard" (16 colours) or no colours."""
    return DARK.name if color_system in ("truecolor", "256") else "ansi-dark"
