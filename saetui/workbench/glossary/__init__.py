"""What the numbers on screen mean: definition, unit, and the paper that defines them; keyed by column."""

from collections.abc import Mapping
from typing import Final

from saetui.plugins import leave_out
from saetui.workbench.glossary import absorption, errors, jobs, latents, letters, pursuits, saes
from saetui.workbench.glossary.term import Term
from saetui.workbench.screens import GROUP, added_screens, screens

__all__ = ["GLOSSARY", "Term", "glossary"]

# What each area defines; a term stands in one of them.
AREAS: Final = (saes, letters, absorption, latents, pursuits, errors, jobs)
GLOSSARY: Final[dict[str, Term]] = {name: term for area in AREAS for name, term in area.TERMS.items()}


def glossary() -> Mapping[str, Term]:
    """Every entry: ours, and those in the manifests of other packages' screens; a term of ours stays as it is."""
    found = dict(GLOSSARY)
    for name, package in added_screens().items():
        for term, entry in screens()[name].glossary.items():
            if found.setdefault(term, entry) is not entry:
                leave_out(GROUP, name, package, f"{GROUP}: there is one already", part=f"the glossary entry {term!r}")
    return found
