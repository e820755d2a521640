"""The text of tokens is what the tokenizer itself makes of them within a text."""

from string import ascii_lowercase

import pytest
from transformers import PreTrainedTokenizerFast

from saetui.lm.surfaces import token_surfaces

from .tokenizers_of_kinds import TEXT, byte_level, sentencepiece, wordpiece

KINDS = ("prepend", "metaspace")


def surfaces_of(tokenizer: PreTrainedTokenizerFast, text: str) -> list[str]:
    surfaces = token_surfaces(tokenizer, len(tokenizer))
    return [surfaces[i] for i in tokenizer(text, add_special_tokens=False)["input_ids"]]


def surface_of(tokenizer: PreTrainedTokenizerFast, piece: str) -> str:
    return token_surfaces(tokenizer, len(tokenizer))[tokenizer.get_vocab()[piece]]


@pytest.mark.parametrize("decoder", [True, False])
def test_byte_level_pieces_are_decoded_with_a_decoder_and_without(decoder: bool) -> None:
    tokenizer = byte_level(decoder=decoder)
    pieces = {
        "Â¶": "¶",
        "ĠðŁĺĢ": " 😀",
        "Ġshort": " short",
        "ĠĠ": "  ",
        "Ċ": "\n",
        "A": "A",
        "<s>": "<s>",
        "ðŁĺ": "⟨F0 9F 98⟩",
        "ĠðŁĺ": " ⟨F0 9F 98⟩",
        "naÃ": "na⟨C3⟩",
        "Â": "⟨C2⟩",
        "¶": "⟨B6⟩",
    }
    assert {piece: surface_of(tokenizer, piece) for piece in pieces} == pieces
    for text in TEXT:
        whole = "".join(surfaces_of(tokenizer, text))
        assert whole == text


def test_a_character_that_stands_for_an_unreadable_one_is_no_part_of_a_character() -> None:
    tokenizer = byte_level()
    tokenizer.add_tokens(["\N{REPLACEMENT CHARACTER}", "é!"])
    assert surface_of(tokenizer, "é!") == "é!"
    assert surface_of(tokenizer, "\N{REPLACEMENT CHARACTER}") == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_space_before_a_piece_is_kept_and_spaces_are_counted(kind: str) -> None:
    tokenizer = sentencepiece(kind, ("cat",))
    pieces = {"▁cat": " cat", "cat": "cat", "▁": " ", "▁▁": "  ", "▁▁▁▁": "    ", "<0x0A>": "\n", "<0x6A>": "j"}
    assert {piece: surface_of(tokenizer, piece) for piece in pieces} == pieces
    assert surfaces_of(tokenizer, "cat 😀") == [" cat", " ", "⟨F0⟩", "⟨9F⟩", "⟨98⟩", "⟨80⟩"]
    assert "".join(surfaces_of(tokenizer, "a    cat")) == " a    cat"


def test_pieces_inside_a_word_keep_their_mark() -> None:
    tokenizer = wordpiece(["[UNK]", *ascii_lowercase, "cat", "##ing"])
    assert [surface_of(tokenizer, piece) for piece in ("cat", "##ing", "a")] == ["cat", "##ing", "a"]


def test_an_id_without_a_piece_is_shown_as_its_number() -> None:
    tokenizer = byte_level()
    n = len(tokenizer)
    assert token_surfaces(tokenizer, n + 2)[n:] == [f"<{n}>", f"<{n + 1}>"]
    assert token_surfaces(tokenizer, 3) == token_surfaces(tokenizer, n)[:3]
