"""What CUDA refuses, what it waits for, and what it does in no fixed order; asked before an operator is run."""

import functools
from pathlib import Path
from typing import Any

import torch
import yaml  # type: ignore[import-untyped]
from torch import Tensor

from .tensors import PretendedTensor, as_device, is_gpu, values
from .waits import Waits, line_of_ours

aten = torch.ops.aten

_MOVES = {aten._to_copy.default, aten.copy_.default, aten.copy.default}
_ANY_DEVICE = _MOVES | {aten._local_scalar_dense.default, aten.lift_fresh.default, aten.detach.default}
_INDEXING = {"index", "_unsafe_index", "index_put", "_index_put_impl", "_unsafe_index_put"}
_PRODUCTS = {"mm", "addmm", "bmm", "baddbmm", "mv", "addmv", "dot", "vdot", "addr", "linear"}
_DECOMPOSITIONS = {"linalg_cholesky_ex", "_linalg_svd", "_linalg_eigh", "_linalg_solve_ex", "linalg_lu_factor_ex",
                   "linalg_qr", "linalg_lstsq", "linalg_inv_ex"}  # fmt: skip
# These take not even a number from the other side.
_ONE_DEVICE = _PRODUCTS | {"gather", "scatter", "scatter_add", "index_select", "index_add", "index_copy", "embedding",
                           "cat", "stack", "equal", "_embedding_bag"}  # fmt: skip
# Their results have a size that only the GPU knows, or are read by the host.
_WAITING = {"nonzero", "_unique", "_unique2", "unique_consecutive", "unique_dim", "bincount", "masked_select", "equal",
            "_linalg_check_errors", "_linalg_svd", "_linalg_eigh", "linalg_lstsq", "is_nonzero", "_to_sparse",
            "_coalesce"}  # fmt: skip
_UNORDERED = {"index_add", "scatter_add", "scatter_reduce", "bincount", "histc", "embedding_dense_backward",
              "_embedding_bag_dense_backward", "put"}  # fmt: skip
# A copy of so much from ordinary memory is taken along with the command; a larger one waits for the stream.
_INLINE_BYTES = 1 << 16


def tensors_of(args: Any, kwargs: Any) -> list[Tensor]:
    """The tensors among the arguments of an operator, also those in lists of them."""
    found: list[Tensor] = []
    for x in (*args, *kwargs.values()) if kwargs else args:
        if isinstance(x, Tensor):
            found.append(x)
        elif isinstance(x, (list, tuple)):
            found += [y for y in x if isinstance(y, Tensor)]
    return found


def result_device(func: Any, args: Any, kwargs: Any, moving_to: torch.device | None) -> torch.device | None:
    """Where the result of an operator lies; None is the CPU."""
    if func is aten.copy_.default:
        return args[0].device if isinstance(args[0], PretendedTensor) else None
    gpus = [t.gpu for t in tensors_of(args, kwargs) if isinstance(t, PretendedTensor)]
    wanted = as_device(kwargs.get("device"))
    if wanted is not None and wanted.type == "cuda":
        return wanted
    if func in _MOVES and wanted is not None and moving_to == wanted:
        return None
    # "cpu" among the options is what C++ takes a pretended tensor for, unless somebody asked for it.
    return gpus[0] if gpus else None


def refuse(func: Any, args: Any, kwargs: Any, device: torch.device | None) -> None:
    """Raise RuntimeError, as CUDA would: mixed devices, generators, products of integers."""
    name = func._schema.name
    short = name.split("::")[1].removesuffix("_")
    tensors = tensors_of(args, kwargs)
    on_gpu = [t for t in tensors if isinstance(t, PretendedTensor)]
    generator = kwargs.get("generator")
    if generator is not None and is_gpu(device) != (generator.device.type == "cuda"):
        raise RuntimeError(f"{name}: a generator on {generator.device} for a tensor on {device} ({line_of_ours()})")
    if not on_gpu or func in _ANY_DEVICE:
        return
    if len({t.gpu for t in on_gpu}) > 1:
        raise RuntimeError(f"{name}: tensors on {sorted(str(t.gpu) for t in on_gpu)} ({line_of_ours()})")
    if short in _INDEXING:
        strangers = [] if isinstance(args[0], PretendedTensor) else [args[0]]
        if len(args) > 2 and isinstance(args[2], Tensor) and not isinstance(args[2], PretendedTensor):
            strangers += [args[2]] if args[2].numel() != 1 else []
    else:
        # In a backward pass C++ adds zeros of its own, which are on the CPU because it takes all this for the CPU.
        backward = torch._C._current_graph_task_id() != -1
        strangers = [
            t
            for t in tensors
            if not isinstance(t, PretendedTensor) and not backward and (t.dim() or short in _ONE_DEVICE)
        ]
        if func._schema.is_mutable and isinstance(args[0], Tensor) and not isinstance(args[0], PretendedTensor):
            strangers.append(args[0])
    if strangers:
        shapes = [(str(t.device), tuple(t.shape)) for t in tensors]
        raise RuntimeError(
            f"{name}: Expected all tensors to be on the same device, but found {shapes} ({line_of_ours()})"
        )
    if short in _PRODUCTS and not any(t.is_floating_point() or t.is_complex() for t in on_gpu):
        raise RuntimeError(f'"{short}_cuda" not implemented for {on_gpu[0].dtype} ({line_of_ours()})')


