"""The error study's queries give the answers worked out by hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from saetui.workbench.filter_columns import Condition
from saetui.workbench.screens import tables
from saetui.workbench.table_query import Order, TableQuery
from store import Spool, Store
from tests.store import absorption_rows as letters
from tests.store import conftest as made
from tests.store.error_rows import SAES, STUDY, add, figure, study, token

# Context, position, errors in the narrow and the wide SAE, and what differs from the usual token.
TOKENS: list[dict[str, Any]] = [
    token(0, 1, [9.0, 8.0], nonlinear_share=0.2, damage=0.1, slope=-0.17),
    token(0, 2, [8.0, 1.0], nonlinear_share=0.9, damage=0.5, slope=-3.0),
    token(0, 3, [1.0, 4.0], nonlinear_share=0.4, damage=0.9, slope=2.0),
    token(1, 2, [2.0, 2.0], nonlinear_share=0.6, damage=None, share=0.99),
]
PLACES = {"short": (0, 1), "self": (0, 2), "the": (0, 3), "again the": (1, 2)}


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The made-up study with an error study; not to be changed."""
    with Store.open(tmp_path_factory.mktemp("errors"), create=True) as store:
        with Spool(store.root, "job-1") as spool:
            made.add_study(spool)
        store.commit_spool()
        add(
            store,
            error_study=[
                study(),
                study(study_id="older", created=made.NOW.replace(year=2020), sae_ids=["wide"], widths=[16]),
            ],
            error_token=TOKENS,
            error_figure=[
                figure("narrow", "fvu_sae", 0.4, 0.35, 0.45),
                figure("wide", "fvu_sae", 0.3),
                figure("narrow", "fvu_nonlinear", 0.1, 0.08, 0.12),
                figure("narrow", "norm_r2_error", 0.95),
                figure("narrow", "r2_total", 0.5),
                figure("narrow", "shrinkage_share", 0.07),
                figure("narrow", "loss_clean", 1.0),
                figure("narrow", "loss_reconstructed", 3.0),
                figure("narrow", "loss_zeroed", 6.0),
            ],
            width_norm=[{"study_id": STUDY, "smaller": "narrow", "larger": "wide", "r2": 0.8, "gain": 3.0}],
            width_law=[{"study_id": STUDY, "floor": 0.06, "scale": 0.9, "exponent": 0.31, "nonlinear_mean": 0.1}],
        )
        yield store


def places(rows: Any) -> list[tuple[int, int]]:
    return [(row["context"], row["position"]) for row in rows.dicts()]


def tokens(store: Store, **asked: Any) -> list[tuple[int, int]]:
    return places(store.fetch("hard_tokens", **({"study": STUDY, "sae": "narrow"} | asked)))


@pytest.mark.parametrize(
    ("order", "first"),
    [
        (None, ["short", "self", "the", "again the"]),
        ("hard", ["short", "self", "the", "again the"]),
        ("solved", ["self", "short", "again the", "the"]),
        ("worse", ["the", "again the", "short", "self"]),
        ("nonlinear", ["self", "again the", "the", "short"]),
        ("damage", ["the", "self", "short", "again the"]),
    ],
)
def test_the_order_of_tokens(errors: Store, order: str | None, first: list[str]) -> None:
    assert tokens(errors, order=order) == [PLACES[name] for name in first]


def test_the_hardest_by_share_of_the_activation(errors: Store) -> None:
    assert tokens(errors, unit="share")[0] == PLACES["again the"]
    assert tokens(errors, unit="share", order="solved")[0] == PLACES["self"]


@pytest.mark.parametrize(
    ("unit", "values"),
    [(None, [9.0, 8.0]), ("norm", [9.0, 8.0]), ("share", [0.9, 0.8]), ("fvu", [20.25, 16.0])],
)
def test_errors_in_each_unit(errors: Store, unit: str | None, values: list[float]) -> None:
    rows = errors.fetch("hard_tokens", study=STUDY, sae="narrow", unit=unit).dicts()
    (row,) = [row for row in rows if (row["context"], row["position"]) == PLACES["short"]]
    assert row["errors"] == pytest.approx(values)


