"""Hook points: the places of a model where activations are read, by the names TransformerLens gives them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from saetui.lm.exceptions import HookPointError

EMBED = "hook_embed"
# Name inside a block -> kind; the order is that of a forward pass.
_KINDS = {
    "hook_resid_pre": "resid_pre",
    "attn.hook_z": "z",
    "hook_attn_out": "attn_out",
    "hook_resid_mid": "resid_mid",
    "hook_mlp_out": "mlp_out",
    "hook_resid_post": "resid_post",
}
# Where models that normalise after adding have these tensors in TransformerBridge: it gives encoders of the BERT kind
# names that are shifted by one norm (what it calls hook_resid_mid already contains the MLP's output), and takes the
# middle of others after its norm.
_POST_NORM = {"hook_attn_out": "attn.o.hook_out", "hook_resid_mid": "ln1.hook_in"}
# TransformerBridge does not see what blocks of this family return, since it is in a list; a norm is the last they do.
_IN_LISTS, _LAST_NORM = "openai-gpt", {"hook_resid_post": "ln2.hook_out"}
_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)")


@dataclass(frozen=True)
class Site:
    """A hook point: its TransformerLens name, layer (None for the embedding), kind and activation width.

    ``kind`` is one of embed, resid_pre, z, attn_out, resid_mid, mlp_out, resid_post. The width of z is that of all
    heads side by side (n_heads * d_head), what attention-output SAEs read (2406.17759); all others are d_model wide.

    attn_out and mlp_out are what is added to the residual stream, so in Gemma-2 they come after the post-norms. In a
    post-norm model such as BERT or GPT-1, resid_mid is resid_pre + attn_out before its norm, and resid_post the block's
    output after its last norm, which is the next block's resid_pre.
    """

    name: str
    layer: int | None
    kind: str
    width: int


def site_names(n_layers: int) -> list[str]:
    """Every hook-point name that a model of so many layers can have, in the order of a forward pass."""
    return [EMBED, *(f"blocks.{layer}.{name}" for layer in range(n_layers) for name in _KINDS)]


def bridge_name(name: str, *, post_norm: bool, family: str = "") -> str:
    """The name under which TransformerBridge has a hook point; it differs only in post-norm models."""
    block = _BLOCK.fullmatch(name)
    if block is None or not post_norm:
        return name
    own = _POST_NORM | _LAST_NORM if family == _IN_LISTS else _POST_NORM
    return f"blocks.{block[1]}.{own.get(block[2], block[2])}"


def make_site(name: str, *, d_model: int, z_width: int) -> Site:
    """The site of a known hook-point name."""
    block = _BLOCK.fullmatch(name)
    if block is None:
        return Site(name, None, "embed", d_model)
    kind = _KINDS[block[2]]
    return Site(name, int(block[1]), kind, z_width if kind == "z" else d_model)


def unknown_site(name: str, known: Iterable[str], *, model: str, n_layers: int) -> HookPointError:
    """The error for a name that is not in ``known``: says what is wrong with it, and the nearest names."""
    known = list(known)
    message = f"{model} has no hook point {name!r}"
    block = _BLOCK.fullmatch(name)
    if block and int(block[1]) >= n_layers:
        message += f": it has {n_layers} layers, blocks.0 to blocks.{n_layers - 1}"
        name = f"blocks.{n_layers - 1}.{block[2]}"
    elif block and block[2] in _KINDS:
        message += ": no such place exists in this architecture, attention and MLP read the same residual stream"
    near = [name] if name in known else get_close_matches(name, known, n=3, cutoff=0.5) or known[:3]
    return HookPointError(f"{message}. Nearest: {', '.join(near)}")
