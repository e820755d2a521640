"""The pretended GPU refuses and counts what a real one would."""

import copy
import gc
from collections.abc import Callable, Iterator

import pytest
import torch

from tests.pretended_cuda import Machine, PretendedTensor, counts_waits

GPU = "cuda:0"
pytestmark = counts_waits


@pytest.fixture
def gpu() -> Iterator[Machine]:
    with Machine(1 << 20).on() as machine:
        yield machine


def test_values_are_those_of_the_cpu(gpu: Machine) -> None:
    a, b = torch.randn(5, 4), torch.randn(4, 3)
    found = (a.to(GPU) @ b.to(GPU)).relu()
    assert found.device == torch.device(GPU)
    assert found.is_cuda
    assert torch.equal(found.cpu(), (a @ b).relu())
    found[1:].mul_(2)
    found += 1
    assert found.tolist() == ((a @ b).relu() * torch.tensor([1, 2, 2, 2, 2])[:, None] + 1).tolist()
    assert torch.tensor([1, 2], device=GPU).tolist() == [1, 2]


def test_gradients_and_optimisers_stay_on_the_gpu(gpu: Machine) -> None:
    layer = torch.nn.Linear(4, 2).to(GPU)
    twin = copy.deepcopy(layer).cpu()
    x = torch.randn(6, 4)
    for module, rows in ((layer, x.to(GPU)), (twin, x)):
        module(rows).square().sum().backward()
        torch.optim.Adam(module.parameters(), fused=True).step()
    assert layer.weight.grad is not None
    assert layer.weight.grad.device == layer.weight.device == torch.device(GPU)
    torch.testing.assert_close(layer.weight.detach().cpu(), twin.weight.detach())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda x: x + torch.zeros(3, 4), "Expected all tensors to be on the same device"),
        (lambda x: torch.zeros(3)[x[:, 0].long()], "Expected all tensors to be on the same device"),
        (lambda x: torch.zeros(3, 4).add_(x), "Expected all tensors to be on the same device"),
        (lambda x: torch.cat([x, torch.zeros(1, 4)]), "Expected all tensors to be on the same device"),
        (lambda x: x.numpy(), "can't convert cuda:0 device type tensor to numpy"),
        (lambda x: torch.randn(3, device=GPU, generator=torch.Generator()), "a generator on cpu"),
        (lambda x: x.long() @ x.long().T, '"mm_cuda" not implemented for torch.int64'),
        (lambda x: copy.copy(x), "pickled"),
        (lambda x: torch.zeros(1 << 19, device=GPU), "CUDA out of memory"),
    ],
)
def test_what_cuda_refuses_is_refused(gpu: Machine, wrong: Callable[[torch.Tensor], object], said: str) -> None:
    x = torch.ones(3, 4, device=GPU)
    with pytest.raises((RuntimeError, TypeError), match=said):
        wrong(x)


@pytest.mark.parametrize(
    ("what", "does"),
    [
        ("item", lambda x: float(x.sum())),
        ("copy to the CPU", lambda x: x.cpu()),
        ("copy to the CPU", lambda x: x.tolist()),
        ("copy to the GPU", lambda x: torch.zeros(3, 4).to(GPU)),
        ("copy to the GPU", lambda x: torch.zeros(1 << 15).to(GPU, non_blocking=True)),
        ("nonzero", lambda x: x.nonzero()),
        ("boolean index", lambda x: x[x > 0]),
        ("bincount", lambda x: torch.bincount(x[:, 0].long())),
        ("index from the CPU", lambda x: x[torch.tensor([0, 1])]),
        ("repeat_interleave", lambda x: torch.repeat_interleave(x, torch.tensor([1, 2, 1], device=GPU), dim=0)),
        (None, lambda x: (x * 2).sum(0).topk(2)),
        (None, lambda x: torch.zeros(1 << 15).pin_memory().to(GPU, non_blocking=True)),
        (None, lambda x: torch.zeros(8).to(GPU, non_blocking=True)),
        (None, lambda x: torch.where(x > 0, x, 0.0).masked_fill_(x > 0, 1.0)),
    ],
)
def test_waits_are_counted_by_kind(gpu: Machine, what: str | None, does: Callable[[torch.Tensor], object]) -> None:
    x = torch.ones(3, 4, device=GPU)
    index_made = gpu.waits.n_waits
    does(x)
    kinds = {kind for kind, _ in gpu.waits.waits}
    assert (what in kinds) if what else gpu.waits.n_waits == index_made


def test_sums_without_an_order_are_noted_where_places_are_hit_twice(gpu: Machine) -> None:
    totals, rows = torch.zeros(4, device=GPU), torch.ones(3, device=GPU)
    totals.index_add_(0, torch.tensor([0, 2, 3], device=GPU), rows)
    totals.scatter_add_(0, torch.tensor([1, 2, 3], device=GPU), rows)
    totals.long().scatter_add_(0, torch.tensor([1, 1, 3], device=GPU), rows.long())
    assert not gpu.waits.unordered
    totals.index_add_(0, torch.tensor([0, 3, 3], device=GPU), rows)
    totals.scatter_add_(0, torch.tensor([1, 3, 3], device=GPU), rows)
    assert gpu.waits.unordered.total() == 2


def test_operators_without_a_kernel_and_products_in_float64_are_noted(gpu: Machine) -> None:
    x = torch.ones(4, 4, device=GPU, dtype=torch.float64)
    x @ x
    torch.histogram(x.float()[0], 4)
    assert gpu.waits.float64_products.total() == 1
    assert [kind for kind, _ in gpu.waits.without_kernel] == ["histogram"]


def test_memory_is_given_back_with_the_last_tensor(gpu: Machine) -> None:
    x = torch.zeros(1000, device=GPU)
    part = x[10:20]
    del x
    gc.collect()
    assert gpu.allocated == 4000
    free, total = torch.cuda.mem_get_info(0)
    assert total - free == torch.cuda.memory_allocated(0) == 4000
    assert part.sum().item() == 0
    del part
    gc.collect()
    assert gpu.allocated == 0
    assert gpu.peak >= 4000


def test_a_stream_must_wait_for_another_ones_results(gpu: Machine) -> None:
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        sent = torch.ones(100).pin_memory().to(GPU, non_blocking=True)
    with pytest.raises(RuntimeError, match="has not waited for the one that writes it"):
        sent + 1
    torch.cuda.current_stream().wait_stream(side)
    assert (sent + 1).sum().item() == 200


def test_memory_is_not_overwritten_while_another_stream_reads_it(gpu: Machine) -> None:
    side = torch.cuda.Stream()
    pinned = torch.ones(100).pin_memory()
    x = torch.ones(10, device=GPU)
    with torch.cuda.stream(side):
        side.wait_stream(torch.cuda.default_stream())
        pinned.to(GPU, non_blocking=True)
        x.sum()
        read = side.record_event()
    with pytest.raises(RuntimeError, match="while another stream may still read it"):
        pinned.zero_()
    with pytest.raises(RuntimeError, match="while another stream may still read it"):
        x.zero_()
    read.synchronize()
    pinned.zero_()
    torch.cuda.current_stream().wait_event(read)
    x.zero_()


def test_nothing_is_left_when_the_machine_is_off() -> None:
    before = torch.cuda.is_available()
    with Machine().on():
        assert torch.cuda.is_available()
        x = torch.ones(2, device=GPU)
        assert isinstance(x, PretendedTensor)
    assert torch.cuda.is_available() == before
    with pytest.raises(RuntimeError, match="after the GPU is gone"):
        x + 1
