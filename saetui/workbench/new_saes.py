"""SAEs that have come into the store while one looks: which of them come into view, and what is said of them."""

from collections.abc import Sequence

from saetui.workbench.attention import Attention
from saetui.workbench.catalogue import SaeEntry

# So many are named.
_MOST_NAMED = 3


def at_the_site(new: Sequence[SaeEntry], attention: Attention) -> list[SaeEntry]:
    """Those at the hook point that is looked at."""
    return [sae for sae in new if (sae.model_id, sae.hook_name) == (attention.model, attention.hook)]


def news_of(new: Sequence[SaeEntry], attention: Attention) -> list[str]:
    """What is said of new SAEs: which are in view now, and which are at other hook points."""
    here = at_the_site(new, attention)
    elsewhere = [sae for sae in new if sae not in here]
    news = [f"new, and in view: {_listed(here)}"] if here else []
    if elsewhere:
        news.append(f"new, at other hook points: {_listed(elsewhere)}; space on screen 1 puts one in view")
    return news


def _listed(saes: Sequence[SaeEntry]) -> str:
    names = [sae.name for sae in saes[:_MOST_NAMED]]
    return ", ".join(names) + (f" and {len(saes) - len(names)} more" if len(saes) > len(names) else "")
