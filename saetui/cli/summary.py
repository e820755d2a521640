"""A store at a glance, as text: its SAEs, the letters they claim, and what is absorbed."""

from pathlib import Path
from typing import Any

from saetui.cli.printing import put
from saetui.cli.take_in import take_in
from saetui.cli.text_table import TextTable, cell, new_table, percent, print_table
from saetui.figures.recipes import Recipes
from saetui.visible import visible_token
from store import Store

Record = dict[str, Any]

_SAE_COLUMNS = {
    "name": 0,
    "architecture": 0,
    "hook_name": 0,
    "width": 0,
    "l0": 1,
    "fvu": 4,
    "ce_recovered": 4,
    "dead_fraction": 4,
    "mean_letter_f1": 3,
    "tokens_trained": 0,
}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CASES = 8


def print_summary(root: Path) -> int:
    """The store's SAEs; for every letter, how well each SAE's best latent stands for it; and the absorption study."""
    with Store.open(root) as store:
        take_in(store)
        saes = store.fetch("saes").dicts()
        table = new_table(*_SAE_COLUMNS, cut=("hook_name",))
        for record in saes:
            table.add_row(*(cell(record.get(column), digits) for column, digits in _SAE_COLUMNS.items()))
        code = print_table(table, f"no SAEs yet in {root}; `saetui demo` makes some")
        if saes:
            put()
            print_table(_letters(store, saes), "no letters yet; `saetui study letters` finds them")
            _print_absorption(store)
            _print_errors(store)
    return code


def _print_absorption(store: Store) -> None:
    """Rates by both metrics for every SAE, by letter, and the strongest cases; nothing where none was studied."""
    runs = store.fetch("absorption_runs").dicts()
    if not runs:
        return
    put()
    print_table(_rates(runs), "")
    put()
    print_table(_letter_rates(store, runs), "")
    cases = store.fetch("absorption_strongest", limit=_CASES).dicts()
    if cases:
        put()
        print_table(_strongest(cases), "")


def _print_errors(store: Store) -> None:
    """The errors of the last study: what is linear, what it costs, what pursuit would save; nothing without one."""
    rows = store.fetch("error_summary").dicts()
    if not rows:
        return
    study = rows[0]
    table = new_table(
        "SAE",
        "width",
        "FVU",
        "nonlinear FVU",
        "R² error",
        "R² |error|²",
        "loss +",
        "linear undoes",
        "nonlinear undoes",
        "FVU by pursuit",
        title=f"Errors at {study['hook_name']}: {study['n_test']:,} held-out of {study['n_tokens']:,} tokens",
    )
    for row in rows:
        pursuit = None if row["fvu_change"] is None else 100 * row["fvu_change"]
        table.add_row(
            str(row["name"]),
            cell(row["width"]),
            cell(row["fvu_sae"], 4),
            cell(row["fvu_nonlinear"], 4),
            _interval(row, "r2_total", 3),
            _interval(row, "norm_r2_error", 3),
            cell(row["loss_added"], 3),
            "–" if row["recovered_linear"] is None else f"{row['recovered_linear']:.0f}%",
            "–" if row["recovered_nonlinear"] is None else f"{row['recovered_nonlinear']:.0f}%",
            "–" if pursuit is None else f"{pursuit:+.1f}%",
        )
    notes = list(study["notes"])
    mixed = Recipes(study["family"] or []).mixed
    # A study that was made since then says it in its own notes.
    if mixed and not any("different recipes" in note for note in notes):
        notes.insert(0, mixed)
    if study["floor"] is not None:
        notes.insert(0, f"{_law(study)}{'; of mixed recipes' if mixed else ''}")
    table.caption = "\n".join(notes)
    put()
    print_table(table, "")


def _law(study: Record) -> str:
    """How FVU falls with width; the floor's interval needs one width more than the law."""
    law = f"FVU = {study['floor']:.4f} + {study['scale']:.3g} · width^−{study['exponent']:.2f}"
    low, high = study["floor_low"], study["floor_high"]
    return law if low is None or high is None else f"{law}; floor {low:.4f} to {high:.4f} (95%, jack-knife over widths)"


def _interval(row: Record, name: str, digits: int) -> str:
    value, low, high = (row[key] for key in (name, f"{name}_low", f"{name}_high"))
    if value is None or low is None:
        return cell(value, digits)
    return f"{value:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def _letters(store: Store, saes: list[Record]) -> TextTable:
    by_sae = {}
    for sae in saes:
        rows = store.fetch("letters", sae=sae["sae_id"]).dicts()
        by_sae[str(sae["name"])] = {row["letter"]: row for row in rows}
    table = new_table("letter", "words", "probe F1", *(f"best F1 {name}" for name in by_sae))
    for letter in _LETTERS:
        found = [rows[letter] for rows in by_sae.values() if letter in rows]
        if found:
            best = [cell(rows.get(letter, {}).get("best_f1"), 3) for rows in by_sae.values()]
            table.add_row(letter, cell(found[0].get("n_words"), 0), cell(found[0].get("probe_f1"), 3), *best)
    return table


def _rates(runs: list[Record]) -> TextTable:
    table = new_table(
        "SAE",
        "width",
        "L0",
        "absorption",
        "mean fraction",
        "full absorption",
        "main latents",
        "words",
        "absorbed",
        title="Absorption: mean over usable letters",
    )
    for run in runs:
        table.add_row(
            str(run["name"]),
            cell(run["width"]),
            cell(run["l0"], 1),
            percent(run["rate"]) if run["is_able"] else "not defined",
            percent(run["mean_fraction"]),
            percent(run["full_rate"]),
            cell(run["mean_main"], 2),
            cell(run["n_probe"]),
            cell(run["n_absorbed"]),
        )
    for run in runs:
        if run["warning"]:
            table.caption = str(run["warning"])
    return table


def _letter_rates(store: Store, runs: list[Record]) -> TextTable:
    by_sae = {
        str(run["name"]): {row["letter"]: row for row in store.fetch("absorption_letters", sae=run["sae_id"]).dicts()}
        for run in runs
    }
    table = new_table("letter", "words", *(f"absorbed {name}" for name in by_sae))
    for letter in _LETTERS:
        found = [rows[letter] for rows in by_sae.values() if letter in rows and rows[letter]["n_probe"]]
        if found:
            rates = [percent(rows.get(letter, {}).get("rate")) for rows in by_sae.values()]
            table.add_row(letter, cell(found[0]["n_probe"]), *rates)
    return table


def _strongest(cases: list[Record]) -> TextTable:
    table = new_table(
        "word", "SAE", "absorber", "cosine", "effect", "second", "effect run again", "answer", title="Strongest cases"
    )
    for case in cases:
        without = "–" if case["answer_without"] is None else f"{case['letter']} → {case['answer_without']}"
        table.add_row(
            visible_token(str(case["surface"])),
            str(case["sae"]),
            cell(case["absorber"]).replace(",", ""),
            cell(case["cosine"], 2),
            cell(case["effect"], 2),
            cell(case["second_effect"], 2),
            cell(case["exact_effect"], 2),
            without,
        )
    return table
