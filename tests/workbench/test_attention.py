"""One cursor of attention, and the way back through it."""

from saetui.workbench.attention import Attention, History, Place


def place(letter: str) -> Place:
    return Place("letters", Attention(letter=letter))


def test_another_sae_drops_the_latent() -> None:
    attention = Attention(sae="a", latent=412, letter="s")
    assert attention.with_changes(sae="b") == Attention(sae="b", letter="s")
    assert attention.with_changes(sae="a").latent == 412
    assert attention.with_changes(sae="b", latent=7).latent == 7


def test_history_walks_back_and_forward_like_a_browser() -> None:
    history = History()
    for letter in "abc":
        history.visit(place(letter))
    assert history.step(-1) == place("b")
    assert history.step(-1) == place("a")
    assert history.step(-1) is None
    assert history.step(1) == place("b")
    history.visit(place("z"))
    assert history.step(1) is None
    assert [p.attention.letter for p in history.places] == ["a", "b", "z"]


def test_moving_a_cursor_adds_no_step() -> None:
    history = History()
    history.visit(place("a"))
    history.visit(place("b"))
    for letter in "cde":
        history.visit(place(letter), replace_current=True)
    assert [p.attention.letter for p in history.places] == ["a", "e"]


def test_the_same_place_twice_is_one_step() -> None:
    history = History()
    history.visit(place("a"))
    history.visit(place("a"))
    assert len(history.places) == 1
