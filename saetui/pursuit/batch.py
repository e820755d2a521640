"""The tokens that a pursuit works on at once: what each has taken so far, in double precision."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag

from saetui.pursuit.atoms import Atoms

LITTLE_LEFT = 1e-4
"""Share of a signal's square below which what is left of it is taken in double precision."""
# Running sums of squares are off by a few millionths of the signal's square at most, so their roots by this share.
_RUNNING_SUMS = 4e-3
# Numbers of one kind held at a time; on a GPU every part costs a few commands.
_CPU_ELEMENTS, _GPU_ELEMENTS = 1 << 22, 1 << 26
_ROOM = 32
_BY_SLOT = ("atoms", "places", "weights", "known", "correlations", "active")
_BY_TOKEN = ("signals", "rows", "targets", "norms", "squares", "count", "missing", "chosen", "product", "new")


class Batch:
    """State of b tokens, of which the first ``live`` are at work; where one is done, a live one takes its place.

    Slot s of a token is the s-th atom that it took. ``weights`` are its code so far, ``correlations`` the products of
    its atoms with the residual, ``squares`` the residual's squared norm. ``known`` are the weights that the tracked
    products with all atoms take account of. The atom of an ``active`` slot is the token's own: its weight may move.
    Slots beyond ``count`` hold zeros.
    """

    def __init__(
        self,
        atoms: Atoms,
        signals: Float[Tensor, "b d"],
        rows: Int[Tensor, " b"],
        targets: Int[Tensor, " b"],
        *,
        precise: bool = False,
    ) -> None:
        b, device = len(signals), atoms.device
        self.dictionary = atoms
        self._precise = precise
        self.live = b
        self.length = 0
        self.signals = signals
        self.rows = rows
        self.targets = targets
        self.norms = torch.linalg.vector_norm(signals, dim=1, dtype=torch.float64)
        self.squares = self.norms.square()
        self.count = torch.zeros(b, dtype=torch.long, device=device)
        self.atoms = torch.zeros(b, 0, dtype=torch.long, device=device)
        self.places = self.atoms.clone()
        """Where the atoms' products are kept, 0 for those that are not."""
        self.missing = torch.zeros(b, dtype=torch.bool, device=device)
        """Whether some of the token's atoms have no products kept."""
        self.weights = torch.zeros(b, 0, dtype=torch.float64, device=device)
        self.known = self.weights.clone()
        self.correlations = self.weights.clone()
        self.active = torch.zeros(b, 0, dtype=torch.bool, device=device)
        self.gram = torch.zeros(b, 0, 0, dtype=torch.float64, device=device)
        self.chosen = torch.zeros(b, dtype=torch.long, device=device)
        """The atom that each token takes at this step."""
        self.product = torch.zeros(b, dtype=torch.float64, device=device)
        """Its product with the residual."""
        self.new = torch.zeros(b, dtype=torch.bool, device=device)
        """Whether the token did not have it already."""
        self.frozen: Tensor | None = None
        """Where all tokens go in step: those whose weights do not move any more. All is masked then, nothing asked."""

    def hold(self, indices: Int[Tensor, "b L"], weights: Float[Tensor, "b L"]) -> None:
        """Begin with codes that are given: their atoms of positive weight are the tokens' own."""
        self._make_room(indices.shape[1])
        self.active[:] = weights > 0
        self.weights[:] = weights
        self.atoms[:] = indices.masked_fill(~self.active, 0)
        self.count[:] = self.length
        for part in self._parts(self.live):
            rows = self.dictionary.rows[self.atoms[part]].double()
            self.gram[part] = rows @ rows.mT
        self.refresh(torch.arange(self.live, device=indices.device))

    def take(self) -> None:
        """Give each token its chosen atom, of weight 0, unless it has it already."""
        self._make_room(1)
        live, width = slice(self.live), slice(self.length)
        own = self.active[live, width] & (self.atoms[live, width] == self.chosen[live, None])
        self.new[live] = ~own.any(1)
        tokens = self.new[live].nonzero(as_tuple=True)[0]
        atoms, slots = self.chosen[tokens], self.count[tokens]
        places = self.dictionary.keep(atoms)
        self.missing[tokens] |= places < 0
        self.atoms[tokens, slots] = atoms
        self.places[tokens, slots] = places.clamp(min=0)
        self.active[tokens, slots] = True
        self.count[tokens] = slots + 1
        self.correlations[tokens, slots] = self.product[tokens]
        products = self._products(tokens, atoms, places)
        self.gram[tokens, slots, width] = products
        self.gram[tokens, width, slots] = products

    def take_in_step(self) -> None:
        """The same where all tokens go in step; frozen ones take none. Nothing waits for the device."""
        assert self.frozen is not None
        self._make_room(1)
        live, width = slice(self.live), slice(self.length)
        own = self.active[live, width] & (self.atoms[live, width] == self.chosen[live, None])
        new = ~own.any(1) & ~self.frozen[live]
        self.new[live] = new
        tokens, slots = torch.arange(self.live, device=self.norms.device), self.count[live].clone()
        atoms = torch.where(new, self.chosen[live], 0)
        # What a token that takes none has in its next slot is 0, and stays so.
        self.atoms[tokens, slots] = atoms
        self.active[tokens, slots] = new
        self.correlations[tokens, slots] = torch.where(new, self.product[live], 0.0)
        self.count[live] += new
        products = torch.where(new[:, None], self._precise_products(tokens, atoms), 0.0)
        self.gram[tokens, slots, width] = products
        self.gram[tokens, width, slots] = products

    def drop_empty(self) -> Bool[Tensor, "live length"]:
        """Drop the atoms whose weight has fallen to 0; return which these are."""
        live, width = slice(self.live), slice(self.length)
        gone = self.active[live, width] & (self.weights[live, width] == 0)
        self.active[live, width] &= ~gone
        return gone

    def release(self) -> tuple[Int[Tensor, " m"], Int[Tensor, " m"]]:
        """Drop the atoms whose weight has fallen to 0; return their (token, slot)."""
        tokens, slots = self.drop_empty().nonzero(as_tuple=True)
        return tokens, slots

    def lag(self) -> Float[Tensor, "live length"]:
        """Weights that the tracked products do not know of yet."""
        return self.weights[: self.live, : self.length] - self.known[: self.live, : self.length]

    def through_gram(self, vectors: Float[Tensor, "m length"], tokens: slice | Tensor) -> Float[Tensor, "m length"]:
        """Gram matrices of some tokens' atoms times a vector each."""
        image: Tensor = (self.gram[tokens, : self.length, : self.length] * vectors[:, None, :]).sum(2)
        return image

    def residuals(self, tokens: slice | Tensor | None = None) -> Float[Tensor, "m d"]:
        """Signals minus their reconstructions, of the live tokens or of some."""
        tokens = slice(self.live) if tokens is None else tokens
        if not self.length:
            return self.signals[tokens]
        weights = self.weights[tokens, : self.length].to(self.signals.dtype)
        own, rows = self.atoms[tokens, : self.length], self.dictionary.rows
        reconstructions: Tensor = embedding_bag(own, rows, mode="sum", per_sample_weights=weights)
        residuals: Tensor = self.signals[tokens] - reconstructions
        return residuals

    def longest_residuals(self) -> Float[Tensor, " live"]:
        """Norms that the live tokens' residuals do not exceed, however the running sums were rounded."""
        squares, norms = self.squares[: self.live], self.norms[: self.live]
        longest: Tensor = squares.sqrt() + _RUNNING_SUMS * norms
        return longest

    def blur(self) -> Float[Tensor, " live"]:
        """How long a vector rounding may have added to the residuals of the live tokens."""
        written = self.weights[: self.live, : self.length].sum(1)
        mass: Tensor = self.norms[: self.live] + self.dictionary.longest * written
        return (self.length + 2) * self.dictionary.roundoff * mass

    def precise_residuals(self, tokens: Int[Tensor, " m"]) -> Float[Tensor, "m d"]:
        """The residuals of some tokens in double precision."""
        residuals = self.signals[tokens].double()
        for part in self._parts(len(tokens)):
            own = tokens[part]
            rows = self.dictionary.rows[self.atoms[own, : self.length]].double()
            residuals[part] -= (self.weights[own, None, : self.length] @ rows).squeeze(1)
        return residuals

    def refresh(self, tokens: Int[Tensor, " m"]) -> Float[Tensor, "m d"]:
        """Compute the residuals' norms and their products with the tokens' own atoms again, in double precision.

        Returns the residuals.
        """
        residuals = self.precise_residuals(tokens)
        self.squares[tokens] = residuals.square().sum(1)
        for part in self._parts(len(tokens)):
            own = tokens[part]
            rows = self.dictionary.rows[self.atoms[own, : self.length]].double()
            self.correlations[own, : self.length] = (rows @ residuals[part, :, None]).squeeze(2)
        return residuals

    def refresh_squares(self, tokens: Int[Tensor, " m"]) -> None:
        """Compute the residual's squared norm again."""
        if self.frozen is not None:
            self.squares[tokens] = self.precise_residuals(tokens).square().sum(1)
            return
        squares = self.residuals(tokens).double().square().sum(1)
        little = squares < LITTLE_LEFT * self.norms[tokens].square()
        if bool(little.any()):
            squares[little] = self.precise_residuals(tokens[little]).square().sum(1)
        self.squares[tokens] = squares

    def move(self, sources: Int[Tensor, " m"], holes: Int[Tensor, " m"]) -> None:
        """Put some tokens in the place of others."""
        for name in (*_BY_TOKEN, *_BY_SLOT, "gram"):
            array = getattr(self, name)
            array[holes] = array[sources]

    def _make_room(self, slots: int) -> None:
        self.length += slots
        room = self.atoms.shape[1]
        if self.length <= room:
            return
        more = slots if slots > 1 else max(_ROOM, room // 2)
        for name in _BY_SLOT:
            old = getattr(self, name)[: self.live]
            setattr(self, name, torch.cat([old, old.new_zeros(self.live, more)], 1))
        gram = self.gram.new_zeros(self.live, room + more, room + more)
        gram[:, :room, :room] = self.gram[: self.live]
        self.gram = gram

    def _products(
        self, tokens: Int[Tensor, " m"], atoms: Int[Tensor, " m"], places: Int[Tensor, " m"]
    ) -> Float[Tensor, "m length"]:
        """Product of one atom for each of some tokens with the atoms that the token has, itself among them."""
        own = self.atoms[tokens, : self.length]
        if not self._precise and bool((places >= 0).all()):
            table = self.dictionary.table
            return table.view(-1)[places[:, None] * table.shape[1] + own].double()
        return self._precise_products(tokens, atoms)

    def _precise_products(self, tokens: Int[Tensor, " m"], atoms: Int[Tensor, " m"]) -> Float[Tensor, "m length"]:
        own = self.atoms[tokens, : self.length]
        products = torch.empty(own.shape, dtype=torch.float64, device=own.device)
        for part in self._parts(len(tokens)):
            mine, others = self.dictionary.rows[atoms[part]].double(), self.dictionary.rows[own[part]].double()
            products[part] = (others @ mine[:, :, None]).squeeze(2)
        return products

    def _parts(self, n: int) -> list[slice]:
        return parts_of(n, self.length * self.dictionary.d, self.norms.device)


def parts_of(n: int, elements: int, device: torch.device) -> list[slice]:
    """Slices of n things of so many numbers each, small enough for the device's memory or cache."""
    size = max(1, (_CPU_ELEMENTS if device.type == "cpu" else _GPU_ELEMENTS) // max(1, elements))
    return [slice(start, start + size) for start in range(0, n, size)]
