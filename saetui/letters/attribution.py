"""Effects of all latents on the answers to some prompts, as one dense table (2409.14507)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.letters.effects import word_effects
from saetui.letters.integrated_gradients import IG_STEPS, IGPath, IGRule
from saetui.letters.prompts import WORD_POSITION, Prompt
from saetui.letters.vocabulary import LETTERS

if TYPE_CHECKING:
    from saetui.lm import LanguageModel
    from saetui.sae import SAE


def latent_attribution(
    model: LanguageModel,
    sae: SAE,
    hook_name: str,
    prompts: Sequence[str] | Sequence[Prompt] | Int[Tensor, "prompt position"],
    letters: Sequence[str] | Sequence[int] | Int[Tensor, " prompt"],
    position: int = WORD_POSITION,
    steps: int = IG_STEPS,
    path: IGPath = "joint",
    rule: IGRule = "left",
) -> Float[Tensor, "prompt d_sae"]:
    """Effect of removing each latent at ``position``, in logits: (n_prompts, d_sae), 0 where a latent does not fire.

    Integrated gradients of the right answer's logit minus the mean of the 25 others. Texts get the model's
    beginning-of-text token; token ids are taken as they are. ``letters`` are "a" to "z" or 0 to 25, one per prompt. The
    sparse form of it, for many words, is ``word_effects``.
    """
    rows = _token_rows(model, prompts)
    numbers = _letter_numbers(letters)
    if len(numbers) != len(rows):
        raise ValueError(f"{len(rows)} prompts need as many letters, not {len(numbers)}")
    by_length: dict[int, list[int]] = {}
    for i, row in enumerate(rows):
        by_length.setdefault(len(row), []).append(i)
    dense = torch.zeros(len(rows), sae.d_sae)
    for places in by_length.values():
        chosen = torch.tensor(places)
        found = word_effects(
            model,
            sae,
            hook_name,
            torch.stack([rows[i] for i in places]),
            numbers[chosen],
            position=position,
            steps=steps,
            path=path,
            rule=rule,
        )
        # Padding adds its zero to whichever latent its index names.
        dense[chosen] = torch.zeros(len(places), sae.d_sae).scatter_add(1, found.indices, found.effects)
    return dense


def _token_rows(
    model: LanguageModel, prompts: Sequence[str] | Sequence[Prompt] | Int[Tensor, "prompt position"]
) -> list[Int[Tensor, " position"]]:
    if isinstance(prompts, Tensor):
        return list(prompts)
    texts = [prompt.text if isinstance(prompt, Prompt) else prompt for prompt in prompts]
    if not texts:
        return []
    bos = [] if model.bos_token_id is None else [model.bos_token_id]
    encoded = model.tokenizer(texts, add_special_tokens=False)["input_ids"]
    return [torch.tensor([*bos, *ids]) for ids in encoded]


def _letter_numbers(letters: Sequence[str] | Sequence[int] | Int[Tensor, " prompt"]) -> Int[Tensor, " prompt"]:
    if isinstance(letters, Tensor):
        return letters.long().cpu()
    unknown = [letter for letter in letters if isinstance(letter, str) and letter.lower() not in list(LETTERS)]
    if unknown:
        raise ValueError(f"letters are a to z, not {unknown[0]!r}")
    return torch.tensor([LETTERS.index(x.lower()) if isinstance(x, str) else x for x in letters], dtype=torch.long)
