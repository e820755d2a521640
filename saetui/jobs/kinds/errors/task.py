"""The errors job: what the SAEs of a hook point leave out of one token set (2410.14670)."""

import hashlib
import json
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch

from saetui.dark_matter import (
    Decomposition,
    ErrorsWarning,
    Reconstructions,
    TokenLosses,
    decompose_errors,
    draw_contexts,
    split_contexts,
    token_losses,
)
from saetui.dark_matter.breakdown import break_down
from saetui.dark_matter.components import component_losses
from saetui.dark_matter.intervals import combine
from saetui.dark_matter.scaling import WidthScaling, width_scaling
from saetui.dark_matter.width_norms import width_norms
from saetui.jobs.context import TaskContext
from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.errors.pursuit import ErrorPursuit, Pursued
from saetui.jobs.kinds.errors.rows import (
    Figures,
    breakdown_figures,
    component_figures,
    figure_rows,
    finite,
    fit_figures,
    token_rows,
    width_law_row,
    width_norm_rows,
)
from saetui.jobs.kinds.errors.width_family import family_note, width_family
from saetui.jobs.specs import ErrorsSpec
from saetui.jobs.work.corpus_rows import spool_corpus, spool_model
from saetui.jobs.work.saes import find_saes
from saetui.jobs.work.sources import warm_model, warm_tokens
from saetui.jobs.work.tensor_files import save_tensors
from saetui.lm import LanguageModel, TokenizedCorpus
from saetui.sae import SAE

FOLDER = Path("tensors", "errors")


def run(spec: ErrorsSpec, context: TaskContext) -> None:
    """One reading of the tokens for all SAEs; then what the errors cost, and what a better encoder would leave."""
    context.plan({"load": 6, "read": 40, "losses": 20, "parts": 15, "pursuit": 10})
    model = warm_model(context, spec.model)
    loaded = find_saes(context, spec.saes, model, spec.hook_name)
    # Narrow first: a study reads from small to large.
    saes = dict(sorted(loaded.items(), key=lambda item: (item[1].d_sae, item[1].k or 0, item[0])))
    corpus = warm_tokens(context, model, spec.corpus, spec.context_length, spec.max_tokens)
    study = _Study(spec, context, model, corpus, saes)
    study.decompose()
    study.measure_losses()
    study.put_parts_back()
    study.pursue()
    study.spool()


