"""Key bindings, made from the commands' default keys."""

from textual.binding import Binding

from saetui.commands.vocabulary import keys_of

_URGENT = frozenset({"ctrl+q"})
_SHOWN = {
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
    "escape": "⎋",
    "enter": "⏎",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "space": "␣",
    "equals_sign": "=",
    "plus": "+",
    "minus": "-",
}


def bindings_of(screen: str | None) -> list[Binding]:
    """Bindings of the commands that belong to one screen, or with None of those that work everywhere."""
    return [
        Binding(
            key,
            f"app.command({f'{cls.verb} {arguments}'.strip()!r})",
            cls.summary,
            show=False,
            key_display=shown_key(key),
            priority=key in _URGENT,
            id=f"{cls.verb}.{arguments}" if arguments else cls.verb,
        )
        for key, cls, arguments in keys_of(screen)
    ]


def shown_key(key: str) -> str:
    """A key as the footer and the help write it."""
    return _SHOWN.get(key, key)
