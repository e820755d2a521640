"""The card of a latent as lines of text, for any width."""

from collections.abc import Callable, Iterable, Sequence
from string import ascii_lowercase

from textual.color import Color
from textual.content import Content
from textual.style import Style

from saetui.tui.cards.latent_facts import Context, LatentFacts, Neighbour, Tenth
from saetui.tui.drawing.fit import fit
from saetui.tui.drawing.heat import Heat
from saetui.tui.drawing.heat_strip import heat_strip
from saetui.tui.drawing.histogram import histogram_lines, range_line
from saetui.tui.drawing.sparkline import bar
from saetui.tui.drawing.token_strip import token_strip
from saetui.tui.explained import Explained
from saetui.visible import visible_lines, visible_token

Line = Content
# What is said first: its name on the card, the field and term, and how it is written.
_STATISTICS = (
    ("density", "density", ".4f"),
    ("fires", "n_fires", ",d"),
    ("max", "max_activation", ".2f"),
    ("mean", "mean_activation", ".2f"),
    ("decoder norm", "decoder_norm", ".2f"),
    ("cos enc·dec", "encoder_decoder_cosine", ".2f"),
)
# From this width on the contexts stand beside the rest instead of below it.
TWO_COLUMNS = 104
_LEFT_SHARE = 0.42
_GAP = 3
# From this width on the top tokens and the histogram stand side by side.
_PAIRED = 64
_FEW_CONTEXTS = 6
_N_STRONGEST = 12
_NOT_STORED = "no activations of this SAE are stored; :study latents stores those of the SAEs in view"
_TOP_TOKENS = 5
_HISTOGRAM_ROWS = 3
_TOKEN_WIDTH = 12
_LABEL = "dim"


def card_lines(
    facts: LatentFacts,
    width: int,
    background: Color,
    strong: Color,
    letter: str | None = None,
    near: int | None = None,
) -> list[Line]:
    """The card in lines of at most ``width`` cells; ``letter`` is the one that is looked at.

    ``near`` is the place of the chosen one of the nearest latents, −1 while none is, None where none can be chosen.
    """

    def contexts(start: int, end: int | None, room: int) -> list[Line]:
        return contexts_lines(
            facts.contexts[start:end], room, facts.max_activation, background, strong, more=bool(start)
        )

    def tenths(room: int) -> list[Line]:
        if not facts.has_activations:
            return list(_heading(_NOT_STORED).wrap(room))
        return tenths_lines(facts.tenths, room, facts.max_activation, background, strong)

    drawn = _paired(top_token_lines, _histogram, facts, width)
    wide = width >= TWO_COLUMNS
    left_width = int(width * _LEFT_SHARE) if wide else width
    if wide:
        drawn = _spaced(top_token_lines(facts, left_width), _histogram(facts, left_width))
    about = [
        _logits(facts, left_width),
        _neighbours(facts, left_width, letter, near),
        _claims(facts, left_width, background, strong, letter),
    ]
    head = _spaced(_notes(facts.notes, width), _statistics(facts, width, letter))
    if wide:
        room = width - left_width - _GAP
        right = _spaced(contexts(0, _N_STRONGEST, room), tenths(room), contexts(_N_STRONGEST, None, room))
        return [*head, *_beside(_spaced(drawn, *about), right, left_width + _GAP)]
    more = contexts(_FEW_CONTEXTS, None, width)
    return _spaced(head, drawn, contexts(0, _FEW_CONTEXTS, width), tenths(width), *about, more)


def _spaced(*sections: Sequence[Line]) -> list[Line]:
    """Sections with an empty line after each that is not empty itself."""
    lines: list[Line] = []
    for section in sections:
        if section:
            lines += section if not section[-1] else [*section, Content("")]
    return lines


def _paired(
    first: Callable[[LatentFacts, int], list[Line]],
    second: Callable[[LatentFacts, int], list[Line]],
    facts: LatentFacts,
    width: int,
) -> list[Line]:
    """Two sections beside each other where there is room, otherwise one after the other."""
    if width < _PAIRED:
        return _spaced(first(facts, width), second(facts, width))
    half = (width - _GAP) // 2
    return _beside(first(facts, half), second(facts, half), half + _GAP)


