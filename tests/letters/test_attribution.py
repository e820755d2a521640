"""Effects of latents: closed forms on toy metrics, and literal edits of a real model."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from saetui.letters import (
    LETTERS,
    LettersError,
    Prompt,
    Word,
    answer_token_ids,
    exact_ablations,
    latent_attribution,
    letter_margins,
    word_effects,
)
from saetui.letters.contributions import contributions
from saetui.letters.effects import Attribution
from saetui.letters.integrated_gradients import IGPath, IGRule, integrated_gradients
from saetui.letters.word_batches import WordBatch
from saetui.lm import HookPointError, LanguageModel, load_model
from saetui.lm.resume.resumed_passes import ResumedPasses
from saetui.sae import SAE
from saetui.sae.architectures.gated import GatedSAE
from saetui.sae.architectures.jumprelu import JumpReLUSAE
from saetui.sae.architectures.standard import StandardSAE
from saetui.sae.architectures.topk import TopKSAE
from saetui.sae.geometry import decoder_norms, fold_decoder_norms
from saetui.sae.training.initialization import random_unit_rows

HOOK = "blocks.1.hook_resid_post"
PATHS: list[IGPath] = ["joint", "latents_only"]


def standard_sae(d_in: int, d_sae: int, seed: int = 0, **fields: object) -> StandardSAE:
    """Random weights, decoder rows of different norms."""
    g = torch.Generator().manual_seed(seed)
    return StandardSAE(
        W_enc=torch.randn(d_in, d_sae, generator=g),
        W_dec=torch.randn(d_sae, d_in, generator=g) * torch.linspace(0.2, 2, d_sae)[:, None],
        b_dec=torch.randn(d_in, generator=g),
        b_enc=torch.randn(d_sae, generator=g),
        **fields,  # type: ignore[arg-type]
    )


def every_architecture(d_in: int, d_sae: int) -> list[SAE]:
    plain = standard_sae(d_in, d_sae)
    weights: dict[str, Any] = {"W_enc": plain.W_enc, "W_dec": plain.W_dec, "b_dec": plain.b_dec}
    ones = torch.ones(d_sae)
    return [
        plain,
        standard_sae(d_in, d_sae, normalization="layer_norm"),
        standard_sae(d_in, d_sae, normalization="constant_norm_rescale", apply_b_dec_to_input=False),
        GatedSAE(**weights, b_gate=plain.b_enc, b_mag=0.5 * ones, r_mag=0.1 * ones),
        JumpReLUSAE(**weights, b_enc=plain.b_enc, threshold=0.7 * ones),
        TopKSAE(**weights, b_enc=plain.b_enc, latents_kept=5),
        TopKSAE(**weights, b_enc=plain.b_enc, latents_kept=5, rescale_acts_by_decoder_norm=True),
    ]


class ToyTail:
    """The logit of " A" is ``u·x + q·x²``; all other answers have 0, so that is the margin of the letter a."""

    def __init__(self, x: Tensor, linear: Tensor, square: Tensor) -> None:
        self.activations, self.linear, self.square = x, linear, square

    @property
    def positions_run(self) -> int:
        return 1

    def logits(self, contexts: Tensor, activations: Tensor) -> Tensor:
        right = activations @ self.linear + activations.square() @ self.square
        return torch.cat([right[:, None], right.new_zeros(len(right), 25)], dim=1)


def toy_batch(sae: SAE, x: Tensor, linear: Tensor, square: Tensor, rows_at_once: int = 100) -> WordBatch:
    letters = torch.zeros(len(x), dtype=torch.long)
    return WordBatch(ToyTail(x, linear, square), contributions(sae, x), letters, rows_at_once)


@pytest.mark.parametrize("sae", every_architecture(6, 12), ids=lambda sae: f"{sae.architecture}-{sae.normalization}")
def test_contributions_add_up_to_the_reconstruction(sae: SAE) -> None:
    x = torch.randn(7, 6, generator=torch.Generator().manual_seed(1))
    parts = contributions(sae, x)
    words, slots = (parts.values > 0).nonzero(as_tuple=True)
    summed = parts.base.index_add(0, words, parts.written(words, slots))
    torch.testing.assert_close(summed, sae.reconstruct(x), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(parts.base + parts.latents_sum, summed, rtol=1e-5, atol=1e-5)
    directions = torch.randn(7, 6, generator=torch.Generator().manual_seed(2))
    along = (parts.written(words, slots) * directions[words]).sum(1)
    torch.testing.assert_close(parts.along(directions)[words, slots], along, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sae", every_architecture(6, 12), ids=lambda sae: f"{sae.architecture}-{sae.normalization}")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("rule", ["left", "midpoint"])
@pytest.mark.parametrize("steps", [1, 3, 6])
def test_a_linear_margin_gives_the_exact_ablation_on_every_path(
    sae: SAE, path: IGPath, rule: IGRule, steps: int
) -> None:
    g = torch.Generator().manual_seed(3)
    x, u = torch.randn(5, 6, generator=g), torch.randn(6, generator=g)
    batch = toy_batch(sae, x, u, torch.zeros(6))
    effects, margins = integrated_gradients(batch, steps, path, rule)
    words, slots = (batch.parts.values > 0).nonzero(as_tuple=True)
    expected = -batch.parts.written(words, slots) @ u
    torch.testing.assert_close(effects[words, slots], expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(batch.without(words, slots)[0] - margins[words], expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(margins, x @ u, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("rule", "steps", "expected"), [
    ("left", 6, -7 / 6), ("left", 10, -1.1), ("left", 1, -2.0), ("midpoint", 1, -1.0), ("midpoint", 6, -1.0),
])  # fmt: skip
@pytest.mark.parametrize("path", PATHS)
def test_a_square_shows_what_the_rules_of_integration_cost(
    path: IGPath, rule: IGRule, steps: int, expected: float
) -> None:
    eye = torch.eye(2)
    sae = StandardSAE(W_enc=eye, W_dec=eye, b_dec=torch.zeros(2), b_enc=torch.zeros(2))
    batch = toy_batch(sae, torch.tensor([[1.0, 0.0]]), torch.zeros(2), torch.tensor([1.0, 0.0]))
    effects, margins = integrated_gradients(batch, steps, path, rule)
    assert float(effects[0, 0]) == pytest.approx(expected)
    assert float(margins[0]) == 1.0
    ablated, _ = batch.without(torch.tensor([0]), torch.tensor([0]))
    assert float(ablated - margins) == -1.0


def test_only_the_joint_path_shrinks_the_error() -> None:
    """x = 2, of which the latent gives 1 and 1 is error; of x² the paths remove x = 2 or the latent's 1."""
    one = torch.ones(1, 1)
    sae = StandardSAE(W_enc=one, W_dec=one, b_dec=torch.zeros(1), b_enc=torch.tensor([-1.0]))
    batch = toy_batch(sae, torch.tensor([[2.0]]), torch.zeros(1), torch.ones(1))
    # The gradient 2x goes from 4 to 0 on the joint path, from 4 to 2 on the other; the midpoint rule is exact for it.
    assert float(integrated_gradients(batch, 4, "joint", "midpoint")[0]) == pytest.approx(-2.0)
    assert float(integrated_gradients(batch, 4, "latents_only", "midpoint")[0]) == pytest.approx(-3.0)


