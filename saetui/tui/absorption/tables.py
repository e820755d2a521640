"""The tables of the screen of absorption: what fills them, and what they say where they are empty."""

from saetui.tui.absorption import columns
from saetui.tui.frame.screen import FOLDED_WIDTH
from saetui.tui.table.query_table import QueryTable
from saetui.workbench.workbench import Workbench


def letters_table(bench: Workbench) -> QueryTable:
    """Letters with their rates."""
    return QueryTable(
        "absorption_letters",
        bench.parameters("absorption_letters"),
        columns.letters(bench.attention.metric, "normal"),
        "letter",
        title="letters",
        empty="not studied for this SAE\nA does it, for all in view",
        id="absorption-letters",
    )


def cases_table(bench: Workbench) -> QueryTable:
    """The words of a letter with their verdicts."""
    return QueryTable(
        "absorption_cases",
        bench.parameters("absorption_cases"),
        columns.cases(bench.attention.metric, "normal"),
        "surface",
        title="words",
        empty="no words of this letter were judged",
        counted=False,
        id="absorption-cases",
    )


def evidence_table(bench: Workbench) -> QueryTable:
    """The latents of a word."""
    return QueryTable(
        "absorption_evidence",
        bench.parameters("absorption_evidence"),
        columns.evidence(bench.attention.metric, "normal", 0.0),
        "latent",
        title="latents",
        empty="choose a word",
        pinned=2,
        counted=False,
        id="absorption-evidence",
    )


def occurrences_table(bench: Workbench) -> QueryTable:
    """A word in the corpus; hidden until its page is turned to."""
    table = QueryTable(
        "absorption_occurrences",
        bench.parameters("absorption_occurrences"),
        columns.occurrences(0.0, 0.0),
        "rank",
        title="occurrences",
        empty="the corpus does not have this word",
        counted=False,
        id="absorption-occurrences",
    )
    table.display = False
    return table


def map_table(bench: Workbench) -> QueryTable:
    """All letters of the SAEs in view; hidden, and asks for nothing, until its page is turned to."""
    table = QueryTable(
        "absorption_map",
        bench.parameters("absorption_map") | {"in_view": []},
        columns.sae_map(FOLDED_WIDTH),
        "sae_id",
        title="map",
        empty="none of the SAEs in view has been studied\nA does it",
        counted=False,
        id="absorption-map",
    )
    table.display = False
    return table
