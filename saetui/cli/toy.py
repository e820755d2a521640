"""``saetui toy absorption``: what feature absorption is, shown on SAEs that are trained while one reads."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from saetui.cli.toy_pictures import CHILD_BAR, PARENT_BAR, bar, cosine_maps, number, stacked_bar

if TYPE_CHECKING:
    from saetui.letters.toy_training import ToySAE, World

_WIDTH = 80
_BAR = 11
_COLUMN = 20
_WIDE_BAR = 20
_DELTAS = (0.0, 0.25, 0.5, 0.75, 1.0)
_MAGNITUDES = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)


def explain_absorption() -> int:
    """Train the three toys and print the page; takes some seconds."""
    width = min(_WIDTH, Console().width)
    page = _Page(Console(width=width, markup=True, highlight=False, emoji=False))
    page.opening()
    toys = _trained()
    page.world()
    page.independent(toys["independent"])
    page.hierarchical(toys["hierarchical"])
    page.reason()
    page.noisy(toys["noisy"])
    page.closing()
    return 0


def _trained() -> "dict[World, ToySAE]":
    with _progress("training three small SAEs") as report:
        from saetui.letters.toy_training import train_toys

        return train_toys(("independent", "hierarchical", "noisy"), progress=report)


@contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error that goes away, or one line where that is no terminal."""
    if not sys.stderr.isatty():
        Console(stderr=True, highlight=False).print(f"saetui: {title}")
        yield _unseen
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f} steps"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _unseen(_done: int, _total: int) -> None:
    """Progress where nobody watches."""