def test_words_in_small_passes_get_the_same_effects() -> None:
    sae = standard_sae(6, 12)
    g = torch.Generator().manual_seed(4)
    x, u, q = torch.randn(9, 6, generator=g), torch.randn(6, generator=g), torch.randn(6, generator=g)
    expected, _ = integrated_gradients(toy_batch(sae, x, u, q))
    for rows in (1, 12, 13):
        found, _ = integrated_gradients(toy_batch(sae, x, u, q, rows))
        torch.testing.assert_close(found, expected)


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return load_model("embedded")


@pytest.fixture(scope="module")
def tokens(model: LanguageModel) -> Tensor:
    """Two prompts of one length."""
    lines = " red has the first letter: R\n name has the first letter: N\n{} has the first letter:"
    ids = model.tokenizer([lines.format(word) for word in (" list", " from")], add_special_tokens=False)["input_ids"]
    return torch.tensor([[model.bos_token_id, *row] for row in ids])


LETTERS_ASKED = torch.tensor([LETTERS.index("l"), LETTERS.index("f")])


@pytest.fixture(scope="module")
def sae(model: LanguageModel) -> SAE:
    """Decoder rows of norm 1 to 3."""
    rows = random_unit_rows(256, model.d_model, 0)
    norms = torch.linspace(1, 3, 256)[:, None]
    zeros = torch.zeros(model.d_model)
    return JumpReLUSAE(
        W_enc=rows.T.contiguous(), W_dec=rows * norms, b_dec=zeros, b_enc=torch.zeros(256), threshold=torch.ones(256)
    )