def _beside(left: Sequence[Line], right: Sequence[Line], start: int) -> list[Line]:
    lines = []
    for index in range(max(len(left), len(right))):
        line = left[index] if index < len(left) else Content("")
        if index < len(right):
            line = Content.assemble(line, " " * (start - line.cell_length), right[index])
        lines.append(line)
    return lines


def _heading(text: str) -> Line:
    return Content.styled(text, _LABEL)


def _flow(pieces: Iterable[Content], width: int, indent: int = 1, gap: int = 2) -> list[Line]:
    """Pieces one after the other, on as many lines as they need."""
    lines: list[Line] = []
    line, used = Content(" " * indent), indent
    for piece in pieces:
        length = piece.cell_length
        if used > indent and used + gap + length > width:
            lines.append(line)
            line, used = Content(" " * indent), indent
        if used > indent:
            line, used = line + " " * gap, used + gap
        line, used = line + piece, used + length
    return [*lines, line] if used > indent else lines


def _named(name: str, value: str) -> Content:
    return Content.assemble((name + " ", _LABEL), value)


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form).replace("-", "−")


def latent_explained(facts: LatentFacts, letter: str | None) -> list[Explained]:
    """The numbers of the card with their terms: statistics, and what the latent has to do with a letter."""
    of = f"latent {facts.latent} of {facts.sae}"
    found = [Explained(field, _number(getattr(facts, field), form), of) for _, field, form in _STATISTICS]
    for claim in facts.claims:
        if claim.letter == letter:
            found += [
                Explained(term, _number(getattr(claim, term), ".2f"), f"{of}, letter {letter}")
                for term in ("f1", "cos_encoder", "cos_decoder")
            ]
    return found


def _statistics(facts: LatentFacts, width: int, letter: str | None) -> list[Line]:
    numbers = [_named(name, _number(getattr(facts, field), form)) for name, field, form in _STATISTICS]
    for claim in facts.claims:
        if claim.letter == letter:
            cosines = f"enc {_number(claim.cos_encoder, '.2f')} dec {_number(claim.cos_decoder, '.2f')}"
            numbers.append(_named(f"cos probe {letter}", cosines))
    return _flow(numbers, width, indent=0)


def _notes(notes: Sequence[str], width: int) -> list[Line]:
    lines = []
    for note in notes:
        for line in Content.styled(visible_lines(note), "italic $accent").wrap(width):
            lines.append(line)
    return lines


def top_token_lines(facts: LatentFacts, width: int) -> list[Line]:
    tokens = facts.top_tokens[:_TOP_TOKENS]
    if not tokens:
        return []
    room = max(4, min(24, width - _TOKEN_WIDTH - 7))
    largest = max(share for _, share in tokens) or 1.0
    lines = [_heading("top tokens · share of its activation")]
    for token, share in tokens:
        name = fit(visible_token(token), _TOKEN_WIDTH)
        lines.append(Content.assemble(" ", name, " ", (bar(share / largest, room), "$accent"), f"{share:>5.0%}"))
    return lines


def _histogram(facts: LatentFacts, width: int) -> list[Line]:
    if not any(facts.histogram):
        return []
    room = max(8, min(width - 1, 40))
    drawn = histogram_lines(facts.histogram, room, _HISTOGRAM_ROWS, logarithmic=True)
    under = range_line("0", f"{facts.max_activation:.1f}", room)
    return [
        _heading("activations · log count"),
        *(Content.styled(" " + line, "$primary") for line in drawn),
        Content.styled(" " + under, _LABEL),
    ]


def _logits(facts: LatentFacts, width: int) -> list[Line]:
    if not facts.promotes:
        return [_heading("promotes"), Content(" no logit lens here")]
    return logit_lines("promotes", facts.promotes, width) + logit_lines("suppresses", facts.suppresses, width)


def logit_lines(name: str, tokens: Sequence[tuple[str, float]], width: int) -> list[Line]:
    if not tokens:
        return []
    pieces = [
        Content.assemble(visible_token(token), (f" {logit:+.2f}".replace("-", "−"), _LABEL)) for token, logit in tokens
    ]
    return [_heading(name), *_flow(pieces, width)[:2]]


