"""The loop that all pursuits share: take the best atom, move the weights, until each token has its target L0."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.pursuit.atoms import Atoms
from saetui.pursuit.batch import LITTLE_LEFT, Batch
from saetui.pursuit.codes import SparseCodes, Work
from saetui.pursuit.inputs import check_signals, read_targets
from saetui.pursuit.lockstep import Lockstep
from saetui.pursuit.results import Results
from saetui.pursuit.screen import AtomScreen

STOP = 1e-6
"""A token is done when no atom's product with the residual exceeds this share of the signal's norm."""
MAX_L0 = 512
# Elements of a batch's products with all atoms: enough that a step's many small operations cost little each.
_CPU_ELEMENTS, _GPU_ELEMENTS = 1 << 24, 1 << 26
_LARGEST_BATCH = 4096
_GRAM_ELEMENTS = 1 << 25
# Signals, and atoms of each, by which it is judged how many different atoms will be chosen.
_SAMPLE = 32

Progress = Callable[[int, int], None]
"""Called with the steps of tokens done, and all there can be; what it raises ends the pursuit."""


class Move(Protocol):
    """Moves the weights of some tokens of a batch."""

    def __call__(self, batch: Batch, tokens: slice | Tensor) -> Bool[Tensor, " m"]:
        """Returns which tokens' weights changed at all."""


@dataclass(frozen=True)
class Method:
    """What distinguishes one pursuit from another."""

    move: Move
    finish: Move | None = None
    """Moves the weights once more when a token has all its atoms."""
    persistent: bool = True
    """An atom once taken stays, and a token stops when no other atom would help; else an atom whose weight falls to 0
    leaves, any atom may be taken again, and there is no stop."""
    precise: bool = False
    """Take the products between a token's own atoms in double precision."""


@dataclass(frozen=True)
class PursuitStep:
    """What one step did to some of the signals."""

    step: int
    """1 for the first."""
    rows: Int[Tensor, " m"]
    """The signals that took the step."""
    chosen: Int[Tensor, " m"]
    residual_norms: Float[Tensor, " m"]