def margin_with(model: LanguageModel, row: Tensor, letter: Tensor, added: Tensor) -> tuple[Tensor, int]:
    """Margin and answer with something added to the activation at the word, by a literal edit."""

    def edit(site: Tensor) -> Tensor:
        site = site.clone()
        site[:, -6] += added
        return site

    logits = model.logits_with(row[None], HOOK, edit)[:, -1, answer_token_ids(model)]
    return letter_margins(logits, letter[None])[0], int(logits.argmax())


@pytest.mark.slow
def test_exact_effects_are_those_of_literal_edits(model: LanguageModel, sae: SAE, tokens: Tensor) -> None:
    found = word_effects(model, sae, HOOK, tokens, LETTERS_ASKED, attribution="exact")
    rows = exact_ablations(model, sae, HOOK, tokens, LETTERS_ASKED)
    latents = sae.encode(model.activations(tokens, HOOK)[:, -6])
    assert rows.words.tolist() == latents.nonzero()[:, 0].tolist()
    is_wrong = rows.answers != LETTERS_ASKED[rows.words]
    assert ((rows.rival_leads < 0) == is_wrong).all()
    assert (rows.rivals[is_wrong] == rows.answers[is_wrong]).all()
    assert (rows.margins > rows.rival_leads).all()
    for row in range(0, len(rows.words), 7):
        word, latent = int(rows.words[row]), int(rows.latents[row])
        effect, margin, clean = (float(column[row]) for column in (rows.effects, rows.margins, rows.clean_margins))
        before, _ = margin_with(model, tokens[word], LETTERS_ASKED[word], torch.zeros(model.d_model))
        removed = latents[word, latent] * sae.W_dec[latent]
        after, named = margin_with(model, tokens[word], LETTERS_ASKED[word], -removed)
        assert effect == pytest.approx(float(after - before), abs=1e-4)
        assert (margin, clean) == pytest.approx((float(after), float(before)), abs=1e-4)
        assert int(rows.answers[row]) == named
        slot = found.indices[word].tolist().index(latent)
        assert float(found.effects[word, slot]) == pytest.approx(effect, abs=1e-5)
        assert float(found.activations[word, slot]) == pytest.approx(float(removed.norm()), rel=1e-4)
        assert float(found.margins[word]) == pytest.approx(float(before), abs=1e-4)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("rule", ["left", "midpoint"])
def test_gradients_are_those_of_the_latents_in_whole_passes(
    model: LanguageModel, sae: SAE, tokens: Tensor, path: IGPath, rule: IGRule
) -> None:
    """The definition, one step after the other with dense latents as the differentiable node."""
    steps = 3
    found = latent_attribution(model, sae, HOOK, tokens, LETTERS_ASKED, steps=steps, path=path, rule=rule)
    x = model.activations(tokens, HOOK)[:, -6]
    latents = sae.encode(x)
    error = x - sae.decode(latents)
    expected = torch.zeros_like(latents)
    for step in range(steps):
        left = 1 - (step + (0.5 if rule == "midpoint" else 0)) / steps
        point = (left * latents).requires_grad_()
        inserted = sae.decode(point) + (left * error if path == "joint" else error)

        def insert(site: Tensor, inserted: Tensor = inserted) -> Tensor:
            site = site.clone()
            site[:, -6] = inserted
            return site

        logits = model.logits_with(tokens, HOOK, insert)[:, -1, answer_token_ids(model)]
        (gradient,) = torch.autograd.grad(letter_margins(logits, LETTERS_ASKED).sum(), point)
        expected -= latents * gradient / steps
    assert found.abs().max() > 1e-2
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)


