"""The pursuit job: some tokens' codes found anew in an SAE's own dictionary (2410.14670, pursuit)."""

import hashlib
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.dark_matter.statistics import LinearMap
from saetui.jobs.context import TaskContext
from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.pursuit.linear_parts import ChangeMap, SavedMap, saved_map
from saetui.jobs.kinds.pursuit.pursued_tokens import NamedTokens, read_tokens
from saetui.jobs.kinds.pursuit.spec import PursuitSpec
from saetui.jobs.work.saes import sae_key, saes_by_site, warm_sae
from saetui.jobs.work.shelf import SavedSAE
from saetui.jobs.work.sources import warm_model, warm_tokens
from saetui.lm import LanguageModel, TokenizedCorpus
from saetui.pursuit import SparseCodes
from saetui.pursuit.encoders import Encoded, Encoders
from saetui.pursuit.residual_curve import ResidualCurve


def run(spec: PursuitSpec, context: TaskContext) -> None:
    """Read the tokens, pursue them, part the errors before and after; seconds where model and SAE are warm."""
    context.plan({"load": 5, "read": 2, "fit": 4, "pursue": 6})
    model = warm_model(context, spec.model)
    saved: SavedSAE = saes_by_site(context, (spec.sae,), model, (spec.hook_name,))[spec.hook_name][0]
    sae = warm_sae(context, model, spec.hook_name, saved)
    if spec.l0 is not None and spec.l0 > sae.d_sae:
        raise JobError(f"l0: {spec.l0} latents a token are more than the {sae.d_sae} of {saved.name}")
    corpus = warm_tokens(context, model, spec.corpus, spec.context_length, spec.max_tokens)
    _require_same_tokens(spec, corpus)
    encoders = context.warm.get(("encoders", *sae_key(context, saved)), lambda: Encoders(sae))
    linear = saved_map(context.store_root, saved.sae_id, spec.hook_name, corpus.corpus_id, spec.study, model.device)
    if linear is None:
        context.log("no error study has looked at this SAE here, so errors are not parted")
    named = read_tokens(spec, context, model, corpus, None if linear is None else linear.held_out)
    _Pursuit(spec, context, model, corpus, saved, encoders, linear, named).run()


def _require_same_tokens(spec: PursuitSpec, corpus: TokenizedCorpus) -> None:
    if spec.corpus_id not in (None, corpus.corpus_id):
        raise JobError(
            f"corpus_id: {spec.corpus} gives the token set {corpus.corpus_id} with context_length "
            f"{spec.context_length}, but the places are in {spec.corpus_id}; name the text, context_length and "
            "max_tokens that it was made with"
        )


@dataclass(frozen=True)
class _Errors:
    """Norms in model units; ``nonlinear`` is None where the errors are not parted."""

    total: Float[Tensor, " n"]
    nonlinear: Float[Tensor, " n"] | None

    def fvu(self, deviation: Float[Tensor, " n"]) -> tuple[float | None, float | None]:
        """Of the whole error, and of its nonlinear part."""
        variance = float(deviation.square().sum())
        parts = (self.total, self.nonlinear)
        whole, nonlinear = (
            None if part is None or variance <= 0 else float(part.square().sum()) / variance for part in parts
        )
        return whole, nonlinear


