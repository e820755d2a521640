from saetui.lm.surfaces import token_surfaces


class Tokenizer:
    pieces = ("▁the", "Ġcat", "Ã", None)
    texts = ("the", " cat", "�", "")

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str | None]:
        return [self.pieces[i] for i in ids]

    def batch_decode(self, sequences: list[list[int]], *, clean_up_tokenization_spaces: bool) -> list[str]:
        assert not clean_up_tokenization_spaces
        return [self.texts[i] for (i,) in sequences]


def test_leading_space_is_kept_and_odd_tokens_are_shown_raw() -> None:
    assert token_surfaces(Tokenizer(), 4) == [" the", " cat", "Ã", "<3>"]
