"""``saetui pursue``: a pursuit without the interface, and its figures beside those of the paper."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from saetui.cli import work
from saetui.cli.printing import put
from saetui.cli.spec_options import job_options, keyword_only, option_of, said, store_type, with_signature
from saetui.cli.take_in import take_in
from saetui.cli.text_table import new_table, print_table
from saetui.commands.pursuit import FILLED_IN
from saetui.jobs.kinds.pursuit import METHODS
from saetui.jobs.kinds.pursuit.spec import PursuitSpec
from saetui.jobs.spec_options import spec_options
from saetui.workbench.exceptions import CommandError, UsageError
from saetui.workbench.pursuit_comparison import PAPER, between, comparison, selection, signed_percent
from saetui.workbench.token_choice import COUNT, OWN, WAYS, TokenChoice
from store import Store
from store.queries import named_query


def pursue_command(run: Callable[..., None], store_option: Any) -> Callable[..., None]:
    """A function whose parameters are ways to choose tokens and the options of the job; it gives them to ``run``."""
    import typer

    options = spec_options(PursuitSpec)
    own = {
        "sae": option_of(options["sae"], more=" Default: the widest."),
        "hardest": Annotated[int | None, typer.Option(help=WAYS["hardest"])],
        "random": Annotated[int | None, typer.Option(help=WAYS["random"])],
        "letter": Annotated[str | None, typer.Option(help=WAYS["letter"])],
        "place": Annotated[list[str] | None, typer.Option(help=f"{WAYS['at']} Repeat the option for more.")],
        "l0": option_of(options["l0"], str, f" ('{OWN}' says so, too)"),
        "method": option_of(options["method"]),
        "store": store_type(store_option),
        **{name: option_of(option) for name, option in options.items() if name not in FILLED_IN},
    }
    switches = {way: Annotated[bool, typer.Option(f"--{way}", help=WAYS[way])] for way in ("missed", "marked")}

    def command(**given: Any) -> None:
        run(**said(given))

    command.__doc__ = inspect.getdoc(PursuitSpec)
    return with_signature(command, [*keyword_only(own, None), *keyword_only(switches, False), *job_options()])


def pursue(
    *,
    store: Path | None = None,
    sae: str | None = None,
    hardest: int | None = None,
    random: int | None = None,
    letter: str | None = None,
    place: Sequence[str] = (),
    missed: bool = False,
    marked: bool = False,
    l0: str = OWN,
    method: str = METHODS[0],
    device: str | None = None,
    force: bool = False,
    **given: Any,
) -> int:
    """Pursue without the interface, wait for it, and print the result; ``given`` has further fields of the job."""
    from saetui.cli.headless import follow_jobs
    from saetui.jobs import JobClient
    from saetui.workbench.catalogue import Catalogue
    from saetui.workbench.study_specs import pursuit_spec

    choice = _choice(
        {
            "hardest": None if hardest is None else str(hardest),
            "random": None if random is None else str(random),
            "missed" if missed else "letter": letter,
            "marked": "" if marked else None,
            "at": ",".join(place) if place else None,
        },
        missed=missed,
    )
    root = work.store_root(store)
    client = JobClient(root)
    with Store.open(root) as opened:
        take_in(opened)
        catalogue = Catalogue.read(opened)
        if sae is None and not catalogue.saes:
            raise CommandError(f"{root} has no SAE yet; `saetui demo` makes some")
        entry = catalogue.sae(sae) if sae is not None else catalogue.saes[-1]
        spec = pursuit_spec(opened, entry, choice, l0, method, client.jobs(), given)
    job = client.submit(spec, device, force=force)
    code = follow_jobs(root, [job], again="--force")
    if code:
        return code
    # A job that was done before made an earlier pursuit than the latest.
    progress = client.job(job.id).progress
    made = progress.metrics.get("pursuit") if progress is not None else None
    return print_pursuits(root, sae_name=entry.name, pursuit_id=None if made is None else str(made))


def _choice(ways: Mapping[str, str | None], *, missed: bool) -> TokenChoice:
    """The one way in which tokens were chosen; by default some at random."""
    given = [(way, of) for way, of in ways.items() if of is not None]
    if missed and "missed" not in dict(given):
        raise UsageError("pursue: --missed is about the words of a letter; add --letter, e.g. --letter s")
    if len(given) > 1:
        raise UsageError(f"pursue: choose tokens in one way, not by {' and by '.join(way for way, _ in given)}")
    return TokenChoice(*given[0]) if given else TokenChoice("random", str(COUNT))


def print_pursuits(store_root: Path, *, sae_name: str | None = None, pursuit_id: str | None = None) -> int:
    """A pursuit (the latest, of one SAE or of any) beside the paper's figures; and all others."""
    with Store.open(store_root) as store:
        take_in(store)
        rows = [row for row in store.fetch(named_query("pursuit_runs")).dicts() if sae_name in (None, row["sae"])]
    if not rows:
        raise CommandError(f"no pursuit yet in {store_root}; `saetui pursue --random 200` makes one")
    chosen = next((row for row in rows if row["pursuit_id"] == pursuit_id), rows[0])
    table = new_table(f"{chosen['chosen']} in {chosen['sae']}", "before", "after", "change", PAPER)
    for line in comparison(chosen):
        table.add_row(*line)
    code = print_table(table, "")
    if said := selection(chosen, rows, f"`saetui pursue --random {max(chosen['n_tokens'], COUNT)}`"):
        put(f"{said[0].upper()}{said[1:]}.")
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