class _Page:
    """The explanation, one section per method."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def _heading(self, text: str) -> None:
        self._console.print(f"\n[bold]{text}[/bold]\n")

    def _say(self, text: str) -> None:
        self._console.print(text)

    def _show(self, picture: Text) -> None:
        self._console.print(Padding(picture, (1, 0, 1, 0)), no_wrap=True, overflow="crop", crop=True)

    def opening(self) -> None:
        self._console.print("\n[bold]Feature absorption, where everything is known[/bold]\n")
        self._say(
            "A sparse autoencoder (SAE) writes an activation of a language model as a sum of a few latents. One hopes "
            "that a latent stands for one thing, as in “this word starts with S”. Absorption is a way in which that "
            "fails, and neither the error of the reconstruction nor the number of latents shows it. Here are three "
            "small worlds in which one can see it happen."
        )

    def world(self) -> None:
        from saetui.letters.toy_training import FREQUENCIES

        parent, child, *_ = FREQUENCIES
        self._heading("1  A world of four features")
        self._say(
            "Every feature has a direction of its own in a space of 50 dimensions, and an input is the sum of the "
            f"features that are on: the [bold]parent[/bold] in {parent:.0%} of inputs, the [bold]child[/bold] and two "
            f"others in {child:.0%} each. An SAE with four latents learns to write these inputs. Its loss is the "
            "squared error plus a small penalty on whatever fires."
        )

    def independent(self, toy: "ToySAE") -> None:
        self._heading("2  Features that come and go by themselves")
        self._say("How each latent of the trained SAE lies to each feature, as cosines:")
        self._maps(toy)
        self._say("A latent for each feature, which reads it and writes it. This is what one hopes for.")

    def hierarchical(self, toy: "ToySAE") -> None:
        from saetui.letters.toy import CHILD, PARENT
        from saetui.letters.toy_training import FREQUENCIES

        self._heading("3  A child that never comes without its parent")
        self._say(
            "One thing changes: the child is on only where the parent is, as the word “short” (child) always starts "
            f"with S (parent). It is still on in {FREQUENCIES[CHILD]:.0%} of inputs. The same SAE, trained again:"
        )
        self._maps(toy)
        writes, reads = toy.decoder_cosines[CHILD], toy.encoder_cosines[PARENT]
        self._say(
            f"The child's latent now writes both, {number(float(writes[PARENT]))} parent and "
            f"{number(float(writes[CHILD]))} child. So the parent's latent must keep silent when the child is there, "
            f"and that is what it reads: {number(float(reads[PARENT]))} parent, {number(float(reads[CHILD]))} child, "
            "which is “the parent, [italic]but not with the child[/italic]”. What fires:"
        )
        self._fires(toy)
        missed = FREQUENCIES[CHILD] / FREQUENCIES[PARENT]
        self._say(
            "In the last row the parent is there and its latent says nothing: the child's latent has [bold]absorbed"
            "[/bold] it. What is written back is right, so the error shows nothing. But whoever takes the parent's "
            f"latent for a detector of the parent misses {missed:.0%} of the inputs that have it, and always the same "
            "ones."
        )

    def reason(self) -> None:
        from saetui.letters.toy import CHILD, PARENT, delta_cost, delta_sae
        from saetui.letters.toy_training import FREQUENCIES

        self._heading("4  Why training prefers it")
        self._say(
            "All SAEs between the two can be written down. Let the child's latent write a share δ of the parent too, "
            "and the parent's latent fire that much less beside the child. Every δ reconstructs perfectly. What the "
            "penalty asks for an input with both features is not the same:"
        )
        lines = [Text("     δ   parent's  child's  penalty", style="dim")]
        for delta in _DELTAS:
            sae = delta_sae(delta)
            latents = sae.encode(sae.W_dec.new_ones(1, 2))[0] * sae.W_dec.norm(dim=1)
            parent, child = latents.tolist()
            line = Text(f"  {delta:.2f}  {number(parent):>8} {number(child):>8} {parent + child:>8.2f}  ")
            lines.append(line.append_text(stacked_bar(parent, child, _WIDE_BAR)))
        lines.append(_legend())
        self._show(Text("\n").join(lines))
        p_both, p_parent = FREQUENCIES[CHILD], FREQUENCIES[PARENT] - FREQUENCIES[CHILD]
        before, after = (delta_cost(delta, p_both, p_parent) for delta in (0.0, 1.0))
        self._say(
            "A latent counts by the length of what it writes. One long arrow is shorter than two that make a corner, "
            "so the penalty falls all the way to δ = 1, and nothing in the loss pulls back. Over all inputs it falls "
            f"from {before.norm_weighted:.3f} to {after.norm_weighted:.3f}; the plain sum of latents that other SAEs "
            f"use, from {before.l1:.3f} to {after.l1:.3f}. A sparser SAE is pulled harder, and a wider one has more "
            "latents to give to children: both absorb more."
        )

    def noisy(self, toy: "ToySAE") -> None:
        from saetui.letters.toy import CHILD, PARENT
        from saetui.letters.toy_training import MAGNITUDE_NOISE

        self._heading("5  A parent that is not always equally strong")
        self._say(
            f"Real features vary. Let the parent's magnitude vary around 1 (standard deviation {MAGNITUDE_NOISE}). The "
            "child's latent cannot know how much of the parent to write:"
        )
        self._maps(toy)
        self._say("So it writes less than all of it, and leaves the rest to the parent's latent. With the child on:")
        lines = [_header("  parent is", 14)]
        for magnitude in _MAGNITUDES:
            latents = toy.latents(toy.directions.new_tensor([[magnitude, 1, 0, 0]]))[0].tolist()
            line = Text(f"  {magnitude:>9.2f}   ").append_text(_amount(latents[PARENT], PARENT_BAR))
            lines.append(line.append_text(_amount(latents[CHILD], CHILD_BAR)))
        self._show(Text("\n").join(lines))
        self._say(
            "Absorption is [bold]partial[/bold]: beside the child the parent's latent whispers, and where the parent "
            "is weak it says nothing. How strongly it fires no longer tells how much of the parent there is."
        )

    def closing(self) -> None:
        self._heading("In a language model")
        self._say(
            "There nobody knows the features, so saetui asks from outside. A linear probe tells which words start with "
            "a letter. The latents that tell it too are the letter's main latents. Where the probe is right and every "
            "main latent is silent, it removes one latent after another and watches the model's answer: the latent "
            "that takes the letter along is the absorber.\n"
        )
        self._say("  [bold]saetui demo[/bold]    does so on a small model, and shows what absorbed what")
        self._say("  2409.14507     the paper on arXiv: A is for Absorption\n")

    def _maps(self, toy: "ToySAE") -> None:
        from saetui.letters.toy_training import FEATURES

        self._show(cosine_maps(toy.encoder_cosines.tolist(), toy.decoder_cosines.tolist(), FEATURES))

    def _fires(self, toy: "ToySAE") -> None:
        from saetui.letters.toy import CHILD, PARENT

        lines = [_header("  what is on", 20).append("writes parent  child", "dim")]
        inputs = {"nothing": [0.0, 0, 0, 0], "parent": [1.0, 0, 0, 0], "parent and child": [1.0, 1, 0, 0]}
        for name, features in inputs.items():
            row = toy.directions.new_tensor([features])
            latents, written = toy.latents(row)[0].tolist(), toy.written(row)[0].tolist()
            line = Text(f"  {name:<18}").append_text(_amount(latents[PARENT], PARENT_BAR))
            line.append_text(_amount(latents[CHILD], CHILD_BAR))
            lines.append(line.append(f"{number(written[PARENT]):>13} {number(written[CHILD]):>6}"))
        self._show(Text("\n").join(lines))


def _header(first: str, width: int) -> Text:
    latents = "".join(name.ljust(_COLUMN) for name in ("parent's latent", "child's latent"))
    return Text(first.ljust(width) + latents, style="dim")


def _amount(value: float, look: tuple[str, str]) -> Text:
    """A number and its bar, in a column of a fixed width; the longest bar is √2."""
    drawn = bar(min(_COLUMN - 7, round(value * _BAR / 2**0.5)), look)
    text = Text(f"{number(value):<5}").append_text(drawn)
    return text.append(" " * (_COLUMN - len(text)))


def _legend() -> Text:
    line = Text(" " * 37).append(PARENT_BAR[0], PARENT_BAR[1]).append(" parent's latent  ", "dim")
    return line.append(CHILD_BAR[0], CHILD_BAR[1]).append(" child's latent", "dim")
