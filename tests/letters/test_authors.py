"""What the authors' own code (sae-spelling) gave for a small real model: k-sparse probes and absorption verdicts."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import load_file

from saetui.letters.absorption import AbsorptionRule, PaperVerdict, paper_verdicts
from saetui.letters.latents import SparseLatents
from saetui.letters.selection_probe import SELECTION
from saetui.letters.sparse_probes import SparseProbe, sparse_probes
from saetui.sae import load_sae
from saetui.sae.base import FIRING


class Words(NamedTuple):
    expected: dict[str, Any]
    train: SparseLatents
    train_labels: list[str]
    test: torch.Tensor
    test_labels: list[str]

    def probes(self, **settings: Any) -> dict[str, SparseProbe]:
        ks = range(1, max(len(row["f1"]) for row in self.expected["k_sparse"].values()) + 1)
        return sparse_probes(self.train, self.train_labels, self.test, self.test_labels, ks, **settings)


@pytest.fixture(scope="module")
def words(shared: Path) -> Words:
    folder = shared / "reference" / "absorption"
    expected = json.loads((folder / "expected.json").read_text())
    tensors = load_file(folder / "tensors.safetensors")
    sae = load_sae(folder / "sae")
    labels = ["abcdefghijklmnopqrstuvwxyz"[i] for i in expected["letters"]]
    train = expected["train_index"]
    return Words(
        expected,
        SparseLatents(*sae.encode_sparse(tensors["word_activations"][train]), sae.d_sae),
        [labels[i] for i in train],
        tensors["sae_latents_test"],
        [labels[i] for i in expected["test_index"]],
    )


def test_their_ranking_gives_their_f1_and_their_main_latents(words: Words) -> None:
    theirs = words.expected["k_sparse"]
    probes = words.probes(rankings={letter: row["ranked_latents"] for letter, row in theirs.items()})
    assert list(probes) == list(theirs)
    for letter, row in theirs.items():
        assert probes[letter].f1 == pytest.approx(row["f1"], abs=0.01), letter
        assert probes[letter].main_latents == row["main_latents"], letter


def _mean_main_f1(f1: dict[str, list[float]], n_main: dict[str, int]) -> float:
    return sum(f1[letter][n_main[letter] - 1] for letter in f1) / len(f1)


def _best_latents_f1(words: Words) -> float:
    """Mean over letters of the best F1 that a single latent has on the test words; it says yes where it fires."""
    fires = words.test > FIRING
    best = []
    for letter in words.expected["k_sparse"]:
        positive = torch.tensor([label == letter for label in words.test_labels])
        best.append(float((2 * fires[positive].sum(0) / (fires.sum(0) + positive.sum())).max()))
    return sum(best) / len(best)


@pytest.mark.slow
def test_our_ranking_finds_main_latents_as_good_as_the_best_latents_there_are(
    words: Words, capsys: pytest.CaptureFixture[str]
) -> None:
    """Theirs is what few steps leave of a random start; with their batch ours is no better."""
    theirs = words.expected["k_sparse"]
    by_theirs = {letter: row["f1"] for letter, row in theirs.items()}
    their_f1 = _mean_main_f1(by_theirs, {letter: len(row["main_latents"]) for letter, row in theirs.items()})
    lines = [f"authors' ranking: main latents' mean F1 {their_f1:.2f}, k = 1 {_at(by_theirs, 1):.2f}"]
    found = {}
    for name, settings in (("our batch", SELECTION), ("their batch", replace(SELECTION, parity=True))):
        ours = {letter: probe for letter, probe in words.probes(settings=settings).items() if letter in theirs}
        f1 = {letter: probe.f1 for letter, probe in ours.items()}
        shared = [len({*p.ranked_latents} & {*theirs[letter]["ranked_latents"]}) for letter, p in ours.items()]
        ranked = max(len(row["ranked_latents"]) for row in theirs.values())
        found[name] = _mean_main_f1(f1, {letter: probe.n_main for letter, probe in ours.items()})
        lines.append(
            f"{name}: main latents' mean F1 {found[name]:.2f}, k = 1 {_at(f1, 1):.2f},"
            f" {sum(shared) / len(shared):.1f} of {ranked} latents shared with theirs"
        )
    with capsys.disabled():
        print("", *lines, sep="\n    ")  # noqa: T201
    best = _best_latents_f1(words)
    assert found["our batch"] > 0.95 * best
    assert found["our batch"] > 1.5 * their_f1
    assert found["their batch"] < 0.5 * best


def _at(f1: dict[str, list[float]], k: int) -> float:
    return sum(row[k - 1] for row in f1.values()) / len(f1)


def _verdict(case: dict[str, Any], width: int, rule: AbsorptionRule) -> PaperVerdict:
    """Verdict from the scores on file: the ten lowest and the main latents'; all others are not below them."""
    rows = {row["feature_id"]: row for row in [*case["top"], *case["main"]]}
    cosines = torch.zeros(width)
    for latent, row in rows.items():
        cosines[latent] = row["probe_cos_sim"]
    (verdict,) = paper_verdicts(
        torch.tensor([list(rows)]),
        torch.tensor([[row["activation"] for row in rows.values()]]),
        torch.tensor([[row["ablation_score"] for row in rows.values()]]),
        cosines,
        [row["feature_id"] for row in case["main"]],
        rule,
    )
    return verdict


@pytest.mark.parametrize("parity", [True, False])
def test_their_scores_give_their_verdicts(words: Words, parity: bool) -> None:
    """Also by the default rule: a silent latent has effect 0, so the second effect is above 0 for no sparse SAE."""
    letters = words.expected["absorption"]
    cases = [case for letter in letters.values() for case in letter["cases"]]
    verdicts = [_verdict(case, words.test.shape[1], AbsorptionRule(parity=parity)) for case in cases]
    assert [verdict.absorbed for verdict in verdicts] == [case["is_absorption"] for case in cases]
    assert sum(verdict.absorbed for verdict in verdicts) == sum(letter["absorbed"] for letter in letters.values()) > 0
    for verdict, case in zip(verdicts, cases, strict=True):
        if verdict.outcome not in ("fires", "helps"):
            assert verdict.latent == case["top"][0]["feature_id"]
            assert verdict.effect == pytest.approx(case["top"][0]["ablation_score"])
