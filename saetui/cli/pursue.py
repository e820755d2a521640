"""``saetui pursue``: a pursuit without the interface, and its figures beside those of the paper."""

from __future__ import annotations

from pathlib import Path

from saetui.cli.printing import put
from saetui.cli.take_in import take_in
from saetui.cli.text_table import new_table, print_table
from saetui.workbench.exceptions import CommandError
from saetui.workbench.pursuit_comparison import between, comparison, signed_percent
from saetui.workbench.token_choice import TokenChoice
from store import Store
from store.queries import named_query


def pursue(
    store_root: Path, sae: str | None, choice: TokenChoice, l0: str, method: str, device: str | None, *, force: bool
) -> int:
    """Pursue without the interface, wait for it, and print the result."""
    from saetui.cli.headless import follow_jobs
    from saetui.jobs import JobClient
    from saetui.workbench.catalogue import Catalogue
    from saetui.workbench.study_specs import pursuit_spec

    client = JobClient(store_root)
    with Store.open(store_root) as store:
        take_in(store)
        catalogue = Catalogue.read(store)
        if sae is None and not catalogue.saes:
            raise CommandError(f"{store_root} has no SAE yet; `saetui demo` makes some")
        entry = catalogue.sae(sae) if sae is not None else catalogue.saes[-1]
        spec = pursuit_spec(store, entry, choice, l0, method, client.jobs())
    job = client.submit(spec, device, force=force)
    code = follow_jobs(store_root, [job], again="--force")
    if code:
        return code
    # A job that was done before made an earlier pursuit than the latest.
    progress = client.job(job.id).progress
    made = progress.metrics.get("pursuit") if progress is not None else None
    return print_pursuits(store_root, sae_name=entry.name, pursuit_id=None if made is None else str(made))


def print_pursuits(store_root: Path, *, sae_name: str | None = None, pursuit_id: str | None = None) -> int:
    """A pursuit (the latest, of one SAE or of any) beside the paper's figures; and all others."""
    with Store.open(store_root) as store:
        take_in(store)
        rows = [row for row in store.fetch(named_query("pursuit_runs")).dicts() if sae_name in (None, row["sae"])]
    if not rows:
        raise CommandError(f"no pursuit yet in {store_root}; `saetui pursue --random 200` makes one")
    chosen = next((row for row in rows if row["pursuit_id"] == pursuit_id), rows[0])
    table = new_table(f"{chosen['chosen']} in {chosen['sae']}", "before", "after", "change", "2410.14670, own L0")
    for line in comparison(chosen):
        table.add_row(*line)
    code = print_table(table, "")
    if len(rows) > 1:
        put()
        earlier = new_table("pursuit", "SAE", "method", "L0", "tokens", "FVU", "change", "nonlinear", "change")
        for row in rows:
            earlier.add_row(
                row["chosen"],
                row["sae"],
                row["method"],
                row["l0_rule"],
                f"{row['n_tokens']:,}",
                between(row["fvu_before"], row["fvu_after"]),
                signed_percent(row["fvu_change"]),
                between(row["fvu_nonlinear_before"], row["fvu_nonlinear_after"]),
                signed_percent(row["nonlinear_change"]),
            )
        print_table(earlier, "")
    return code
