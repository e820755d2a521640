"""Where activations go for training, and that their order does not depend on it."""

from collections.abc import Callable, Iterator
from itertools import islice

import pytest
import torch
from torch import Tensor

from saetui.lm import LanguageModel, TokenizedCorpus, activation_stream
from saetui.lm.activation_stream import ActivationStream, Placement, place
from saetui.sae.training.buffer import sent_ahead, shuffled_batches
from tests.pretended_cuda import gpu_on

HOOK = "blocks.1.hook_resid_post"
GIB = 1 << 30
CPU, GPU = torch.device("cpu"), torch.device("cuda:0")


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, float], None]:
    """Sets what is free on the GPU, and available beside it, in GiB."""

    def of(gpu: float, machine: float) -> None:
        monkeypatch.setattr(activation_stream, "free_memory", lambda device: int(gpu * GIB))
        monkeypatch.setattr(activation_stream, "available_memory", lambda: int(machine * GIB))

    return of


@pytest.mark.parametrize(
    ("gpu", "machine", "device", "kept", "buffer"),
    [
        (80, 64, GPU, True, 1 << 20),  # 16 GiB of activations beside 8 GiB for the SAEs
        (20, 64, CPU, True, 1 << 20),
        (20, 12, GPU, False, 1 << 20),  # a buffer of 4 GiB
        (12, 12, CPU, False, 1 << 20),
        (12, 6, CPU, False, 1 << 19),
    ],
)
def test_activations_go_where_there_is_room(
    memory: Callable[[float, float], None], gpu: float, machine: float, device: torch.device, kept: bool, buffer: int
) -> None:
    memory(gpu, machine)
    placement = place(4 << 20, 1024, GPU, buffer_tokens=1 << 20, reserved=8 * GIB)
    assert (placement.device, placement.kept, placement.buffer_tokens) == (device, kept, buffer)
    assert "4,194,304 tokens x 1,024 numbers, 16.00 GiB" in placement.text
    assert f"{gpu:.1f} GiB are free" in placement.text or f"{machine:.1f} GiB are available" in placement.text
    assert ("lack of memory" in placement.text) == (buffer < 1 << 20)


def test_on_a_cpu_nothing_goes_elsewhere(memory: Callable[[float, float], None]) -> None:
    memory(80, 64)
    placement = place(4 << 20, 1024, CPU, buffer_tokens=1 << 20)
    assert (placement.device, placement.kept) == (CPU, True)
    assert "cuda" not in placement.text


@pytest.fixture
def corpus() -> TokenizedCorpus:
    token_ids = torch.randint(4, 30, (12, 8), generator=torch.Generator().manual_seed(0))
    every = torch.ones_like(token_ids, dtype=torch.bool)
    return TokenizedCorpus("id", "made up", "here", token_ids, every, torch.full((12,), 8), token_hash="")


def drawn(model: LanguageModel, corpus: TokenizedCorpus, kept: bool, buffer: int) -> list[Tensor]:
    """The first ten batches."""
    stream = ActivationStream(model, corpus, HOOK, Placement(CPU, kept, buffer, ""), batch_size=5)
    stream.load(lambda *_: None)
    if kept:
        batches: Iterator[Tensor] = map(stream.rows, shuffled_batches(stream.row_epochs(), 16, buffer_tokens=buffer))
    else:
        batches = shuffled_batches(stream.epochs(), 16, buffer_tokens=buffer)
    return list(islice(batches, 10))


@pytest.mark.parametrize("buffer", [40, 96])
def test_the_order_is_the_same_kept_and_not(gpt2: LanguageModel, corpus: TokenizedCorpus, buffer: int) -> None:
    kept, read_again = (drawn(gpt2, corpus, kept, buffer) for kept in (True, False))
    for a, b in zip(kept, read_again, strict=True):
        torch.testing.assert_close(a, b)


def test_batches_are_sent_ahead_without_a_wait_and_without_a_race() -> None:
    batches = [torch.randn(300, 64, generator=torch.Generator().manual_seed(i)) for i in range(6)]
    with gpu_on() as gpu:
        found = []
        for sent in sent_ahead(iter(batches), GPU):
            assert sent.device == GPU
            found.append(sent * 2)
        assert gpu.waits.n_waits == 0
        results = [values.cpu() for values in found]
    assert all(torch.equal(a, 2 * b) for a, b in zip(results, batches, strict=True))


def test_rows_of_kept_activations_come_without_a_wait() -> None:
    with gpu_on() as gpu:
        stream = object.__new__(ActivationStream)
        stream._kept = torch.arange(60.0).view(20, 3).to(GPU)
        before = gpu.waits.n_waits
        found = stream.rows(torch.tensor([4, 2]))
        assert gpu.waits.n_waits == before
        assert found.tolist() == [[12.0, 13.0, 14.0], [6.0, 7.0, 8.0]]
