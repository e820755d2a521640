"""The study that fills a screen: which job makes it, and how a store tells of what it has been made."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ScreenStudy:
    """A kind of job whose results a screen shows.

    ``made`` is a query, by name or as SQL, with a row for each study of the store, the newest first: ``study_id``,
    ``hook_name``, ``sae_ids``, which are the SAEs that it is of, and ``corpus_id`` where it is of one token set. A
    screen that shows a study of another screen leaves it out.
    """

    kind: str
    made: str = ""
    # Whether SAEs are studied together: it has been made only where all SAEs in view are in one study.
    together: bool = False
    # What commands that need it say while there is none in the store; without it they are offered all the same.
    missing: str = ""


@dataclass(frozen=True)
class StudyEntry:
    """One study that a store holds."""

    study_id: str
    hook_name: str
    sae_ids: tuple[str, ...]
    corpus_id: str = ""