class _Pursuit:
    def __init__(
        self,
        spec: PursuitSpec,
        context: TaskContext,
        model: LanguageModel,
        corpus: TokenizedCorpus,
        saved: SavedSAE,
        encoders: Encoders,
        linear: SavedMap | None,
        named: NamedTokens,
    ) -> None:
        self._spec, self._context, self._model, self._corpus = spec, context, model, corpus
        self._saved, self._encoders, self._linear, self._named = saved, encoders, linear, named
        self._rows: Int[Tensor, " m"] = named.finite.nonzero(as_tuple=True)[0]
        self._x: Float[Tensor, "m d"] = named.activations[self._rows.to(named.activations.device)]
        self._n_excluded = len(named) - len(self._rows)

    def run(self) -> None:
        spec, x = self._spec, self._x
        if self._n_excluded:
            self._context.log(f"{self._n_excluded} tokens left out, whose activations are not finite")
        if not len(x):
            raise JobError(f"none of the {len(self._named)} tokens has a finite activation at {spec.hook_name}")
        before = self._encoders.own(x)
        targets = before.l0 if spec.l0 is None else torch.full((len(x),), spec.l0, device=x.device)
        # Before the pursuit, which is worth watching to its end.
        change = self._change()
        began = time.perf_counter()
        after, codes = self._pursue(targets)
        seconds = time.perf_counter() - began
        if int(codes.capped.sum()):
            self._context.log(
                f"the L0 of {int(codes.capped.sum())} tokens was cut to {codes.residual_norms.shape[1] - 1}"
            )
        mean = x.double().mean(0) if self._linear is None else self._linear.activation_mean
        deviation = torch.linalg.vector_norm(x.double() - mean, dim=1)
        errors_before, errors_after = self._errors(before, after, change)
        self._spool_run(before, after, errors_before.fvu(deviation), errors_after.fvu(deviation), codes, seconds)
        self._spool_codes(before, after, errors_before, errors_after, codes, deviation)

    def _pursue(self, targets: Int[Tensor, " m"]) -> tuple[Encoded, SparseCodes]:
        context = self._context
        curve = ResidualCurve(self._encoders.signal_norms(self._x), int(targets.max()))

        def progress(done: int, total: int) -> None:
            metrics = curve.metrics(finished=done >= total)
            context.progress("pursue", done, total, "steps", pursuit=self._pursuit_id, **metrics)

        return self._encoders.pursue(self._x, targets, self._spec.method, progress=progress, watch=curve.take)

    def _change(self) -> LinearMap | None:
        """What pursuit changes of the reconstruction, as far as it is linear; None where that is not to be known."""
        if self._linear is None:
            return None
        maker = ChangeMap(self._spec, self._context, self._model, self._corpus, self._encoders, self._linear)
        return maker.get(self._saved.sae_id)

    def _errors(self, before: Encoded, after: Encoded, change: LinearMap | None) -> tuple[_Errors, _Errors]:
        """Errors of both encoders; each is parted with a linear map of its own."""
        x = self._x.double()
        own, pursued = x - before.reconstruction, x - after.reconstruction
        if self._linear is None:
            return _Errors(_norms(own), None), _Errors(_norms(pursued), None)
        linear = self._linear.map(x)
        left = None if change is None else _norms(pursued - (linear - change(x)))
        return _Errors(_norms(own), _norms(own - linear)), _Errors(_norms(pursued), left)

    def _spool_run(
        self,
        before: Encoded,
        after: Encoded,
        fvu_before: tuple[float | None, float | None],
        fvu_after: tuple[float | None, float | None],
        codes: SparseCodes,
        seconds: float,
    ) -> None:
        spec = self._spec
        in_corpus = bool((self._named.context >= 0).any())
        self._context.spool.add(
            "pursuit_run",
            [
                {
                    "pursuit_id": self._pursuit_id,
                    "sae_id": self._saved.sae_id,
                    "corpus_id": self._corpus.corpus_id if in_corpus else None,
                    "study_id": None if self._linear is None else self._linear.study_id,
                    "chosen": spec.chosen or _in_words(spec),
                    "method": spec.method,
                    "l0_rule": "own" if spec.l0 is None else str(spec.l0),
                    "n_tokens": len(self._x),
                    "n_excluded": self._n_excluded,
                    "fvu_before": fvu_before[0],
                    "fvu_after": fvu_after[0],
                    "fvu_nonlinear_before": fvu_before[1],
                    "fvu_nonlinear_after": fvu_after[1],
                    "l0_before": float(before.l0.double().mean()),
                    "l0_after": float(after.l0.double().mean()),
                    "products_saved": codes.work.saved,
                    "seconds": seconds,
                    "created": datetime.now(UTC).replace(tzinfo=None),
                }
            ],
        )

    def _spool_codes(
        self,
        before: Encoded,
        after: Encoded,
        errors_before: _Errors,
        errors_after: _Errors,
        codes: SparseCodes,
        deviation: Float[Tensor, " m"],
    ) -> None:
        spread = self._encoders.spread(self._x)
        residuals = (codes.residual_norms * spread[:, None]).tolist()
        rows: list[dict[str, Any]] = []
        for at, row in enumerate(self._rows.tolist()):
            place = int(self._named.context[row]), int(self._named.position[row])
            latents_before, activations_before = before.lists(at)
            latents_after, activations_after = after.lists(at)
            rows.append(
                {
                    "pursuit_id": self._pursuit_id,
                    "row": row,
                    "context": place[0] if place[0] >= 0 else None,
                    "position": place[1] if place[0] >= 0 else None,
                    "token_id": int(self._named.token_id[row]),
                    "deviation": float(deviation[at]),
                    "error_before": float(errors_before.total[at]),
                    "error_after": float(errors_after.total[at]),
                    "nonlinear_before": _at(errors_before.nonlinear, at),
                    "nonlinear_after": _at(errors_after.nonlinear, at),
                    "l0_before": len(latents_before),
                    "l0_after": len(latents_after),
                    "latents_before": latents_before,
                    "activations_before": activations_before,
                    "latents_after": latents_after,
                    "activations_after": activations_after,
                    "residual_norms": residuals[at][: int(codes.steps[at]) + 1],
                }
            )
        self._context.spool.add("pursuit_code", rows)

    @cached_property
    def _pursuit_id(self) -> str:
        """The same for the same tokens, settings and linear map: a run that is repeated replaces itself."""
        spec = self._spec.model_dump(mode="json", exclude={"store", "batch_size", "chosen"})
        settings = [spec, self._saved.sae_id, None if self._linear is None else self._linear.study_id]
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def _norms(rows: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    norms: Tensor = torch.linalg.vector_norm(rows, dim=1)
    return norms


def _at(values: Float[Tensor, " n"] | None, row: int) -> float | None:
    return None if values is None else float(values[row])


def _in_words(spec: PursuitSpec) -> str:
    """What the tokens are, where nobody said."""
    parts = [(len(spec.places), "tokens"), (len(spec.words), "words")]
    if not spec.places:
        parts.append((spec.random_tokens, "random tokens"))
    return " and ".join(f"{count} {name}" for count, name in parts if count)
