"""The card of a word in the absorption study as lines of text: who is silent, who took over, and what shows it."""

from collections.abc import Mapping, Sequence
from typing import Any

from textual.color import Color
from textual.content import Content
from textual.style import Style

from saetui.tui.cards.case_facts import CaseFacts
from saetui.tui.cards.latent_text import contexts_lines, logit_lines, top_token_lines
from saetui.tui.explained import Explained
from saetui.visible import visible_lines, visible_token

_LABEL = "dim"
_NAME = 12
_CONTEXTS = 4


def case_lines(
    facts: CaseFacts,
    width: int,
    background: Color,
    strong: Color,
    *,
    metric: str,
    doing: str = "",
) -> list[Content]:
    """The card in lines of at most ``width`` cells; ``doing`` says what is under way."""
    case = facts.case
    told: list[tuple[str, Content | str]] = [
        ("verdict", Content.assemble((case["verdict"], "bold"), " · ", _reason(case, metric, facts.thresholds))),
        ("probe", _probe(facts)),
        ("main", _main(facts)),
        ("takes over", _absorber(facts, metric)),
        ("exact", Content.styled(doing, "$accent") if doing else _exact(facts)),
    ]
    notes = [line for note in facts.notes for line in Content.styled(visible_lines(note), "italic $accent").wrap(width)]
    lines = [line for name, value in told for line in _named(name, value, width)]
    more = _active(facts) if facts.active else _latent(facts, width, background, strong)
    return [*notes, *lines, Content(""), *more]


def case_explained(facts: CaseFacts) -> list[Explained]:
    """The numbers of the card with their terms."""
    case = facts.case
    word = f"word {visible_token(case['surface'])}"
    found = [
        Explained("verdict", str(case["verdict"]), word),
        Explained("probe_logit", _signed(case["probe_logit"], 1), word),
        Explained("answer_margin", _number(case["margin"], 1), word),
        Explained("main_activation", _number(case["main_activation"]), word),
    ]
    rival = _clean_rival(facts)
    if rival is not None:
        found.insert(3, Explained("rival_lead", _number(rival[1], 1), f"{word} with nothing removed"))
    row = facts.row_of(case["absorber"])
    if row is not None:
        latent = f"latent {row['latent']} on {word}"
        found += [
            Explained("absorber", str(row["latent"]), word),
            Explained("activation", _number(row["activation"]), latent),
            Explained("absorber_cosine", _number(row["cosine"]), latent),
            Explained("effect", _signed(row["effect"]), latent),
            Explained("exact_effect", _signed(row["exact_effect"]), latent),
            Explained("rival_lead", _number(row["rival_lead_without"], 1), f"{word} without latent {row['latent']}"),
        ]
    return found


def _named(name: str, value: Content | str, width: int) -> list[Content]:
    """A name and what is said of it, with the lines after the first as far in as the first."""
    first, *more = Content.assemble(value).wrap(width - _NAME)
    return [
        Content.assemble((name.ljust(_NAME), _LABEL), first),
        *(Content.assemble(" " * _NAME, line) for line in more),
    ]


def _signed(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:+.{digits}f}".replace("-", "−")


def _reason(case: Mapping[str, Any], metric: str, thresholds: Mapping[str, float]) -> str:
    verdict = case["verdict"]
    if verdict == "fires":
        return "the main latents fire on it"
    if metric == "projection":
        return {
            "absorbed": "the main latents are silent, and one other latent carries 40% of the probe or more",
            "partly": f"others carry {case['fraction']:.0%} of what was the main latents' to carry",
            "not aligned": "no latent points along the probe",
        }.get(verdict, "others carry less than 40% of the probe")
    lead, cosine = case["lead_over_second"], case["cosine"]
    return {
        "absorbed": f"leads the next by {_number(lead)}{_at_least(thresholds, 'lead')}, cosine {_number(cosine)}",
        "no lead": f"leads the next by {_number(lead)} only{_at_least(thresholds, 'lead')}",
        "not aligned": f"cosine {_number(cosine)} with the probe{_at_least(thresholds, 'min_cosine')}",
        "helps": "no removal makes the right answer less likely",
        "not sampled": "its effects were not measured",
        "undefined": "this model does not name first letters, so effects mean nothing",
        "found": "the sparse probe on the main latents finds it",
    }[verdict]


def _at_least(thresholds: Mapping[str, float], name: str) -> str:
    return f" (≥ {thresholds[name]:g})" if name in thresholds else ""


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def _probe(facts: CaseFacts) -> Content:
    case = facts.case
    answer = f"the model answers {case['letter'].upper()}" if case["answer_before"] else "the model answers wrongly"
    parts: list[Content | str] = [f"{_signed(case['probe_logit'], 1)} says {case['letter']} · {answer}"]
    if case["margin"] is not None:
        parts.append(f", {_number(case['margin'], 1)} above the mean of the others")
    rival = _clean_rival(facts)
    if rival is not None:
        parts.append(f", {_number(rival[1], 1)} above {rival[0].upper()}, the best of them")
    elif case["margin"] is not None:
        # Words that were judged before it was kept, of which nothing was removed either.
        parts += [", above the best of them: ", Content.styled("a", "bold $accent"), " finds it"]
    return Content.assemble(*parts)