class _Study:
    def __init__(
        self,
        spec: ErrorsSpec,
        context: TaskContext,
        model: LanguageModel,
        corpus: TokenizedCorpus,
        saes: Mapping[str, SAE],
    ) -> None:
        self._spec, self._context, self._model, self._corpus, self._saes = spec, context, model, corpus, saes
        self._read = Reconstructions(
            model,
            corpus,
            saes,
            hook_name=spec.hook_name,
            first_position=spec.first_position,
            batch_size=spec.batch_size,
        )
        self._split = split_contexts(corpus.n_contexts, train_share=1 - spec.test_share, seed=spec.seed)
        self._losses: TokenLosses | None = None
        self._figures: dict[str, Figures] = {sae_id: {} for sae_id in saes}
        self._pursued: dict[str, Pursued] = {}
        self._notes: list[str] = []
        self.study_id = self._id()

    def decompose(self) -> None:
        """Linear and nonlinear part of every SAE's error, and what holds between widths."""
        with warnings.catch_warnings():
            # What it warns of stands in its notes, which are kept with the study.
            warnings.simplefilter("ignore", ErrorsWarning)
            try:
                self._found: Decomposition = decompose_errors(
                    self._read,
                    self._split,
                    token_set=self._read.token_set,
                    intercept=self._spec.intercept,
                    seed=self._spec.seed,
                    progress=partial(self._progress, "read", "contexts"),
                )
            except ValueError as error:
                raise JobError(f"errors at {self._spec.hook_name}: {error}") from error
        for note in self._found.notes:
            self._context.log(note)
        for sae_id, fit in self._found.fits.items():
            self._figures[sae_id] |= fit_figures(fit)
        widths = {sae_id: sae.d_sae for sae_id, sae in self._saes.items()}
        self._family = {sae_id: widths[sae_id] for sae_id in width_family(widths, self._found.tokens)}

    def measure_losses(self) -> None:
        """The loss of every token, clean and with each SAE."""
        if self._spec.losses:
            self._losses = token_losses(
                self._model,
                self._saes,
                self._corpus.token_ids,
                self._counted,
                hook_name=self._spec.hook_name,
                batch_size=self._spec.batch_size,
                progress=partial(self._progress, "losses", "contexts"),
            )

    def put_parts_back(self) -> None:
        """What each part of each SAE's error costs the model, on held-out contexts."""
        if not self._spec.losses:
            return
        contexts = draw_contexts(self._split.test, self._spec.loss_contexts, seed=self._spec.seed)
        for done, (sae_id, sae) in enumerate(self._saes.items()):
            self._progress("parts", "SAEs", done, len(self._saes))
            measured = component_losses(
                self._model,
                sae,
                self._found.fits[sae_id],
                self._corpus.token_ids[contexts],
                self._counted[contexts],
                hook_name=self._spec.hook_name,
                batch_size=self._spec.batch_size,
                seed=self._spec.seed,
            )
            self._figures[sae_id] |= component_figures(measured)

    def pursue(self) -> None:
        """The same tokens encoded by pursuit, parted again; and with that, what each FVU is made of."""
        if self._spec.pursuit_tokens == 0:
            return
        lengths, width = self._counted.sum(1), self._model.site(self._spec.hook_name).width
        pursuit = ErrorPursuit(self._spec, self._context, self._read, self._split.test, lengths, width)
        for done, (sae_id, sae) in enumerate(self._saes.items()):
            self._progress("pursuit", "SAEs", done, len(self._saes))
            pursued = pursuit.pursue(sae_id, sae)
            if pursued is not None:
                self._pursued[sae_id] = pursued
                self._figures[sae_id] |= pursued.figures
        self._notes += pursuit.notes

    def spool(self) -> None:
        """All rows, in one result."""
        spool, spec, found = self._context.spool, self._spec, self._found
        ids, widths = list(self._saes), [sae.d_sae for sae in self._saes.values()]
        scaling = self._scaling()
        self._break_down(scaling)
        any_fit = next(iter(found.fits.values()))
        spool_model(self._context, self._model)
        spool_corpus(self._context, self._model, self._corpus)
        spool.add(
            "error_study",
            [
                {
                    "study_id": self.study_id,
                    "model_id": self._model.model_id,
                    "hook_name": spec.hook_name,
                    "corpus_id": self._corpus.corpus_id,
                    "sae_ids": ids,
                    "widths": widths,
                    "family": list(self._family),
                    "n_tokens": len(found.tokens),
                    "n_train": any_fit.n_train,
                    "n_test": any_fit.n_test,
                    "n_excluded": found.excluded.rows,
                    "first_position": spec.first_position,
                    "d_in": self._model.site(spec.hook_name).width,
                    "rank": any_fit.rank,
                    "variance": found.variance,
                    "intercept": spec.intercept,
                    "clean_loss": None if self._losses is None else finite(float(self._losses.clean.double().mean())),
                    "seed": spec.seed,
                    "notes": [*found.notes, *self._own_notes(), *self._notes],
                    "created": datetime.now(UTC).replace(tzinfo=None),
                }
            ],
        )
        spool.add("error_figure", figure_rows(self.study_id, self._figures))
        spool.add("error_token", token_rows(self.study_id, ids, self._family, found.tokens, self._losses))
        spool.add("width_law", [width_law_row(self.study_id, scaling)])
        if len(self._family) > 1:
            rows = width_norm_rows(self.study_id, width_norms(found.tokens, list(self._family), seed=spec.seed))
            spool.add("width_norm", rows)
        spool.add(
            "sae",
            [{"sae_id": sae_id, "linear_error_r2": fit.r2_total} for sae_id, fit in found.fits.items()],
        )
        # Last, so that no map is left of a study that has no rows.
        self._save_maps()
        spool.flush()

    @property
    def _counted(self) -> torch.Tensor:
        counted = self._corpus.mask.clone()
        counted[:, : self._spec.first_position] = False
        return counted

    def _progress(self, phase: str, unit: str, done: int, total: int) -> None:
        self._context.progress(phase, done, total, unit)

    def _scaling(self) -> WidthScaling:
        return width_scaling({width: self._found.fits[sae_id] for sae_id, width in self._family.items()})

    def _break_down(self, scaling: WidthScaling) -> None:
        if scaling.floor.value is None or scaling.nonlinear.value is None:
            return
        family = self._family
        after = None
        pursued = [self._pursued[sae_id] for sae_id in family if sae_id in self._pursued]
        if len(pursued) == len(family):
            # The pursued tokens are few, so their change is carried over to the figure of all tokens.
            ratios = [combine(_ratio, *p.nonlinear) for p in pursued]
            ratio = combine(lambda *values: sum(values) / len(values), *ratios)
            after = combine(lambda value, share: value * share, scaling.nonlinear, ratio)
        for sae_id in family:
            fvu = self._found.fits[sae_id].estimates["fvu_sae"]
            if fvu.value is not None:
                broken = break_down(fvu, scaling.floor, scaling.nonlinear, after)
                self._figures[sae_id] |= breakdown_figures(broken)

    def _own_notes(self) -> list[str]:
        notes = []
        if unequal := family_note(list(self._family), self._found.tokens):
            notes.append(unequal)
        flagged = [sae_id for sae_id, fit in self._found.fits.items() if fit.shrinkage.flagged]
        if flagged:
            names = ", ".join(flagged)
            notes.append(
                f"more than half of the linear part is shrinkage for {names}: reconstructions that are too small"
            )
        return notes

    def _save_maps(self) -> None:
        """The linear maps, so that later jobs can part errors in the same way."""
        tensors = {"held_out_contexts": self._split.test.contiguous()}
        for sae_id, fit in self._found.fits.items():
            tensors[f"{sae_id}.weight"] = fit.map.weight.cpu().contiguous()
            tensors[f"{sae_id}.intercept"] = fit.map.intercept.cpu().contiguous()
            tensors["activation_mean"] = fit.activation_mean.cpu().contiguous()
        path = self._context.store_root / FOLDER / f"{self.study_id}.safetensors"
        about = {"hook_name": self._spec.hook_name, "corpus_id": self._corpus.corpus_id}
        save_tensors(self._context, path, tensors, about)

    def _id(self) -> str:
        spec = self._spec.model_dump(mode="json", exclude={"saes", "store", "batch_size"})
        settings = [spec, self._model.model_id, self._corpus.corpus_id, list(self._saes)]
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def _ratio(before: float, after: float) -> float | None:
    return after / before if before > 0 else None