@torch.no_grad()
def search(
    signals: Float[Tensor, "n d"],
    atoms: Atoms,
    target_l0: int | Sequence[int] | Int[Tensor, " n"],
    method: Method,
    *,
    max_l0: int,
    batch_size: int | None,
    progress: Progress | None,
    watch: Callable[[PursuitStep], None] | None,
) -> SparseCodes:
    """Pursue all signals, those of similar target together."""
    signals = check_signals(signals, atoms.rows)
    targets = read_targets(target_l0, signals, atoms.width, max_l0)
    results = Results(signals, targets)
    taken_before = atoms.products_taken
    run = _Run(atoms, method, results, int(targets.l0.sum()), progress, watch)
    at_work = ((targets.l0 > 0) & (results.residual_norms[:, 0] > 0)).nonzero(as_tuple=True)[0]
    order = at_work[targets.l0[at_work].argsort(descending=True, stable=True)]
    _prepare(atoms, signals, targets.l0, order, run.report)
    precise = method.precise or atoms.product_roundoff > atoms.roundoff
    most = _batch_size(atoms, batch_size)
    # New memory for every batch would cost as much as a step.
    space = atoms.rows.new_empty(min(most, len(order)), len(atoms.rows))
    l0 = targets.l0[order].tolist()
    start = 0
    while start < len(order):
        # The most atoms come first, and the products between a token's atoms grow with their square.
        stop = start + min(most, max(1, _GRAM_ELEMENTS // l0[start] ** 2))
        rows = order[start:stop]
        batch = Batch(atoms, signals[rows], rows, targets.l0[rows], precise=precise)
        if signals.device.type == "cpu":
            run.pursue(batch, space)
        else:
            run.pursue_in_step(batch, space, l0[start:stop])
        start = stop
    run.report_rest()
    return results.codes(atoms, run.work(atoms.products_taken - taken_before))


class _Run:
    """One call's pursuit, batch after batch."""

    def __init__(
        self,
        atoms: Atoms,
        method: Method,
        results: Results,
        total: int,
        progress: Progress | None,
        watch: Callable[[PursuitStep], None] | None,
    ) -> None:
        self._atoms, self._method, self._results = atoms, method, results
        self._progress, self._watch = progress, watch
        self._done, self._total, self._steps = 0, total, 0
        self._products = 0.0
        self._rows_added = self._candidates = 0

    def pursue(self, batch: Batch, space: Float[Tensor, "most columns"]) -> None:
        """Pursue one batch to its end."""
        screen = AtomScreen(self._atoms, batch, space)
        while batch.live:
            screen.pick(STOP if self._method.persistent else None)
            live = slice(batch.live)
            stuck = batch.product[live] == -torch.inf
            if self._method.persistent:
                stuck |= batch.product[live] <= STOP * batch.norms[live]
            self._retire(batch, screen, stuck)
            if batch.live:
                stalled = self._step(batch)
                self._retire(batch, screen, stalled | (batch.targets[: batch.live] <= batch.length))
            if batch.live:
                screen.follow()
                if not self._method.persistent:
                    screen.readmit(*batch.release())
        self._products += screen.products
        self._rows_added += screen.rows_added
        self._candidates += screen.candidates

    def pursue_in_step(self, batch: Batch, space: Float[Tensor, "most columns"], targets: list[int]) -> None:
        """The same on a GPU; ``targets`` are the tokens', falling."""
        lockstep = Lockstep(self._atoms, batch, space, targets)
        persistent = self._method.persistent
        taken = batch.norms.new_zeros((), dtype=torch.long)
        while batch.live and lockstep.pick(STOP if persistent else None):
            live, going = slice(batch.live), lockstep.going
            batch.take_in_step()
            moved = self._method.move(batch, live)
            lockstep.refresh()
            if not persistent:
                batch.drop_empty()
            norms = batch.squares[live].sqrt()
            self._results.record_in_step(batch.rows[live], batch.length, batch.chosen[live], norms, going)
            if self._watch is not None:
                rows, chosen = batch.rows[live][going], batch.chosen[live][going]
                self._watch(PursuitStep(batch.length, rows, chosen, norms[going]))
            taken += going.sum()
            self.report(batch.live)
            lockstep.freeze(norms * self._atoms.longest <= STOP * batch.norms[live] if persistent else ~moved)
            lockstep.retire(all_of_them=False, hand_in=partial(self._hand_in, batch))
        lockstep.retire(all_of_them=True, hand_in=partial(self._hand_in, batch))
        self._steps += int(taken)
        self._products += lockstep.products

    def _hand_in(self, batch: Batch, tokens: Int[Tensor, " m"]) -> None:
        """Hand in the codes of tokens that are done."""
        if self._method.finish is not None:
            self._method.finish(batch, tokens)
        batch.refresh_squares(tokens)
        self._results.finish(batch, tokens)

    def work(self, products_of_atoms: float) -> Work:
        return Work(self._steps, self._products + products_of_atoms, self._rows_added, self._candidates)

    def report(self, steps: int = 0) -> None:
        """Count steps as done, whether taken or not needed any more."""
        self._done += steps
        if self._progress is not None:
            self._progress(self._done, self._total)

    def report_rest(self) -> None:
        """Count as done the steps of signals that no atom can help."""
        self.report(self._total - self._done)

    def _step(self, batch: Batch) -> Bool[Tensor, " live"]:
        """Give each token its atom and move its weights; return the tokens that no other step can move."""
        live = slice(batch.live)
        batch.take()
        moved = self._method.move(batch, live)
        little = batch.squares[live] < LITTLE_LEFT * batch.norms[live].square()
        if bool(little.any()):
            batch.refresh(little.nonzero(as_tuple=True)[0])
        self._steps += batch.live
        rows, chosen, norms = batch.rows[live], batch.chosen[live], batch.squares[live].sqrt()
        self._results.record(rows, batch.length, chosen, norms)
        if self._watch is not None:
            self._watch(PursuitStep(batch.length, rows.clone(), chosen.clone(), norms))
        self.report(batch.live)
        if self._method.persistent:
            # No product with an atom exceeds the residual's norm.
            moved = batch.squares[live].sqrt() * self._atoms.longest > STOP * batch.norms[live]
        return ~moved

    def _retire(self, batch: Batch, screen: AtomScreen, done: Bool[Tensor, " live"]) -> None:
        """Hand in the codes of tokens that are done, and close the gaps they leave."""
        if not bool(done.any()):
            return
        tokens = done.nonzero(as_tuple=True)[0]
        self._hand_in(batch, tokens)
        spared = int((batch.targets[tokens] - self._results.steps[batch.rows[tokens]]).sum())
        if spared:
            self.report(spared)
        left = batch.live - len(tokens)
        holes = tokens[tokens < left]
        sources = left + (~done[left:]).nonzero(as_tuple=True)[0]
        if len(holes):
            batch.move(sources, holes)
            screen.move(sources, holes)
        batch.live = left


def _prepare(
    atoms: Atoms,
    signals: Float[Tensor, "n d"],
    l0: Int[Tensor, " n"],
    order: Int[Tensor, " m"],
    tick: Callable[[], None],
) -> None:
    """Take the products of all atoms at once where so many and so different signals will need most of them."""
    to_come = int(l0[order].sum())
    if to_come < atoms.width or atoms.capacity < atoms.width:
        return
    sample = order[:: max(1, len(order) // _SAMPLE)][:_SAMPLE]
    nearest = (signals[sample] @ atoms.rows.T).topk(min(int(l0[sample].max()), _SAMPLE), dim=1).indices
    if atoms.worth_completing(len(torch.unique(nearest)), nearest.numel(), to_come):
        atoms.complete(tick)


def _batch_size(atoms: Atoms, asked: int | None) -> int:
    if asked is not None:
        if asked < 1:
            raise ValueError(f"batch_size is {asked}; it must be 1 or more")
        return asked
    elements = _CPU_ELEMENTS if atoms.device.type == "cpu" else _GPU_ELEMENTS
    return max(1, min(_LARGEST_BATCH, elements // len(atoms.rows)))