def _claims(facts: LatentFacts, width: int, background: Color, strong: Color, letter: str | None) -> list[Line]:
    if not facts.claims:
        return []
    scores = {claim.letter: claim.f1 for claim in facts.claims}
    strip = heat_strip(
        ascii_lowercase,
        scores,
        width - 1,
        scale=Heat(0.0, 1.0),
        background=background,
        strong=strong,
        current=letter,
        action="app.command('letter {}')",
    )
    best = [
        Content.assemble(claim.letter, (f" {claim.f1:.2f}" + (" main" if claim.is_main else ""), _LABEL))
        for claim in facts.claims[:6]
    ]
    return [
        _heading("letters it is listed for · F1"),
        *(Content(" ") + line for line in strip.split("\n")),
        *_flow(best, width),
    ]


def neighbours_in_order(facts: LatentFacts) -> list[Neighbour]:
    """The nearest latents in the order in which the card lists them: SAE by SAE."""
    saes = list(dict.fromkeys(neighbour.sae_id for neighbour in facts.neighbours))
    return sorted(facts.neighbours, key=lambda neighbour: saes.index(neighbour.sae_id))


def command_to(neighbour: Neighbour, facts: LatentFacts, letter: str | None) -> str | None:
    """The command that leads to a nearest latent; None where that needs a letter and there is none."""
    if neighbour.sae_id == facts.sae_id:
        return f"latent {neighbour.latent}"
    return None if letter is None else f"open letters/{letter}/{neighbour.latent}?sae={neighbour.sae}"


def _neighbours(facts: LatentFacts, width: int, letter: str | None, near: int | None) -> list[Line]:
    """The nearest latents; ``near`` is the place of the chosen one, −1 where none is chosen of those to choose from."""
    if not facts.neighbours:
        return []
    listed = neighbours_in_order(facts)
    chosen = listed[near] if near is not None and 0 <= near < len(listed) else None
    by_sae: dict[str, list[Neighbour]] = {}
    for neighbour in listed:
        by_sae.setdefault(neighbour.sae_id, []).append(neighbour)
    lines = [_heading("nearest latents · cosine of decoders" if near is None else "nearest latents · h l choose, ⏎ go")]
    for sae_id, of_sae in by_sae.items():
        name = "here" if sae_id == facts.sae_id else of_sae[0].sae
        pieces = [_neighbour_piece(n, command_to(n, facts, letter), chosen=n is chosen) for n in of_sae]
        flowed = _flow(pieces, width, indent=10)
        lines.append(Content.assemble((" " + fit(name, 8) + " ", _LABEL), flowed[0][10:]))
        # Nothing is chosen that is not seen.
        lines += flowed[1:2] if near is None else flowed[1:]
    return lines


def _neighbour_piece(neighbour: Neighbour, command: str | None, *, chosen: bool) -> Content:
    number = Style(underline=True, reverse=chosen)
    if command is not None:
        number += Style.from_meta({"@click": f"app.command({command!r})"})
    parts: list[tuple[str, Style | str]] = [
        (str(neighbour.latent), number),
        (f" {neighbour.cosine:.2f}".replace("-", "−"), _LABEL),
    ]
    if neighbour.top_token is not None:
        parts.append((" " + visible_token(neighbour.top_token), ""))
    return Content.assemble(*parts)


def contexts_lines(
    contexts: Sequence[Context], width: int, top: float, background: Color, strong: Color, *, more: bool = False
) -> list[Line]:
    """The strongest contexts, or ``more`` of them; the activation ``top`` has the full colour."""
    if not contexts:
        return []
    lines = [_heading("more of the strongest contexts" if more else "strongest contexts")]
    return lines + [_context(context, "", width, top, background, strong) for context in contexts]


def tenths_lines(tenths: Sequence[Tenth], width: int, top: float, background: Color, strong: Color) -> list[Line]:
    """One context from each tenth of the range of activations, with how many tokens are in the tenth."""
    if not tenths:
        return []
    lines = [_heading("from each tenth of its range · n")]
    room = max(len(f"{tenth.n_tokens:,}") for tenth in tenths)
    return lines + [
        _context(tenth.context, f"{tenth.n_tokens:>{room},} ", width, top, background, strong) for tenth in tenths
    ]


def _context(context: Context, more: str, width: int, top: float, background: Color, strong: Color) -> Line:
    label = f"{context.activation:5.2f} {more}"
    room = width - len(label)
    strip = token_strip(context.tokens, room, top=top, focus=context.focus, background=background, strong=strong)
    return Content.assemble((label, _LABEL), strip)