def count(waits: Waits, func: Any, args: Any, kwargs: Any, device: torch.device | None) -> bool:
    """Note what the operator costs; whether the host waits for the GPU's stream until it is done."""
    name = func._schema.name
    short = name.split("::")[1].removesuffix("_")
    tensors = tensors_of(args, kwargs)
    on_gpu = [t for t in tensors if isinstance(t, PretendedTensor)]
    if func in _MOVES:
        return _count_copy(waits, func, args, kwargs, device)
    if not on_gpu:
        return False
    waits.operators += 1
    full = name + ("" if func._overloadname in ("default", "") else f".{func._overloadname}")
    if full in _cpu_only() and not full.endswith("_for_cpu"):
        waits.without_kernel[short, line_of_ours()] += 1
    if short in _PRODUCTS | _DECOMPOSITIONS and any(t.dtype == torch.float64 for t in on_gpu):
        waits.float64_products[short, line_of_ours()] += 1
    if _is_unordered(short, args, kwargs):
        waits.unordered[short, line_of_ours()] += 1
    what = short if short in _WAITING else None
    if func is aten._local_scalar_dense.default:
        what = "item"
    elif short in _INDEXING and any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1]):
        what = "boolean index"
    elif short in _INDEXING and any(i is not None and not isinstance(i, PretendedTensor) for i in args[1]):
        what = "index from the CPU"
    elif short == "repeat_interleave" and kwargs.get("output_size") is None:
        what = "repeat_interleave"
    if what is None:
        return False
    waits.wait(what)
    return True


def _is_unordered(short: str, args: Any, kwargs: Any) -> bool:
    """Whether floats are summed into one place by several threads, in an order that differs between runs."""
    if short in ("index_put", "_index_put_impl"):
        return bool(kwargs.get("accumulate") or (len(args) > 3 and args[3])) and args[0].is_floating_point()
    if short not in _UNORDERED or not args[0].is_floating_point():
        return False
    if short == "scatter_reduce" and args[4] != "sum":
        return False
    if short == "index_add":
        index = values(args[2])
        return len(index.unique()) < len(index)
    if short == "scatter_add":
        dim, index = args[1], values(args[2])
        ordered = index.sort(dim).values
        return bool(
            (
                ordered.narrow(dim, 1, max(0, ordered.shape[dim] - 1))
                == ordered.narrow(dim, 0, max(0, ordered.shape[dim] - 1))
            ).any()
        )
    return True


def _count_copy(waits: Waits, func: Any, args: Any, kwargs: Any, device: torch.device | None) -> bool:
    to_gpu = is_gpu(device)
    source = args[1] if func is not aten._to_copy.default else args[0]
    from_gpu = isinstance(source, PretendedTensor)
    if to_gpu == from_gpu:
        return False
    waits.operators += 1
    non_blocking = kwargs.get("non_blocking", len(args) > 2 and bool(args[2]) and func is aten.copy_.default)
    host = source if to_gpu else args[0]
    pinned = host.is_pinned() if to_gpu or func is aten.copy_.default else False
    small = to_gpu and source.numel() * source.element_size() <= _INLINE_BYTES
    if non_blocking and (pinned or small):
        return False
    waits.wait("copy to the GPU" if to_gpu else "copy to the CPU")
    return True


@functools.cache
def _cpu_only() -> frozenset[str]:
    """Operators that torch has for the CPU and not for CUDA."""
    import torchgen  # type: ignore[import-untyped]

    path = Path(torchgen.__file__).parent / "packaged/ATen/native/native_functions.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    names = set()
    for entry in yaml.load(path.read_text(), loader):
        keys = {key.strip() for keys in entry.get("dispatch", {}) for key in keys.split(",")}
        anywhere = any(key == "CUDA" or key.startswith("Composite") for key in keys)
        if "CPU" in keys and not anywhere and not entry.get("structured_delegate"):
            names.add("aten::" + entry["func"].split("(")[0])
    return frozenset(names)
