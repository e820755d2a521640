"""Contexts drawn from a split: at random, and the same ones again."""

import torch

from saetui.dark_matter import draw_contexts
from saetui.dark_matter.split import draw_tokens

CONTEXTS = torch.arange(100, 300)


def test_a_draw_is_spread_over_all_contexts() -> None:
    drawn = draw_contexts(CONTEXTS, 50, seed=1)
    assert len(torch.unique(drawn)) == 50
    assert torch.isin(drawn, CONTEXTS).all()
    assert torch.equal(drawn, drawn.sort().values)
    assert 180 < drawn.double().mean() < 220
    assert (drawn >= 250).any()


def test_the_seed_decides_and_more_include_fewer() -> None:
    few, many = draw_contexts(CONTEXTS, 10, seed=1), draw_contexts(CONTEXTS, 20, seed=1)
    assert torch.isin(few, many).all()
    assert not torch.equal(few, draw_contexts(CONTEXTS, 10, seed=2))


def test_there_are_no_more_than_there_are() -> None:
    assert torch.equal(draw_contexts(CONTEXTS, 1000), CONTEXTS)


def test_contexts_are_drawn_until_their_tokens_are_enough() -> None:
    contexts, lengths = torch.tensor([1, 3, 4, 6]), torch.tensor([99, 5, 99, 5, 5, 99, 5])
    assert len(draw_tokens(contexts, lengths, 10)) == 2
    assert len(draw_tokens(contexts, lengths, 11)) == 3
    assert draw_tokens(contexts, lengths, 1000).tolist() == contexts.tolist()
    assert len(draw_tokens(contexts, lengths, 1, least=3)) == 3
    few, more = draw_tokens(contexts, lengths, 10), draw_tokens(contexts, lengths, 15)
    assert set(few.tolist()) < set(more.tolist())