def test_a_token_stands_in_its_text(errors: Store) -> None:
    (row,) = errors.fetch("hard_tokens", study=STUDY, sae="narrow", limit=1, offset=1).dicts()
    assert row["surface"] == " self"
    assert row["tokens"] == made.SURFACES
    assert row["tokens"][row["focus"]] == row["surface"]
    assert (row["letter"], row["place"]) == ("s", 2)


def test_the_parts_are_those_of_the_sae_looked_at(errors: Store) -> None:
    def parts(sae: str) -> tuple[float, ...]:
        row = errors.fetch("hard_tokens", study=STUDY, sae=sae, limit=1).dicts()[0]
        return tuple(row[name] for name in ("linear", "nonlinear", "l0", "ce"))

    assert parts("narrow") == pytest.approx((5.4, 7.2, 4, 0.9))
    assert parts("wide") == parts("elsewhere") == pytest.approx((4.8, 6.4, 4, 0.8))


def test_filters_and_sorting_act_before_wide_columns_are_read(errors: Store) -> None:
    own = Order("rank_value", True)

    def query(where: str = "", order: Order = own) -> TableQuery:
        asked = {"study": STUDY, "sae": "narrow"}
        return TableQuery(errors.sql_of("hard_tokens"), asked, "place", Condition(where), (order,))

    def narrowed(text: tuple[str, dict[str, Any]]) -> list[tuple[int, int]]:
        return places(errors.fetch(text[0], **text[1]))

    assert narrowed(query("letter = 's'").text()) == [PLACES["short"], PLACES["self"]]
    assert narrowed(query("contains(surface, 'the')").text()) == [PLACES["the"], PLACES["again the"]]
    assert narrowed(query(order=Order("slope", True)).text())[0] == PLACES["the"]
    assert narrowed(query("linear > 1", Order("linear")).text()) == [
        PLACES["again the"],
        PLACES["self"],
        PLACES["short"],
    ]
    assert narrowed(query(order=Order("slope")).window(0, 1)) == [PLACES["self"]]
    assert narrowed(query().window(0, 3)) == [PLACES["short"], PLACES["self"], PLACES["the"]]
    assert narrowed(query().window(1, 2)) == [PLACES["self"], PLACES["the"]]
    sql, asked = query("position < 3").count()
    assert errors.fetch(sql, **asked).rows == [(3,)]


def test_a_study_without_losses_and_text(tmp_path: Path) -> None:
    with Store.open(tmp_path / "bare", create=True) as store:
        add(
            store,
            error_study=[study(clean_loss=None)],
            error_token=[token(0, 1, [1.0, 2.0], clean_loss=None, loss=None, damage=None, slope=None)],
        )
        (row,) = store.fetch("hard_tokens", study=STUDY, sae="narrow").dicts()
        assert (row["surface"], row["tokens"], row["ce"], row["linear"]) == ("#0", None, None, pytest.approx(0.6))
        assert store.fetch("error_scaling", sae=None).column("study_ce_recovered") == [None, None]


def test_a_context_with_the_errors_of_every_sae(errors: Store) -> None:
    rows = errors.fetch("error_context", context=0, study=STUDY, sae="narrow").dicts()
    assert [row["surface"] for row in rows] == made.SURFACES
    assert [row["error_norm"] for row in rows[:4]] == [[9.0, 8.0], [8.0, 1.0], [1.0, 4.0], None]
    assert rows[0]["variance"] == 4.0
    assert rows[0]["nonlinear_shares"] == pytest.approx([0.64, 0.64])
    assert rows[3]["nonlinear_shares"] is None
    assert errors.fetch("error_context", context=9, study=STUDY, sae="narrow").rows == []


