"""Jobs: how far they are."""

from typing import Final

from saetui.workbench.glossary.term import Term

TERMS: Final[dict[str, Term]] = {
    "progress": Term(
        "Share of the whole job that is done, where the job knows it; of the running phase otherwise.", "share"
    ),
    "rate": Term("Work done per second lately; pauses are left out.", "units per second"),
    "eta": Term("Time left at the present rate.", "h:mm:ss"),
}
