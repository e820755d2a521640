"""The absorbed-errors job: the verdicts of one study beside the errors of the other, word by word."""

from collections.abc import Sequence

from saetui.jobs.context import TaskContext
from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.absorbed_errors.rows import comparison_rows
from saetui.jobs.kinds.absorbed_errors.spec import AbsorbedErrorsSpec
from saetui.jobs.sources_state import ALL
from saetui.lookup import meant, newest_meant
from store import Reader, Store


def run(spec: AbsorbedErrorsSpec, context: TaskContext) -> None:
    """Read both studies out of the store, once what waits for it is in it; compare, and spool the answer."""
    with Store.open(context.store_root) as store:
        report = store.commit_spool()
        if report.held_by is not None:
            context.note(f"results wait, since {report.held_by} has the store open; they are not compared")
        context.progress("compare", 0, None, "SAEs")
        rows = compare(store, spec)
    for table, of_table in rows.items():
        context.spool.add(table, of_table)


def compare(store: Reader, spec: AbsorbedErrorsSpec) -> dict[str, list[dict[str, object]]]:
    """The rows of every table that a comparison fills.

    Raises:
        JobError: the store has no such SAE or model, or no word that both studies saw.
    """
    asked = {
        "saes": None if ALL in spec.saes else [_sae_id(store, name) for name in spec.saes],
        "hook": spec.hook_name,
        "model": None if spec.model is None else _model_id(store, spec.model),
        "tau": spec.tau,
        "lead": spec.lead,
        "min_cosine": spec.min_cosine,
    }
    words = store.fetch("absorbed_errors", **asked).dicts()
    if not words:
        raise JobError(
            f"hook_name: no word of {spec.hook_name} was seen by both studies; `saetui study letters` and "
            "`saetui study errors` make them"
        )
    return comparison_rows(words, spec)


def _sae_id(store: Reader, name: str) -> str:
    saes = store.fetch("SELECT sae_id, name FROM sae ORDER BY added, sae_id").rows
    return _one(newest_meant(name, saes, tuple), saes, f"saes: the store has no SAE {name!r}", f"saes: {name!r}")


def _model_id(store: Reader, name: str) -> str:
    models = store.fetch("SELECT model_id, source, name FROM model ORDER BY model_id").rows
    found = meant(name, models, lambda model: tuple(filter(None, model)))
    return _one(found, models, f"model: the store has no model {name!r}", f"model: {name!r}")


def _one(found: Sequence[tuple[str, ...]], there: Sequence[tuple[str, ...]], none: str, several: str) -> str:
    """The id of the one thing that was found, of which each is an id, other names and its own; JobError otherwise."""
    if len(found) == 1:
        return found[0][0]
    names = ", ".join(sorted({str(row[-1]) for row in found or there})) or "none"
    raise JobError(f"{several} can be {names}" if found else f"{none} (it has: {names})")