@pytest.mark.parametrize(
    ("text", "order", "sort", "expected"),
    [
        ("", "hard", (), ["short", "self", "the"]),
        ("", None, (Order("slope", True),), ["the", "short", "self"]),
        ("n_equal>1", "hard", (), ["the"]),
        # Where tokens of equal activation differ in what is asked for, each has its row.
        ("", "damage", (), ["the", "self", "short", "again the"]),
        ("", "hard", (Order("position"),), ["short", "self", "again the", "the"]),
        ("context=1", "hard", (), ["again the"]),
        ("position<9 held_out=false", "hard", (), ["short", "self", "the", "again the"]),
    ],
)
def test_one_row_stands_for_tokens_of_equal_activation(
    tmp_path: Path, text: str, order: str | None, sort: tuple[Order, ...], expected: list[str]
) -> None:
    with Store.open(tmp_path / "store", create=True) as store:
        with Spool(store.root, "job-1") as spool:
            made.add_study(spool)
        store.commit_spool()
        alike = [{**row, "n_equal": 1, "equal_to": row["context"] << 16 | row["position"]} for row in TOKENS]
        for row in alike[2:]:
            row |= {"n_equal": 2, "equal_to": 3}
        add(store, error_study=[study()], error_token=alike)
        table, sql = tables()["hard_tokens.tokens"], store.sql_of("hard_tokens")
        params = {"study": STUDY, "sae": None, "order": order, "unit": None, "limit": None, "offset": 0}
        condition = table.condition(text, table.asked(sql, params).columns(store))
        asked = table.asked(sql, params, condition, sort)
        found = store.fetch(asked.text()[0], **asked.text()[1])
        named = {place: name for name, place in PLACES.items()}
        assert [named[place] for place in places(found)] == expected
        rows, bound = asked.count()
        assert store.fetch(rows, **bound).rows == [(len(expected),)]


def test_scaling_with_the_fit_of_all(errors: Store) -> None:
    narrow, wide = errors.fetch("error_scaling", sae="narrow").dicts()
    assert (narrow["sae"], narrow["width"], narrow["study_fvu"], narrow["fvu_low"]) == ("narrow-k4", 8, 0.4, 0.35)
    assert (narrow["fvu_nonlinear"], narrow["r2_error"], narrow["r2_norm"]) == (0.1, 0.5, 0.95)
    assert narrow["shrinkage_share"] == 0.07
    # Against the clean loss of the same tokens, not that of all, which is 2.
    assert narrow["study_ce_recovered"] == pytest.approx((6 - 3) / (6 - 1))
    assert narrow["ce_damage"] == 2.0
    assert (wide["study_fvu"], wide["fvu_nonlinear"]) == (0.3, None)
    assert (wide["floor"], wide["exponent"]) == (0.06, 0.31)
    assert [row["sae"] for row in errors.fetch("error_scaling", study="older", sae="narrow").dicts()] == ["wide-k4"]


def test_error_norms_across_widths(errors: Store) -> None:
    (row,) = errors.fetch("width_norms", sae="wide").dicts()
    assert (row["smaller_name"], row["larger_name"], row["r2"], row["gain"]) == ("narrow-k4", "wide-k4", 0.8, 3.0)


def test_studies_newest_first(errors: Store) -> None:
    first, second = errors.fetch("error_study").dicts()
    assert (first["study_id"], second["study_id"]) == (STUDY, "older")
    assert first["saes"] == ["narrow-k4", "wide-k4"]
    assert first["model"] == "speller"
    assert first["tokens_per_dimension"] == 12 / 128


def test_the_views_of_errors_name_tokens_and_saes(errors: Store) -> None:
    found = errors.fetch("SELECT surface, error_norm, sae_ids FROM hard_token ORDER BY hardness DESC LIMIT 1").rows
    assert found == [(" short", [9.0, 8.0], list(SAES))]
    assert errors.fetch("SELECT sae FROM error_scaling WHERE study_id = 'errors-1'").column("sae") == [
        "narrow-k4",
        "wide-k4",
    ]