def _clean_rival(facts: CaseFacts) -> tuple[str, float] | None:
    """The best other letter with nothing removed, and by how much the right one leads it; any ablation tells it."""
    told = (row for row in (facts.case, *facts.evidence) if row["rival"] is not None and row["rival_lead"] is not None)
    row = next(told, None)
    return None if row is None else (str(row["rival"]), float(row["rival_lead"]))


def _main(facts: CaseFacts) -> Content:
    parts: list[str | tuple[str, str]] = []
    for row in facts.main:
        parts += [", "] if parts else []
        state = f"fires {row['activation']:.2f}" if row["activation"] > 0 else "silent"
        parts += [(f"{row['latent']}", "bold"), f" {state}"]
    return Content.assemble(*parts)


def _absorber(facts: CaseFacts, metric: str) -> Content:
    row = facts.row_of(facts.case["absorber"])
    if row is None:
        return Content.styled("nothing", _LABEL)
    told = [f"fires {row['activation']:.2f}", f"cosine {_number(row['cosine'])}"]
    if row["share"] is not None:
        told.append(f"{row['share']:.0%} of the probe")
    if metric == "paper" and row["effect"] is not None:
        told.append(f"effect {_signed(row['effect'])}")
    token = f" {visible_token(row['top_token'])}" if row["top_token"] else ""
    return Content.assemble((f"{row['latent']}", "bold"), (token, "$accent"), "  " + ", ".join(told))


def _exact(facts: CaseFacts) -> Content:
    """What the model said before and says without the latent that took over."""
    case = facts.case
    fires = [row for row in facts.evidence if row["activation"] > 0]
    done = [row for row in fires if row["exact_effect"] is not None]
    if not done:
        button = Style.from_meta({"@click": "app.command('ablate')"}) + Style(underline=True)
        return Content.assemble("not run yet · ", ("a", "bold $accent"), " ", ("removes each latent for real", button))
    lowest = min(done, key=lambda row: float(row["exact_effect"]))
    row = next((row for row in done if row["latent"] == case["absorber"]), lowest)
    before = case["letter"].upper() if case["answer_before"] else "?"
    after = row["answer_without"].upper()
    changed = "bold $warning" if before != after else "bold"
    margin = f"against the mean {_number(case['margin'], 1)} → {_number(row['margin_without'], 1)}"
    more = len(fires) - len(done)
    parts: list[Content | str | tuple[str, str]] = [f"without {row['latent']} ", (f"{before} → {after}", changed)]
    parts.append(f", against the best other letter {_rivals(row)}; {margin} ({_signed(row['exact_effect'])})")
    if more:
        parts += [f" · {more} more: ", ("a", "bold $accent")]
    return Content.assemble(*parts)


def _rivals(row: Mapping[str, Any]) -> str:
    """By how much the right letter leads its best rival, before and after; the answer is the rival below 0."""
    if row["rival_lead"] is None or row["rival_lead_without"] is None:
        return "not stored (:ablate force=true)"
    before, after = (
        f"{_number(row[f'rival_lead{when}'], 1)} ({row[f'rival{when}'].upper()})" for when in ("", "_without")
    )
    return f"{before} → {after}"


def _latent(facts: CaseFacts, width: int, background: Color, strong: Color) -> list[Content]:
    latent = facts.latent
    if latent is None:
        return []
    row = facts.row_of(latent.latent)
    role = {"main": "main latent", "absorber": "took over"}.get((row or {}).get("role") or "", "")
    head = Content.assemble((f"latent {latent.latent}", "bold"), f"  {role}" if role else "")
    sections: Sequence[list[Content]] = (
        [Content.styled(visible_lines(note), "italic $accent") for note in latent.notes],
        top_token_lines(latent, width),
        logit_lines("promotes", latent.promotes, width),
        contexts_lines(latent.contexts[:_CONTEXTS], width, latent.max_activation, background, strong),
    )
    return [head, *(line for section in sections for line in section)]


def _active(facts: CaseFacts) -> list[Content]:
    """The latents that fire at an occurrence, with what each carries of the probe."""
    lines = [Content.styled(text, _LABEL) for text in ("latents active at this occurrence", "   latent   act.  proj.")]
    absorber = facts.case["absorber"]
    for row in facts.active:
        mark = "▶" if row["latent"] == absorber else "●" if row["role"] == "main" else " "
        token = visible_token(row["top_token"]) if row["top_token"] else ""
        numbers = f" {mark} {row['latent']:>6} {row['activation']:6.2f} {_signed(row['projection']):>6}  "
        lines.append(Content.assemble((numbers, "" if mark == " " else "bold"), (token, "$accent")))
    return lines
