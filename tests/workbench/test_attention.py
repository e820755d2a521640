"""One cursor of attention, and the way back through it."""

from saetui.workbench.attention import Attention, History, Looking, Place


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


def test_looking_is_for_one_screen_and_choosing_for_all() -> None:
    looking = Looking()
    looking.choose("letters", letter="s", latent=18)
    looking.look("hard_tokens", token=" tall", letter="t", context=3, position=7)
    assert looking.on("letters") == looking.on("absorption") == Attention(letter="s", latent=18)
    seen = looking.on("hard_tokens")
    assert (seen.letter, seen.token, seen.context, seen.position) == ("t", " tall", 3, 7)
    looking.choose("hard_tokens", token=" tall", letter="t", context=3, position=7)
    assert looking.on("letters").letter == looking.on("absorption").letter == "t"


def test_choosing_takes_along_what_the_screen_looks_at_and_ends_all_looking() -> None:
    looking = Looking()
    looking.look("letters", letter="c")
    looking.look("absorption", letter="d")
    looking.choose("letters", latent=5)
    assert looking.on("absorption") == looking.on("letters") == Attention(letter="c", latent=5)


def test_a_setting_is_for_all_screens_and_chooses_nothing() -> None:
    looking = Looking()
    looking.look("hard_tokens", token=" tall", letter="t", context=3, position=7)
    looking.choose("hard_tokens", order="worse", context=None, position=None)
    assert looking.on("letters") == Attention(order="worse")
    assert looking.on("hard_tokens") == Attention(order="worse", token=" tall", letter="t")


def test_going_back_restores_what_was_looked_at_and_what_was_chosen() -> None:
    looking = Looking()
    looking.choose("letters", letter="s")
    looking.look("letters", letter="c")
    left = Place("letters", looking.on("letters"), looking.chosen)
    looking.choose("letters", letter="z")
    looking.restore(left)
    assert (looking.on("letters").letter, looking.on("absorption").letter) == ("c", "s")