def test_absorbed_words_beside_others_of_the_same_sae(store: Store) -> None:
    """s0 and s3 are absorbed, s1 is missed, s2 is found; the wide SAE was not studied for absorption."""
    add(
        store,
        model=[made.model()],
        corpus=[made.corpus()],
        sae=[made.sae("narrow", 8), made.sae("wide", 16)],
        probe=[made.probe("s", 0.98)],
        word=letters.words("s", 4),
        absorption_run=[letters.run()],
        sparse_probe=letters.sparse_probe("s", [0.8, 0.82]),
        absorption_word=[letters.judged("s", i) for i in range(4)],
        absorption_latent=[
            *letters.effects("s", 0, {11: (-2.0, 0.5)}),
            *letters.effects("s", 1, {11: (-0.2, 0.5)}),
            letters.fired("s", 2, letters.MAIN, place=1),
            *letters.effects("s", 3, {11: (-2.0, 0.5)}),
        ],
        error_study=[study()],
        error_token=[
            # s0 stands three times among the held-out tokens, and counts as one word.
            *(token(0, place, [4.0, 9.0], token_id=0, held_out=True) for place in (1, 6, 7)),
            # The linear map was fitted on these: they do not count.
            token(0, 2, [600.0, 9.0], token_id=0, nonlinear_norm=[0.0, 0.0]),
            token(0, 3, [3.0, 9.0], token_id=1),
            token(0, 4, [2.0, 9.0], token_id=2, held_out=True),
            token(0, 5, [50.0, 9.0], token_id=5, held_out=True),
            token(0, 8, [1.0, 9.0], token_id=3, held_out=True),
        ],
        absorbed_comparison=[
            {"comparison_id": "c", "sae_id": "narrow", "study_id": STUDY, "probe_id": "p", "n_absorbed": 2}
            | dict.fromkeys(("n_silent", "n_fires", "n_undecided", "n_not_held_out", "n_exact", "seed"), 0)
            | {"created": made.NOW.replace(year=2100)}
        ],
        absorbed_error=[
            {"comparison_id": "c", "sae_id": "narrow", "words": "absorbed", "n_words": 2, "figure": name}
            | {"against": against, "control": control, "value": value, "low": value - 5, "high": value + 5}
            for name, against, control, value in (
                ("error", "fires", "frequency and norm", -10.0),
                ("error", "fires", "none", -61.0),
                ("error", "silent", "frequency and norm", -3.0),
                ("linear", "fires", "frequency and norm", -7.0),
            )
        ],
    )
    rows = store.fetch("hard_absorbed", sae="narrow", letter="s").dicts()
    assert [(row["sae"], row["words"], row["n_words"], row["n_occurrences"]) for row in rows] == [
        ("narrow-k4", "absorbed", 2, 4),
        ("narrow-k4", "other", 1, 1),
    ]
    absorbed, other = rows
    assert [row["error_norm"] for row in rows] == [2.5, 2.0]
    assert absorbed["linear_norm"] == pytest.approx(0.6 * 2.5)
    assert absorbed["nonlinear_norm"] == pytest.approx(0.8 * 2.5)
    assert absorbed["error_share"] == pytest.approx(0.25)
    assert other["word_damage"] == pytest.approx(0.2)
    # The number is the stored one, as it is on the line above and in the figure.
    assert (absorbed["harder"], absorbed["harder_low"], absorbed["harder_high"]) == (-10.0, -15.0, -5.0)
    assert other["harder"] is None
    assert store.fetch("hard_absorbed", sae="narrow", letter="t").rows == []
    assert len(store.fetch("hard_absorbed", sae="narrow", letter=None).rows) == 2
    stricter = store.fetch("hard_absorbed", sae="narrow", letter="s", lead=3.0).dicts()
    assert [(row["words"], row["n_words"], row["harder"]) for row in stricter] == [
        ("missed", 2, None),
        ("other", 1, None),
    ]
