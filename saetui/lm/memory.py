"""Memory of a device: how much there is, how many contexts go into a pass, and what happens where it is too little."""

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

from saetui import device_errors
from saetui.lm.exceptions import ModelError
from saetui.lm.language_model import LanguageModel

T = TypeVar("T")

# Of a CPU's memory, which other programs share, this much is taken at once.
_CPU_BYTES = 1 << 30
# Of a GPU's free memory a pass may fill this part: there are other tensors, and gaps.
_GPU_SHARE = 4
# Logits in the model's format and as float32, and what a softmax makes of these.
_BYTES_PER_LOGIT = 12
_GIB = 1 << 30
_LOG = logging.getLogger(__name__)


def free_memory(device: torch.device) -> int:
    """Bytes that may be taken: of a GPU those that nobody has and those that torch keeps for what comes next."""
    if device.type != "cuda":
        return _CPU_BYTES
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def available_memory() -> int:
    """Bytes of the machine's memory that programs can get without others being swapped out."""
    import psutil

    return int(psutil.virtual_memory().available)


def contexts_at_once(model: LanguageModel, length: int, most: int) -> int:
    """How many contexts of a length, at most ``most``, a pass can take whose logits at all positions are kept."""
    free = free_memory(model.device)
    budget = free // _GPU_SHARE if model.device.type == "cuda" else free
    return max(1, min(most, budget // _logit_bytes(model, length)))


def in_batches(model: LanguageModel, length: int, n: int, size: int, work: Callable[[slice], T]) -> Iterator[T]:
    """What ``work`` gives for one slice of ``n`` contexts after another, whose logits it keeps: ``halving``.

    Raises:
        ModelError: there is not even memory for one; it names what one needs, and what there is.
    """
    needs = (
        f"its logits over {model.vocabulary_size:,} tokens alone need some {_logit_bytes(model, length) / _GIB:.2f} GiB"
    )
    return halving(model.device, n, size, work, thing="context", length=length, needs=needs)


def halving(
    device: torch.device, n: int, size: int, work: Callable[[slice], T], *, thing: str, length: int, needs: str
) -> Iterator[T]:
    """What ``work`` gives for one slice of ``n`` things after another, ``size`` of them at once while memory lasts.

    Where it does not, half as many are tried, which the log says. A thing is of ``length`` tokens.

    Raises:
        ModelError: there is not even memory for one; it says what one ``needs``, and what there is.
    """
    start = 0
    while start < n:
        try:
            found = work(slice(start, min(n, start + size)))
        except Exception as error:
            if device_errors.kind_of(error) != "memory":
                raise
            taken = min(size, n - start)
            if taken == 1:
                raise ModelError(_too_little(device, thing, length, needs)) from error
            size = taken // 2
        else:
            yield found
            start += size
            continue
        # Outside of the handler, whose error keeps the tensors of the failed pass.
        if device.type == "cuda":
            torch.cuda.empty_cache()
        _LOG.warning("memory ran out with %d %ss at once; going on with %d", taken, thing, size)


def _logit_bytes(model: LanguageModel, length: int) -> int:
    return _BYTES_PER_LOGIT * length * model.vocabulary_size


def _too_little(device: torch.device, thing: str, length: int, needs: str) -> str:
    there = f", of which {free_memory(device) / _GIB:.2f} GiB are free" if device.type == "cuda" else ""
    return (
        f"One {thing} of {length:,} tokens does not fit into the memory of {device}{there}: {needs}. Use shorter "
        "contexts, a model in bfloat16, or another device"
    )
