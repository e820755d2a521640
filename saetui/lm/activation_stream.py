"""The activations that a training job reads: kept where they fit, on the GPU or beside it, else harvested again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.lm.harvesting import harvest
from saetui.lm.language_model import LanguageModel
from saetui.lm.memory import available_memory, free_memory
from saetui.lm.tokens import TokenizedCorpus

_CHUNK_TOKENS = 1 << 14
# Of a GPU's free memory this share may be filled, and of the machine's: others live there too.
_GPU_SHARE, _CPU_SHARE = 0.8, 0.5
_GIB = 1 << 30
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Placement:
    """Where activations are while SAEs are trained on them."""

    device: torch.device
    """Of all of them where they are kept, else of the buffer."""
    kept: bool
    """Whether they are read out of the model only once."""
    buffer_tokens: int
    """Tokens among which those of a batch are drawn."""
    text: str
    """The choice and its numbers, for a log."""


def place(n_tokens: int, width: int, device: torch.device, *, buffer_tokens: int, reserved: int = 0) -> Placement:
    """Where ``n_tokens`` activations of a width go, float32, for training on a device.

    On a GPU that has room beside ``reserved`` bytes for the SAEs; else into the machine's memory; else only a buffer of
    them, by the same order. Only where not even the buffer fits is it made smaller, which changes the order of tokens.
    """
    size, wanted = 4 * n_tokens * width, min(buffer_tokens, n_tokens)
    what = f"activations of {n_tokens:,} tokens x {width:,} numbers, {size / _GIB:.2f} GiB,"
    available = available_memory()
    in_memory = f"this machine's memory ({available / _GIB:.1f} GiB are available)"
    ahead = f"; batches go to {device} ahead of their steps" if device.type != "cpu" else ""
    on_gpu, room = "", 0
    if device.type != "cpu":
        free = free_memory(device)
        room = int(_GPU_SHARE * free) - reserved
        on_gpu = f"{device} ({free / _GIB:.1f} GiB are free, {reserved / _GIB:.1f} of them for the SAEs)"
        if size <= room:
            return Placement(device, kept=True, buffer_tokens=wanted, text=f"{what} stay on {on_gpu}")
    if size <= _CPU_SHARE * available:
        return Placement(_CPU, kept=True, buffer_tokens=wanted, text=f"{what} stay in {in_memory}{ahead}")
    again = f"{what} are read out of the model again in each epoch, through a buffer of"
    if 4 * wanted * width <= room:
        buffered = f"{again} {wanted:,} tokens on {on_gpu}"
        return Placement(device, kept=False, buffer_tokens=wanted, text=buffered)
    fitting = wanted
    while 4 * fitting * width > _CPU_SHARE * available and fitting > _CHUNK_TOKENS:
        fitting //= 2
    smaller = f", for lack of memory instead of {wanted:,}" if fitting < wanted else ""
    buffered = f"{again} {fitting:,} tokens{smaller} in {in_memory}{ahead}"
    return Placement(_CPU, kept=False, buffer_tokens=fitting, text=buffered)


class ActivationStream:
    """Activations of a corpus at one hook point, in reading order, float32."""

    def __init__(
        self,
        model: LanguageModel,
        corpus: TokenizedCorpus,
        hook_name: str,
        placement: Placement,
        *,
        batch_size: int | None = None,
    ) -> None:
        self.n_tokens = corpus.n_tokens
        self.placement = placement
        self._model, self._corpus = model, corpus
        self._hook_name, self._batch_size = hook_name, batch_size
        self._kept: Tensor | None = None

    def load(self, progress: Callable[[int, int], None]) -> None:
        """Read everything to where it is kept, if it is; ``progress`` gets the tokens read and their total."""
        if not self.placement.kept:
            return
        width = self._model.site(self._hook_name).width
        kept = torch.empty(self.n_tokens, width, device=self.placement.device)
        done = 0
        for chunk in self._read():
            kept[done : done + len(chunk)] = chunk
            done += len(chunk)
            progress(done, self.n_tokens)
        self._kept = kept

    def epoch(self) -> Iterator[Float[Tensor, "n d"]]:
        """All activations once."""
        return iter(torch.split(self._kept, _CHUNK_TOKENS)) if self._kept is not None else self._read()

    def epochs(self) -> Iterator[Float[Tensor, "n d"]]:
        """All activations again and again, where the buffer is to be."""
        while True:
            for chunk in self.epoch():
                yield chunk.to(self.placement.device)

    def row_epochs(self) -> Iterator[Int[Tensor, " n"]]:
        """The numbers of all tokens, again and again."""
        while True:
            yield from torch.split(torch.arange(self.n_tokens), _CHUNK_TOKENS)

    def rows(self, rows: Int[Tensor, " n"]) -> Float[Tensor, "n d"]:
        """Some of the activations that are kept; ``rows`` are on the CPU."""
        assert self._kept is not None, "load() comes first"
        if self._kept.device.type == "cpu":
            return self._kept[rows]
        return self._kept[rows.pin_memory().to(self._kept.device, non_blocking=True)]

    def _read(self) -> Iterator[Float[Tensor, "n d"]]:
        for batch in harvest(self._model, self._corpus, self._hook_name, batch_size=self._batch_size):
            yield batch.activations[self._hook_name]
