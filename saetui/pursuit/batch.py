"""The tokens that a pursuit works on at once: what each has chosen so far, in double precision."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag

from saetui.pursuit.atoms import Atoms

LITTLE_LEFT = 1e-4
"""Share of a signal's square below which what is left of it is taken in double precision."""
_CHUNK = 1 << 23


class Batch:
    """State of up to b tokens, of which the first ``live`` are at work; a token that is done makes way for a live one.

    Slot s of a token is the s-th atom that it took; ``weights`` are the code so far and ``correlations`` the products
    of those atoms with the residual. ``known`` are the weights that the tracked correlations of all atoms take account
    of. An ``active`` slot's atom is one of the token's own: its weight may move, and it is not taken again. Slots beyond
    ``count`` hold zeros.
    """

    def __init__(
        self,
        atoms: Atoms,
        signals: Float[Tensor, "b d"],
        rows: Int[Tensor, " b"],
        targets: Int[Tensor, " b"],
        *,
        precise: bool,
    ) -> None:
        b, device = len(signals), atoms.device
        self.dictionary = atoms
        self._precise = precise
        self.live = b
        self.signals = signals
        self.rows = rows
        self.targets = targets
        self.norms = torch.linalg.vector_norm(signals, dim=1, dtype=torch.float64)
        self.squares = self.norms.square()
        self.count = torch.zeros(b, dtype=torch.long, device=device)
        self.atoms = torch.zeros(b, 0, dtype=torch.long, device=device)
        self.places = self.atoms.clone()
        """Where the atoms' products are kept; 0 for those that are not, whose tokens are ``missing`` some."""
        self.missing = torch.zeros(b, dtype=torch.bool, device=device)
        self.weights = torch.zeros(b, 0, dtype=torch.float64, device=device)
        self.known = self.weights.clone()
        self.active = torch.zeros(b, 0, dtype=torch.bool, device=device)
        self.correlations = self.weights.clone()
        self.gram = torch.zeros(b, 0, 0, dtype=torch.float64, device=device)
        self.length = 0
        self.chosen = torch.zeros(b, dtype=torch.long, device=device)
        """The atom that each token takes at this step."""
        self.product = torch.zeros(b, dtype=torch.float64, device=device)
        """Its product with the residual."""
        self.new = torch.zeros(b, dtype=torch.bool, device=device)
        """Whether the token did not have it already."""

    def take(self) -> None:
        """Give each token its chosen atom, of weight 0, unless it has it already."""
        self._make_room()
        live, width = slice(self.live), slice(self.length)
        own = self.active[live, width] & (self.atoms[live, width] == self.chosen[live, None])
        self.new[live] = ~own.any(1)
        tokens = self.new[live].nonzero(as_tuple=True)[0]
        atoms, slots = self.chosen[tokens], self.count[tokens]
        places = self.dictionary.keep(atoms)
        self.missing[tokens] |= places < 0
        self.atoms[tokens, slots] = atoms
        self.places[tokens, slots] = places.clamp(min=0)
        products = self._products(tokens, atoms, places)
        self.active[tokens, slots] = True
        self.count[tokens] = slots + 1
        self.correlations[tokens, slots] = self.product[tokens]
        self.gram[tokens, slots, width] = products
        self.gram[tokens, width, slots] = products

    def release(self) -> tuple[Int[Tensor, " m"], Int[Tensor, " m"]]:
        """Let the atoms go whose weight has fallen to 0; their (token, slot)."""
        live, width = slice(self.live), slice(self.length)
        gone = self.active[live, width] & (self.weights[live, width] == 0)
        self.active[live, width] &= ~gone
        tokens, slots = gone.nonzero(as_tuple=True)
        return tokens, slots

    def _make_room(self) -> None:
        """One slot more for every token."""
        self.length += 1
        room = self.atoms.shape[1]
        if self.length <= room:
            return
        more = max(8, min(room, 64))
        for name in ("atoms", "places", "weights", "known", "correlations", "active"):
            old = getattr(self, name)
            setattr(self, name, torch.cat([old, old.new_zeros(len(old), more)], 1))
        gram = self.gram.new_zeros(len(self.gram), room + more, room + more)
        gram[:, :room, :room] = self.gram
        self.gram = gram

    def _products(
        self, tokens: Int[Tensor, " m"], atoms: Int[Tensor, " m"], places: Int[Tensor, " m"]
    ) -> Float[Tensor, "m length"]:
        """Product of one atom for each of some tokens with the atoms that the token has, and with itself."""
        own = self.atoms[tokens, : self.length]
        if not self._precise and bool((places >= 0).all()):
            table = self.dictionary.table
            return table.view(-1)[places[:, None] * table.shape[1] + own].double()
        products = torch.empty(own.shape, dtype=torch.float64, device=own.device)
        for part in self._chunks(len(tokens)):
            mine, others = self.dictionary.rows[atoms[part]].double(), self.dictionary.rows[own[part]].double()
            products[part] = (others @ mine[:, :, None]).squeeze(2)
        return products

    def lag(self) -> Float[Tensor, "live length"]:
        """Weights that the tracked correlations do not know of yet."""
        return self.weights[: self.live, : self.length] - self.known[: self.live, : self.length]

    def through_gram(self, vectors: Float[Tensor, "m length"], tokens: slice | Tensor) -> Float[Tensor, "m length"]:
        """Gram matrices of some tokens' atoms times a vector each."""
        return (self.gram[tokens, : self.length, : self.length] * vectors[:, None, :]).sum(2)

    def residuals(self, tokens: Int[Tensor, " m"]) -> Float[Tensor, "m d"]:
        """Signals minus their reconstructions, from scratch in double precision."""
        residuals = self.signals[tokens].double()
        for part in self._chunks(len(tokens)):
            own = tokens[part]
            rows = self.dictionary.rows[self.atoms[own, : self.length]].double()
            residuals[part] -= (self.weights[own, None, : self.length] @ rows).squeeze(1)
        return residuals

    def residuals_now(self) -> Float[Tensor, "live d"]:
        """Signals minus their reconstructions, of the live tokens."""
        live, width = slice(self.live), slice(self.length)
        if not self.length:
            return self.signals[live]
        weights = self.weights[live, width].to(self.signals.dtype)
        rows = self.dictionary.rows
        return self.signals[live] - embedding_bag(self.atoms[live, width], rows, mode="sum", per_sample_weights=weights)

    def blur(self) -> Float[Tensor, " live"]:
        """By how much rounding can have changed the norm of these residuals."""
        mass = self.norms[: self.live] + self.dictionary.longest * self.weights[: self.live, : self.length].sum(1)
        return (self.length + 2) * self.dictionary.roundoff * mass

    def refresh_squares(self, tokens: Int[Tensor, " m"]) -> None:
        """Take the residual's squared norm from scratch."""
        sums = embedding_bag(
            self.atoms[tokens, : self.length],
            self.dictionary.rows,
            mode="sum",
            per_sample_weights=self.weights[tokens, : self.length].to(self.signals.dtype),
        )
        squares = (self.signals[tokens] - sums).square().sum(1, dtype=torch.float64)
        little = squares < LITTLE_LEFT * self.norms[tokens].square()
        if bool(little.any()):
            squares[little] = self.residuals(tokens[little]).square().sum(1)
        self.squares[tokens] = squares

    def refresh_correlations(self, tokens: Int[Tensor, " m"]) -> None:
        """Take the residual's norm and its products with the tokens' own atoms from scratch."""
        residuals = self.residuals(tokens)
        self.squares[tokens] = residuals.square().sum(1)
        for part in self._chunks(len(tokens)):
            own = tokens[part]
            rows = self.dictionary.rows[self.atoms[own, : self.length]].double()
            self.correlations[own, : self.length] = (rows @ residuals[part, :, None]).squeeze(2)

    def move(self, sources: Int[Tensor, " m"], holes: Int[Tensor, " m"]) -> None:
        """Put some tokens in the place of others."""
        for array in (
            self.signals,
            self.rows,
            self.targets,
            self.norms,
            self.squares,
            self.count,
            self.atoms,
            self.places,
            self.missing,
            self.weights,
            self.known,
            self.correlations,
            self.active,
            self.gram,
            self.chosen,
            self.product,
            self.new,
        ):
            array[holes] = array[sources]

    def _chunks(self, n: int) -> list[slice]:
        size = max(1, _CHUNK // max(1, self.length * self.dictionary.d))
        return [slice(start, start + size) for start in range(0, n, size)]
