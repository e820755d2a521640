"""The card of a token in its text as lines: what each SAE leaves out of it, what that costs, and which latents fire."""

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from textual.color import Color
from textual.content import Content
from textual.style import Style

from saetui.tui.cards.place_facts import PlaceFacts
from saetui.tui.drawing.fit import fit, short_number
from saetui.tui.drawing.heat import heat_look
from saetui.tui.drawing.sparkline import bar
from saetui.tui.explained import Explained
from saetui.tui.table.column import ABSENT
from saetui.visible import visible, visible_lines, visible_token

_DIM = "dim"
_NAME = 10
# Headers as those of the table of tokens, with their cells.
COLUMNS = {"error": 7, "of |x|": 7, "linear": 7, "nonlinear": 10, "L0": 4, "CE+ own": 8}
TERMS = ("token_error_norm", "token_error_share", "linear_norm", "nonlinear_norm", "l0", "token_ce")
_BAR = 8


def place_lines(
    facts: PlaceFacts, width: int, background: Color, strong: Color, *, current: str | None
) -> list[Content]:
    """The card in lines of at most ``width`` cells; ``current`` is the SAE that is looked at."""
    row = facts.token
    lines = [Content.styled(visible_lines(note), "italic $accent") for note in facts.notes]
    lines.append(_where(facts))
    if not facts.has_errors:
        lines += Content.styled("left out of the study: too early in its text, or not a number", _DIM).wrap(width)
    else:
        lines += [_how(row), Content(""), _head(width)]
        lines += [
            _sae(row, i, name, width, background, strong, current=sae_id == current)
            for i, (sae_id, name) in enumerate(facts.saes)
        ]
    return [*lines, Content(""), *_latents(facts, width, strong, current)]


def _number(value: float | None, digits: int = 2, *, signed: bool = False) -> str:
    if value is None:
        return ABSENT
    return f"{value:{'+' if signed else ''}.{digits}f}".replace("-", "−")


def _where(facts: PlaceFacts) -> Content:
    row = facts.token
    after = facts.tokens[facts.index + 1]["surface"] if facts.index + 1 < len(facts.tokens) else None
    parts: list[str | tuple[str, str]] = [(visible_token(row["surface"]), "bold")]
    if after is not None:
        parts += [(" then ", _DIM), visible_token(after)]
    parts.append((f"   context {facts.context:,} · position {row['position']}", _DIM))
    return Content.assemble(*parts)


def _how(row: Mapping[str, Any]) -> Content:
    seen = "held out" if row["held_out"] else "the linear map has seen it"
    return Content.assemble(
        ("|x| ", _DIM),
        _number(row["activation_norm"]),
        ("  loss ", _DIM),
        _number(row["clean_loss"]),
        (f"  {seen}", _DIM),
    )


def _shown(width: int) -> list[str]:
    """The columns that there is room for, and two in any case."""
    _, *ends = accumulate(COLUMNS.values(), initial=_NAME)
    return list(COLUMNS)[: max(2, sum(end <= width for end in ends))]


def _head(width: int) -> Content:
    return Content.styled("".ljust(_NAME) + "".join(name.rjust(COLUMNS[name]) for name in _shown(width)), _DIM)


def place_explained(facts: PlaceFacts, current: str | None) -> list[Explained]:
    """The numbers of the card with their terms: those of the current SAE, and those of the token itself."""
    row = facts.token
    if not facts.has_errors:
        return []
    of = f"token {visible_token(row['surface'])}"
    i, name = next(
        ((i, name) for i, (sae_id, name) in enumerate(facts.saes) if sae_id == current), (0, facts.saes[0][1])
    )
    found = [Explained(term, value, f"{of} in {name}") for term, value in zip(TERMS, _values(row, i), strict=True)]
    return [*found, *(Explained(term, _number(row[term]), of) for term in ("activation_norm", "clean_loss"))]


def _values(row: Mapping[str, Any], i: int) -> list[str]:
    """The numbers of the ``i``-th SAE, as they are written."""
    error, norm = row["error_norm"][i], row["activation_norm"]
    loss, clean = row["loss"][i] if row["loss"] is not None else None, row["clean_loss"]
    cost = loss - clean if loss is not None and clean is not None else None
    return [
        _number(error),
        f"{error / norm:.0%}" if norm else ABSENT,
        _number(row["linear_norm"][i]),
        _number(row["nonlinear_norm"][i]),
        str(row["l0"][i]),
        _number(cost, signed=True),
    ]


def _sae(
    row: Mapping[str, Any], i: int, name: str, width: int, background: Color, strong: Color, *, current: bool
) -> Content:
    error, norm = row["error_norm"][i], row["activation_norm"]
    values = _values(row, i)
    shade = heat_look(error / norm if norm else 0.0, background, strong)
    cells: list[str | Content] = [
        value.rjust(COLUMNS[name]) for name, value in zip(_shown(width), values, strict=False)
    ]
    cells[1] = Content.assemble(" ", Content.styled(values[1].rjust(COLUMNS["of |x|"] - 1), shade))
    label = Content.styled(fit(name, _NAME - 1).ljust(_NAME), "bold" if current else "")
    return Content.assemble(label, *cells)


def _latents(facts: PlaceFacts, width: int, strong: Color, current: str | None) -> list[Content]:
    name = visible(facts.names.get(current or "", "this SAE"))
    if not facts.latents:
        return [Content.styled(f"no activations of {name} are stored here", _DIM)]
    largest = max(row["activation"] for row in facts.latents)
    head = Content.assemble((f"latents of {name} on it", _DIM), (f"  {len(facts.latents)}", _DIM))
    return [head, *(_latent(row, largest, width, strong) for row in facts.latents)]


def _latent(row: Mapping[str, Any], largest: float, width: int, strong: Color) -> Content:
    letters = f" {' '.join(row['letters'][:3])}" if row["letters"] else ""
    token = visible_token(row["top_token"]) if row["top_token"] else ""
    density = "" if row["density"] is None or width < 44 else f"  {short_number(100 * row['density'])}%"
    line = Content.assemble(
        (f"{row['latent']:>6} ", "bold"),
        Content.styled(
            bar(row["activation"] / largest if largest else 0.0, _BAR).ljust(_BAR), Style(foreground=strong)
        ),
        f" {row['activation']:6.2f} ",
        (fit(token, 12).ljust(12), "$accent"),
        (density, _DIM),
        letters,
    )
    return line if line.cell_length <= width else line.truncate(width, ellipsis=True)
