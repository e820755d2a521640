"""The words of the letters study on models whose tokenizers differ from the usual ones."""

from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from saetui.letters import LetterWords, WordSettings
from saetui.letters.encoding import answer_token_ids
from saetui.lm import load_model
from tests.lm.tokenizers_of_kinds import sentencepiece

STEMS = ("ant", "ape", "bat", "bee", "cat", "cow", "dog", "doe", "eel", "elk")


@pytest.mark.parametrize("beyond", [0, 1, 2])
@pytest.mark.parametrize("kind", ["prepend", "metaspace"])
def test_words_of_a_tokenizer_that_begins_every_text_with_a_space(kind: str, beyond: int, tmp_path: Path) -> None:
    """``beyond`` tokens at the end of the vocabulary, the beginning-of-text token first, have no embedding."""
    words = tuple(f"{stem}{letter}" for stem in STEMS for letter in "stuvwxyz")
    tokenizer = sentencepiece(kind, words)
    tokenizer.save_pretrained(tmp_path)
    size = len(tokenizer) - beyond
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=size, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    model = load_model(tmp_path)
    ids = tokenizer.get_vocab()
    assert model.bos_token_id == (None if beyond else ids["<s>"])
    if beyond == 2:  # The last answer, " Z".
        assert ids["▁Z"] == size
        with pytest.raises(Exception, match="the answers ' Z' are not single tokens"):
            answer_token_ids(model)
        return
    study = LetterWords(model, WordSettings(examples=2, seed=1))
    found = {word.surface: word.token_id for word in study.words}
    for word in words:
        assert (found[word], found[f" {word}"]) == (ids[word], ids[f"▁{word}"])
    assert max(found.values()) < size
    for group in study.encoding.groups:
        assert group.word_position == -6
        assert group.tokens[:, -6].tolist() == [prompt.word.token_id for prompt in group.prompts]
    study.read(["blocks.0.hook_resid_post"])
    assert study.readings.answer_logits.shape == (len(study.words), 26)
