"""Cutting of text into contexts, and the files that keep them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import saetui.lm.tokens
from saetui.lm import Corpus, CorpusError, Document, LanguageModel, load_corpus, load_model, tokenize
from saetui.lm.stdlib_text import is_held_out

Loader = Callable[[str], LanguageModel]
BOS, EOS, PAD, UNKNOWN = 0, 1, 2, 3


def corpus(*texts: str) -> Corpus:
    documents = [Document(f"text {i}", text) for i, text in enumerate(texts)]
    return Corpus("texts", "texts", lambda: iter(documents), lambda: repr(texts))


def letters(text: str) -> list[int]:
    return [30 if letter == " " else ord(letter) - ord("a") + 4 for letter in text]


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(saetui.lm.tokens, "user_cache_path", lambda _: tmp_path / "cache")
    return tmp_path / "cache" / "tokens"


def test_contexts_begin_with_bos_and_documents_are_separated(gpt2: LanguageModel) -> None:
    tokens = tokenize(corpus("abc", "de"), gpt2, context_length=4)
    assert tokens.token_ids.tolist() == [[BOS, *letters("abc")], [BOS, EOS, *letters("de")]]
    assert tokens.mask.tolist() == [[False, True, True, True], [False, False, True, True]]
    assert (tokens.n_tokens, tokens.n_contexts, tokens.context_length) == (5, 2, 4)
    assert tokens.attention_mask(torch.tensor([0, 1])) is None


def test_the_last_context_is_padded(gpt2: LanguageModel) -> None:
    tokens = tokenize(corpus("abcd"), gpt2, context_length=4)
    assert tokens.token_ids.tolist() == [[BOS, *letters("abc")], [BOS, *letters("d"), PAD, PAD]]
    assert tokens.mask.tolist()[1] == [False, True, False, False]
    assert tokens.lengths.tolist() == [4, 2]
    present = tokens.attention_mask(torch.tensor([1, 0]))
    assert present is not None
    assert present.tolist() == [[True, True, False, False], [True] * 4]


def test_special_tokens_in_the_text_do_not_count(gpt2: LanguageModel) -> None:
    tokens = tokenize(corpus("ab</s>c?d"), gpt2, context_length=8)
    assert tokens.token_ids[0].tolist() == [BOS, *letters("ab"), EOS, *letters("c"), UNKNOWN, *letters("d"), PAD]
    assert tokens.mask[0].tolist() == [False, True, True, False, True, False, True, False]


def test_an_encoder_gets_its_separator_at_the_end(tiny_model: Loader) -> None:
    tokens = tokenize(corpus("abcd"), tiny_model("bert"), context_length=5)
    assert tokens.token_ids.tolist() == [[BOS, *letters("abc"), EOS], [BOS, *letters("d"), EOS, PAD, PAD]]
    assert tokens.mask.tolist() == [[False, True, True, True, False], [False, True, False, False, False]]
    assert tokens.lengths.tolist() == [5, 3]


def test_contexts_of_a_model_without_bos_begin_with_text(broken_copy: Path) -> None:
    (broken_copy / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    model = load_model(broken_copy)
    assert model.bos_token_id is None
    tokens = tokenize(corpus("abcdef"), model, context_length=3)
    assert tokens.token_ids.tolist() == [letters("abc"), letters("def")]
    assert tokens.mask.all()


def test_the_default_context_length_is_what_the_model_can_read(gpt2: LanguageModel) -> None:
    assert tokenize(corpus("a" * 100), gpt2).context_length == 32


def test_max_tokens_counts_only_tokens_that_count(gpt2: LanguageModel) -> None:
    tokens = tokenize(corpus("abc", "defg", "hij"), gpt2, context_length=4, max_tokens=6)
    assert tokens.n_tokens == 6
    assert tokens.token_ids.tolist() == [
        [BOS, *letters("abc")],
        [BOS, EOS, *letters("de")],
        [BOS, *letters("f"), PAD, PAD],
    ]
    assert tokenize(corpus("abc"), gpt2, max_tokens=99).n_tokens == 3


def test_held_out_documents_are_kept_apart(gpt2: LanguageModel) -> None:
    texts = ["abc"] * 200
    parts = {held_out: tokenize(corpus(*texts), gpt2, held_out=held_out) for held_out in (None, True, False)}
    n_held_out = sum(is_held_out(document) for document in corpus(*texts).documents())
    assert 0 < n_held_out < 30
    assert parts[True].n_tokens == 3 * n_held_out
    assert parts[True].n_tokens + parts[False].n_tokens == parts[None].n_tokens == 600
    assert len({part.corpus_id for part in parts.values()}) == 3


def test_the_same_text_is_not_cut_twice(
    gpt2: LanguageModel, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "text.txt"
    path.write_text("some words")
    first = tokenize(load_corpus(path), gpt2)
    assert [file.suffix for file in cache.iterdir()] == [".safetensors"]
    calls: list[object] = []
    encode = saetui.lm.tokens._encode
    monkeypatch.setattr(saetui.lm.tokens, "_encode", lambda *a: calls.append(a) or encode(*a))
    again = tokenize(load_corpus(path), gpt2)
    assert calls == []
    assert torch.equal(again.token_ids, first.token_ids)
    assert torch.equal(again.mask, first.mask)
    assert (again.corpus_id, again.token_hash) == (first.corpus_id, first.token_hash)

    tokenize(load_corpus(path), gpt2, context_length=8)
    path.write_text("other words")
    assert tokenize(load_corpus(path), gpt2).token_hash != first.token_hash
    assert len(calls) == 2


def test_a_damaged_file_is_made_again(gpt2: LanguageModel, cache: Path) -> None:
    first = tokenize(corpus("abc"), gpt2)
    (file,) = cache.iterdir()
    file.write_bytes(file.read_bytes()[:50])
    assert tokenize(corpus("abc"), gpt2).token_hash == first.token_hash
    assert tokenize(corpus("abc"), gpt2).token_hash == first.token_hash


def test_a_cache_that_cannot_be_written_costs_nothing_else(gpt2: LanguageModel, cache: Path) -> None:
    cache.parent.parent.mkdir(exist_ok=True)
    cache.parent.write_text("a file where a folder should be")
    assert tokenize(corpus("abc"), gpt2).n_tokens == 3


def test_ids_name_model_and_settings(gpt2: LanguageModel, tiny_model: Loader) -> None:
    texts = corpus("abc" * 20)
    one, other = tokenize(texts, gpt2), tokenize(texts, tiny_model("llama"))
    assert one.token_hash == other.token_hash
    assert one.corpus_id != other.corpus_id
    assert one.corpus_id != tokenize(texts, gpt2, context_length=8).corpus_id
    assert (one.name, one.source) == ("texts", "texts")


def test_long_texts_are_cut_in_silence(gpt2: LanguageModel, capfd: pytest.CaptureFixture[str]) -> None:
    assert tokenize(corpus("abc " * 1000), gpt2).n_tokens == 4000
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("length", [0, 1, 33])
def test_a_context_length_that_does_not_fit_is_refused(length: int, gpt2: LanguageModel) -> None:
    with pytest.raises(CorpusError, match=f"context_length = {length} does not fit gpt2: it must be from 2 to 32"):
        tokenize(corpus("abc"), gpt2, context_length=length)


def test_a_corpus_without_tokens_that_count_is_refused(gpt2: LanguageModel) -> None:
    with pytest.raises(CorpusError, match="no text that gives a token"):
        tokenize(corpus("</s>"), gpt2)
    with pytest.raises(CorpusError, match="no held-out text"):
        tokenize(Corpus("t", "t", lambda: iter([Document("text 0", "abc")]), lambda: "t"), gpt2, held_out=True)
    with pytest.raises(CorpusError, match="max_tokens = 0"):
        tokenize(corpus("abc"), gpt2, max_tokens=0)


def test_a_tokenizer_of_another_model_is_named(gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpt2, "vocabulary_size", 20)
    with pytest.raises(CorpusError, match="makes token 29, but the model knows only 20"):
        tokenize(corpus("xyz"), gpt2)