def test_batches_do_not_change_effects(model: LanguageModel, sae: SAE, tokens: Tensor) -> None:
    seen = []
    many, letters = tokens.repeat(3, 1), LETTERS_ASKED.repeat(3)
    whole = word_effects(model, sae, HOOK, many, letters)
    parts = word_effects(
        model, sae, HOOK, many, letters, batch_size=4, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(4, 6), (6, 6)]
    assert whole.effects.shape == whole.indices.shape == whole.activations.shape
    torch.testing.assert_close(parts.effects, whole.effects, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(parts.margins, whole.margins, rtol=1e-4, atol=1e-4)
    assert torch.equal(parts.indices, whole.indices)
    with torch.no_grad():
        assert torch.equal(word_effects(model, sae, HOOK, many, letters).effects, whole.effects)


@pytest.mark.parametrize("attribution", ["exact", "ig"])
def test_where_memory_runs_out_fewer_prompts_go_at_once(
    model: LanguageModel, sae: SAE, tokens: Tensor, monkeypatch: pytest.MonkeyPatch, attribution: Attribution
) -> None:
    many, letters = tokens.repeat(3, 1), LETTERS_ASKED.repeat(3)
    whole = word_effects(model, sae, HOOK, many, letters, attribution=attribution)
    passes = ResumedPasses.logits
    refused = []

    def logits(tail: ResumedPasses, contexts: Tensor, activations: Tensor) -> Tensor:
        if len(contexts) > 25:
            refused.append(len(contexts))
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return passes(tail, contexts, activations)

    monkeypatch.setattr(ResumedPasses, "logits", logits)
    found = word_effects(model, sae, HOOK, many, letters, attribution=attribution)
    assert refused
    torch.testing.assert_close(found.effects, whole.effects, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(found.margins, whole.margins, rtol=1e-4, atol=1e-4)


def test_folding_decoder_norms_changes_nothing(model: LanguageModel, sae: SAE, tokens: Tensor) -> None:
    raw = word_effects(model, sae, HOOK, tokens, LETTERS_ASKED)
    folded = word_effects(model, fold_decoder_norms(sae), HOOK, tokens, LETTERS_ASKED)
    assert torch.equal(raw.indices, folded.indices)
    torch.testing.assert_close(raw.activations, folded.activations, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(raw.effects, folded.effects, rtol=1e-3, atol=1e-4)
    latents = sae.encode(model.activations(tokens, HOOK)[:, -6]) * decoder_norms(sae)
    torch.testing.assert_close(raw.activations.sum(1), latents.sum(1), rtol=1e-4, atol=1e-4)


def test_chosen_latents_are_ablated_whether_they_fire_or_not(model: LanguageModel, sae: SAE, tokens: Tensor) -> None:
    latents = sae.encode(model.activations(tokens, HOOK)[:, -6])
    firing, silent = int(latents[1].argmax()), int((latents[1] == 0).nonzero()[0])
    rows = exact_ablations(model, sae, HOOK, tokens, LETTERS_ASKED, [[], [silent, firing]], batch_size=1)
    assert rows.words.tolist() == [1, 1]
    assert rows.latents.tolist() == [silent, firing]
    assert float(rows.effects[0]) == pytest.approx(0, abs=1e-5)
    every = exact_ablations(model, sae, HOOK, tokens, LETTERS_ASKED)
    same = (every.words == 1) & (every.latents == firing)
    assert float(rows.effects[1]) == pytest.approx(float(every.effects[same]), abs=1e-5)
    assert len(exact_ablations(model, sae, HOOK, tokens, LETTERS_ASKED, [[], []]).words) == 0


def test_words_without_firing_latents_and_no_words_at_all(model: LanguageModel, sae: SAE, tokens: Tensor) -> None:
    silent = standard_sae(model.d_model, 8)
    silent.b_enc -= 1e6
    for attribution in ("ig", "exact"):
        found = word_effects(model, silent, HOOK, tokens, LETTERS_ASKED, attribution=attribution)
        assert not found.effects.any()
        assert not found.activations.any()
        assert all(map(math.isfinite, found.margins.tolist()))
        none = word_effects(model, sae, HOOK, tokens[:0], LETTERS_ASKED[:0], attribution=attribution)
        assert none.effects.shape[0] == none.margins.shape[0] == 0
    assert not latent_attribution(model, silent, HOOK, tokens, LETTERS_ASKED).any()
    rows = exact_ablations(model, silent, HOOK, tokens, LETTERS_ASKED, [[3], []])
    assert float(rows.effects) == pytest.approx(0, abs=1e-5)
    assert latent_attribution(model, sae, HOOK, [], []).shape == (0, sae.d_sae)


def test_texts_of_any_length_are_read_with_the_first_token(model: LanguageModel, sae: SAE, tokens: Tensor) -> None:
    line = " list has the first letter:"
    texts = [" red has the first letter: R\n" + line, line, " name has the first letter: N\n" * 2 + line]
    found = latent_attribution(model, sae, HOOK, texts, "lll")
    assert found.shape == (3, sae.d_sae)
    word = Word(int(tokens[0, -6]), " list", "l")
    assert torch.equal(latent_attribution(model, sae, HOOK, [Prompt(line, word)], ["L"])[0], found[1])
    ids = torch.tensor(model.tokenizer([line], add_special_tokens=False)["input_ids"])
    alone = latent_attribution(model, sae, HOOK, torch.cat([tokens[:1, :1], ids], dim=1), torch.tensor([11]))
    torch.testing.assert_close(alone[0], found[1], rtol=1e-3, atol=1e-5)
    assert not torch.allclose(latent_attribution(model, sae, HOOK, ids, [11])[0], found[1], rtol=1e-3, atol=1e-5)


def test_a_latent_at_the_last_layers_output_changes_nothing(model: LanguageModel, sae: SAE, tokens: Tensor) -> None:
    """No layer comes after it to carry the word to the last position."""
    assert not latent_attribution(model, sae, "blocks.3.hook_resid_post", tokens, LETTERS_ASKED).any()


def test_misuse_is_named(model: LanguageModel, sae: SAE, tokens: Tensor) -> None:
    with pytest.raises(ValueError, match="path is one of joint, latents_only, not 'straight'"):
        word_effects(model, sae, HOOK, tokens, LETTERS_ASKED, path="straight")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="attribution is one of ig, exact"):
        word_effects(model, sae, HOOK, tokens, LETTERS_ASKED, attribution="grad")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least 1"):
        word_effects(model, sae, HOOK, tokens, LETTERS_ASKED, steps=0)
    with pytest.raises(ValueError, match="as many letters"):
        word_effects(model, sae, HOOK, tokens, LETTERS_ASKED[:1])
    with pytest.raises(ValueError, match="0 for a to 25 for z"):
        word_effects(model, sae, HOOK, tokens, torch.tensor([3, 26]))
    with pytest.raises(ValueError, match="no position -60"):
        word_effects(model, sae, HOOK, tokens, LETTERS_ASKED, position=-60)
    with pytest.raises(ValueError, match="not 'ab'"):
        latent_attribution(model, sae, HOOK, tokens, ["ab", "c"])
    with pytest.raises(ValueError, match="2 prompts need as many letters, not 1"):
        latent_attribution(model, sae, HOOK, tokens, ["l"])
    with pytest.raises(ValueError, match="as many lists of latents"):
        exact_ablations(model, sae, HOOK, tokens, LETTERS_ASKED, [[1]])
    with pytest.raises(ValueError, match="no latent 256"):
        exact_ablations(model, sae, HOOK, tokens, LETTERS_ASKED, [[256], []])
    with pytest.raises(HookPointError, match="width 8"):
        word_effects(model, standard_sae(8, 4), HOOK, tokens, LETTERS_ASKED)


def test_a_tokenizer_without_the_answers_is_refused(
    model: LanguageModel, sae: SAE, tokens: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Letters:
        bos_token_id = None

        def __call__(self, text: list[str], **_: object) -> dict[str, list[list[int]]]:
            return {"input_ids": [[1, 2] for _ in text]}

    monkeypatch.setattr(model, "tokenizer", Letters())
    with pytest.raises(LettersError, match="not single tokens"):
        word_effects(model, sae, HOOK, tokens, LETTERS_ASKED)
