"""k-sparse probes: which latents tell a letter, how well the first k of them do, and how many it is split into.

2409.14507, feature splitting. An L1 probe ranks the latents of each letter; a logistic regression on the first k is
measured for every k; the splitting rule reads from the F1 sequence how many latents the letter needs.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Literal, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.letters.latents import SparseLatents
from saetui.letters.logistic import NestedRegressions, nested_regressions
from saetui.letters.probes import ProbeSettings
from saetui.letters.selection_probe import SELECTION, train_selection_probe
from saetui.letters.split import TEST_SHARE
from saetui.letters.splitting import SPLIT_F1, main_latents

# Activations of a letter's latents must sum to more than this for the sum classifier to say yes (the authors' code).
SUM_THRESHOLD = 1e-6

Label = TypeVar("Label", bound=Hashable)
Side = Literal["test", "val"]


@dataclass(frozen=True)
class SparseProbe:
    """The latents of one letter, best first, and how well the first k of them tell its words from all others.

    Sequences have one entry for each of ``ks``; metrics are of the test words, in [0, 1].
    """

    ks: tuple[int, ...]
    ranked_latents: list[int]
    precision: list[float]
    recall: list[float]
    f1: list[float]
    sum_f1: list[float]
    """Of "the activations of the first k sum to more than 1e-6"."""
    main_latents: list[int]
    """The latents that the letter is split into."""
    selection_f1: list[float]
    """What the splitting rule read: ``f1``, or the same on validation words."""
    regressions: NestedRegressions

    @property
    def n_main(self) -> int:
        """Main latents of the letter (SAEBench's number of splits)."""
        return len(self.main_latents)

    @property
    def n_extra(self) -> int:
        """Main latents past the first (the number of splits in the authors' code)."""
        return self.n_main - 1

    def logits(self, latents: SparseLatents | Float[Tensor, "word latent"]) -> Float[Tensor, "word k"]:
        """Of the regression on the first k latents, for each of ``ks``; above 0 a word belongs to the letter."""
        return self.regressions.logits(_sparse(latents).columns(self.ranked_latents).cpu())

    def main_logits(self, latents: SparseLatents | Float[Tensor, "word latent"]) -> Float[Tensor, " word"]:
        """Logits of the regression on the main latents."""
        return self.logits(latents)[:, self.ks.index(self.n_main)]


def sparse_probes(
    train_latents: SparseLatents | Float[Tensor, "word latent"],
    train_labels: Int[Tensor, " word"] | Sequence[Label],
    test_latents: SparseLatents | Float[Tensor, "word latent"],
    test_labels: Int[Tensor, " word"] | Sequence[Label],
    ks: Sequence[int] = range(1, 16),
    tau: float = SPLIT_F1,
    *,
    settings: ProbeSettings | None = None,
    rankings: Mapping[Label, Sequence[int]] | None = None,
    select_on: Side = "test",
    progress: Callable[[int, int], None] | None = None,
) -> dict[Label, SparseProbe]:
    """Sparse probes of every label among the train words.

    Latents are those at the word position: ``(word, latent)``, dense or sparse; labels are letters as indices or as
    strings, and come back as keys. ``rankings`` takes the place of the L1 probe for the labels that it names, and only
    those are then measured. ``select_on="val"`` keeps a fifth of the train words for the splitting rule; the authors
    let it read the test words. ``settings`` are of the L1 probe; ``parity=True`` in them keeps the authors' batch.

    Raises ValueError where labels and latents disagree in number, widths differ, ``ks`` do not rise from 1, or only one
    label is there.
    """
    ks = _checked_ks(ks)
    train, test = _sparse(train_latents), _sparse(test_latents)
    train_keys, test_keys = _keys(train_labels), _keys(test_labels)
    _check_sides(train, train_keys, test, test_keys)
    labels: list[Label] = sorted(set(train_keys))  # type: ignore[type-var]
    codes = {label: code for code, label in enumerate(labels)}
    train_codes = torch.tensor([codes[key] for key in train_keys])
    test_codes = torch.tensor([codes.get(key, -1) for key in test_keys])
    judged, judged_codes = test, test_codes
    if select_on == "val":
        kept = _fit_side(train_codes, (settings or SELECTION).seed)
        judged, judged_codes = train.rows(~kept), train_codes[~kept]
        train, train_codes = train.rows(kept), train_codes[kept]
    ranked = rankings or _rankings(train, train_codes, labels, ks[-1], settings or SELECTION)
    probes: dict[Label, SparseProbe] = {}
    for done, (label, latents) in enumerate(ranked.items()):
        if progress is not None:
            progress(done, len(ranked))
        if label not in codes:
            raise ValueError(f"rankings names {label!r}, but no train word has that label")
        probes[label] = _measure(
            list(latents), codes[label], ks, tau, (train, train_codes), (judged, judged_codes), (test, test_codes)
        )
    if progress is not None:
        progress(len(ranked), len(ranked))
    return probes


def _rankings(
    train: SparseLatents, codes: Int[Tensor, " word"], labels: Sequence[Label], length: int, settings: ProbeSettings
) -> dict[Label, list[int]]:
    probe = train_selection_probe(train, codes.to(train.values.device), len(labels), settings)
    return {label: probe.ranking(code, length) for code, label in enumerate(labels)}


_Side = tuple[SparseLatents, Int[Tensor, " word"]]


def _measure(
    ranked: list[int], code: int, ks: tuple[int, ...], tau: float, train: _Side, judged: _Side, test: _Side
) -> SparseProbe:
    """Regressions on the train words; the splitting rule on those judged; metrics on the test words."""
    # Few latents may fire at all; the largest k are then left out.
    ks = tuple(k for k in ks if k <= len(ranked)) or (len(ranked),)
    ranked = ranked[: ks[-1]]
    regressions = nested_regressions(train[0].columns(ranked).cpu(), train[1] == code, ks)
    columns = test[0].columns(ranked).cpu()
    positive = test[1] == code
    precision, recall, f1 = _scores(regressions.logits(columns) > 0, positive)
    sums = columns.cumsum(1)[:, [k - 1 for k in ks]]
    selection_f1 = f1
    if judged[0] is not test[0]:
        says = regressions.logits(judged[0].columns(ranked).cpu()) > 0
        selection_f1 = _scores(says, judged[1] == code)[2]
    return SparseProbe(
        ks=ks,
        ranked_latents=ranked,
        precision=precision,
        recall=recall,
        f1=f1,
        sum_f1=_scores(sums > SUM_THRESHOLD, positive)[2],
        main_latents=main_latents(ranked, selection_f1, tau, ks),
        selection_f1=selection_f1,
        regressions=regressions,
    )


def _scores(
    says: Bool[Tensor, "word k"], positive: Bool[Tensor, " word"]
) -> tuple[list[float], list[float], list[float]]:
    """Precision, recall and F1 of each column; 0 for a division by zero."""
    hits = (says & positive[:, None]).sum(0).double()
    said, support = says.sum(0).double(), positive.sum().double()
    precision, recall = hits / said.clamp(min=1), hits / support.clamp(min=1)
    f1 = 2 * hits / (said + support).clamp(min=1)
    return precision.tolist(), recall.tolist(), f1.tolist()


def _sparse(latents: SparseLatents | Float[Tensor, "word latent"]) -> SparseLatents:
    return latents if isinstance(latents, SparseLatents) else SparseLatents.of_dense(latents)


def _keys(labels: Int[Tensor, " word"] | Sequence[Label]) -> list[Label]:
    return labels.tolist() if isinstance(labels, Tensor) else list(labels)


def _fit_side(codes: Int[Tensor, " word"], seed: int) -> Bool[Tensor, " word"]:
    """All but a fifth of each label's words."""
    kept = torch.ones(len(codes), dtype=torch.bool)
    random = Random(seed)
    for code in range(int(codes.max()) + 1):
        words = (codes == code).nonzero()[:, 0].tolist()
        kept[random.sample(words, round(len(words) * TEST_SHARE))] = False
    return kept


def _checked_ks(ks: Sequence[int]) -> tuple[int, ...]:
    if not len(ks) or ks[0] < 1 or any(k >= following for k, following in pairwise(ks)):
        raise ValueError(f"ks are numbers of latents that rise from 1 or more, not {list(ks)}")
    return tuple(ks)


def _check_sides(
    train: SparseLatents, train_keys: Sequence[Label], test: SparseLatents, test_keys: Sequence[Label]
) -> None:
    for side, latents, keys in (("train", train, train_keys), ("test", test, test_keys)):
        if len(latents) != len(keys):
            raise ValueError(f"{side}_latents has {len(latents)} words, {side}_labels {len(keys)}")
    if train.width != test.width:
        raise ValueError(f"train_latents has {train.width} latents, test_latents {test.width}; take one SAE for both")
    if len(set(train_keys)) < 2:
        raise ValueError("train_labels has fewer than two labels, so there is nothing to tell apart")
