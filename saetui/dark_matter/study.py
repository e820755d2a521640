"""The error study, whole: what the SAEs of a hook point leave out of one token set, and what that costs (2410.14670).

From a notebook::

    model = load_model("embedded")
    corpus = tokenize(load_corpus("stdlib"), model, context_length=128)
    found = study_errors(model, {"mine": load_sae(path)}, corpus, "blocks.1.hook_resid_post")
    found.fits["mine"].fvu_nonlinear, found.components["mine"].recovered("linear")
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool
from torch import Tensor

from saetui.dark_matter.breakdown import Breakdown, break_down
from saetui.dark_matter.component_saes import (
    COMPONENTS,
    Component,
    ComponentSAEs,
    component_recipe,
    train_component_saes,
)
from saetui.dark_matter.components import ComponentLosses, component_losses
from saetui.dark_matter.decomposition import Decomposition, decompose_errors
from saetui.dark_matter.earlier_saes import EarlierPrediction, EarlierReconstructions, predict_from_earlier
from saetui.dark_matter.error_fit import ErrorsWarning, LinearErrorFit, enough_tokens
from saetui.dark_matter.error_pursuit import ErrorPursuit, Pursued
from saetui.dark_matter.intervals import Estimate, combine
from saetui.dark_matter.introduced_error import IntroducedError, introduced_error_of
from saetui.dark_matter.losses import TokenLosses, token_losses
from saetui.dark_matter.norm_baselines import norm_baselines
from saetui.dark_matter.reconstructions import Reconstructions
from saetui.dark_matter.scaling import WidthScaling, width_scaling
from saetui.dark_matter.settings import ErrorSettings
from saetui.dark_matter.split import ContextSplit, draw_contexts, draw_tokens, split_contexts
from saetui.dark_matter.token_set import joined_rows
from saetui.dark_matter.width_family import family_note, recipe_note, width_family
from saetui.dark_matter.width_norms import WidthNorms, width_norms
from saetui.pursuit.encoders import Encoders

if TYPE_CHECKING:
    from saetui.lm import LanguageModel, TokenizedCorpus
    from saetui.sae import SAE, TrainingStep

PhaseProgress = Callable[[str, str, int, int], None]
"""Called with a phase, its unit, how many are done, and how many there are.

Phases are "read", "losses", "parts", "pursuit", "components", "earlier" and "introduced".
"""


@dataclass
class ErrorFindings:
    """What an error study has found; SAEs by id, narrow ones first."""

    decomposition: Decomposition
    split: ContextSplit
    family: dict[str, int]
    """Widths of the SAEs that are compared across widths, of one recipe, one per width, rising."""
    losses: TokenLosses | None = None
    """The loss of every token, clean and with each SAE; None where it was not asked for."""
    components: dict[str, ComponentLosses] = field(default_factory=dict)
    pursued: dict[str, Pursued] = field(default_factory=dict)
    breakdowns: dict[str, Breakdown] = field(default_factory=dict)
    """Of the SAEs of the family, where the FVU follows a law in the width."""
    width_norms: WidthNorms | None = None
    """None for a single width."""
    norm_baselines: dict[str, dict[str, Estimate]] = field(default_factory=dict)
    """By SAE and predictor: R² of the squared error norm on held-out tokens; empty where it was not asked for."""
    component_saes: dict[str, ComponentSAEs] = field(default_factory=dict)
    """By SAE, those trained on the components of its error; empty where none were asked for."""
    earlier: dict[str, EarlierPrediction] = field(default_factory=dict)
    """By SAE, its error predicted from the outputs of earlier SAEs; empty where none were given."""
    introduced: dict[str, list[IntroducedError]] = field(default_factory=dict)
    """By SAE, the decomposition of errors with known parts; empty where it was not asked for."""
    recipe_note: str | None = None
    """What is said of the recipes of the family, where they differ or others were left out."""
    pursuit_notes: list[str] = field(default_factory=list)
    further_notes: list[str] = field(default_factory=list)

    @property
    def fits(self) -> Mapping[str, LinearErrorFit]:
        """The linear fit to each SAE's error."""
        return self.decomposition.fits

    @property
    def scaling(self) -> WidthScaling:
        """The family's figures as the width grows."""
        return width_scaling({width: self.fits[sae_id] for sae_id, width in self.family.items()})

    @property
    def notes(self) -> list[str]:
        """Reasons not to take the figures at face value."""
        notes = list(self.decomposition.notes)
        if unequal := family_note(list(self.family), self.decomposition.tokens):
            notes.append(unequal)
        if self.recipe_note:
            notes.append(self.recipe_note)
        flagged = [sae_id for sae_id, fit in self.fits.items() if fit.shrinkage.flagged]
        if flagged:
            names = ", ".join(flagged)
            notes.append(
                f"more than half of the linear part is shrinkage for {names}: reconstructions that are too small"
            )
        return [*notes, *self.pursuit_notes, *self.further_notes]


class ErrorStudy:
    """An error study in its stages; ``decompose`` comes first, and ``finish`` runs the rest."""

    def __init__(
        self,
        model: LanguageModel,
        saes: Mapping[str, SAE],
        corpus: TokenizedCorpus,
        hook_name: str,
        settings: ErrorSettings | None = None,
        *,
        earlier: Mapping[str, SAE] | None = None,
        encoders: Callable[[str, SAE], Encoders] = lambda _, sae: Encoders(sae),
        progress: PhaseProgress = lambda *_: None,
        check: Callable[[], None] = lambda: None,
        log: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings = settings = settings or ErrorSettings()
        self._model, self._corpus, self._hook_name = model, corpus, hook_name
        # Narrow first: a study reads from small to large.
        self.saes = dict(sorted(saes.items(), key=lambda item: (item[1].d_sae, item[1].k or 0, item[0])))
        self._encoders, self._progress, self._check, self._log = encoders, progress, check, log
        self._earlier = dict(earlier or {})
        # Errors in the settings are reported before anything is read.
        if settings.component_steps:
            width = model.site(hook_name).width
            component_recipe("a component", width, settings.component_k, settings.component_steps)
        self._read = Reconstructions(
            model,
            corpus,
            self.saes,
            hook_name=hook_name,
            first_position=settings.first_position,
            batch_size=settings.batch_size,
        )
        self._split = split_contexts(corpus.n_contexts, train_share=1 - settings.test_share, seed=settings.seed)

    def decompose(self) -> ErrorFindings:
        """The linear and the nonlinear part of every SAE's error.

        Raises:
            ValueError: there are too few tokens for a linear fit.
        """
        with warnings.catch_warnings():
            # What it warns of stands in its notes, which are kept with the study.
            warnings.simplefilter("ignore", ErrorsWarning)
            found = decompose_errors(
                self._read,
                self._split,
                token_set=self._read.token_set,
                intercept=self._settings.intercept,
                seed=self._settings.seed,
                progress=partial(self._progress, "read", "contexts"),
            )
        for note in found.notes:
            self._log(note)
        widths = {sae_id: sae.d_sae for sae_id, sae in self.saes.items()}
        recipes = {sae_id: sae.trained_by for sae_id, sae in self.saes.items()}
        family = {sae_id: widths[sae_id] for sae_id in width_family(widths, found.tokens, recipes)}
        return ErrorFindings(found, self._split, family, recipe_note=recipe_note(list(family), widths, recipes))

    def finish(self, found: ErrorFindings) -> None:
        """What the errors cost the model, what pursuit leaves of them, what each FVU is made of, and norms."""
        if self._settings.losses:
            self._measure_losses(found)
            self._put_components_back(found)
        if self._settings.pursuit_tokens != 0:
            self._pursue(found)
        self._break_down(found)
        if self._settings.norm_baselines:
            tokens, seed = found.decomposition.tokens, self._settings.seed
            found.norm_baselines = {sae_id: norm_baselines(tokens, sae_id, seed=seed) for sae_id in self.saes}
        if len(found.family) > 1:
            found.width_norms = width_norms(found.decomposition.tokens, list(found.family), seed=self._settings.seed)
        if self._settings.component_steps:
            self._train_on_components(found)
        if self._earlier:
            self._predict_from_earlier(found)
        if self._settings.introduced_error:
            self._introduce_errors(found)

    @property
    def _counted(self) -> Bool[Tensor, "context position"]:
        counted = self._corpus.mask.clone()
        counted[:, : self._settings.first_position] = False
        return counted

    def _measure_losses(self, found: ErrorFindings) -> None:
        found.losses = token_losses(
            self._model,
            self.saes,
            self._corpus.token_ids,
            self._counted,
            hook_name=self._hook_name,
            batch_size=self._settings.batch_size,
            progress=partial(self._progress, "losses", "contexts"),
        )

    def _put_components_back(self, found: ErrorFindings) -> None:
        """What each component of each SAE's error costs the model, on held-out contexts."""
        settings = self._settings
        contexts = draw_contexts(self._split.test, settings.loss_contexts, seed=settings.seed)
        for done, (sae_id, sae) in enumerate(self.saes.items()):
            self._progress("parts", "SAEs", done, len(self.saes))
            found.components[sae_id] = component_losses(
                self._model,
                sae,
                found.fits[sae_id],
                self._corpus.token_ids[contexts],
                self._counted[contexts],
                hook_name=self._hook_name,
                batch_size=settings.batch_size,
                seed=settings.seed,
            )

    def _pursue(self, found: ErrorFindings) -> None:
        """The same tokens encoded by pursuit, and their errors split once more."""
        lengths, width = self._counted.sum(1), self._model.site(self._hook_name).width
        pursuit = ErrorPursuit(
            self._settings,
            self._read,
            self._split.test,
            lengths,
            width,
            encoders=self._encoders,
            check=self._check,
            log=self._log,
        )
        for done, (sae_id, sae) in enumerate(self.saes.items()):
            self._progress("pursuit", "SAEs", done, len(self.saes))
            pursued = pursuit.pursue(sae_id, sae)
            if pursued is not None:
                found.pursued[sae_id] = pursued
        found.pursuit_notes = pursuit.notes

    def _train_on_components(self, found: ErrorFindings) -> None:
        """Equal SAEs on the activation, the error and its parts."""
        settings, steps = self._settings, self._settings.component_steps
        for done, (sae_id, fit) in enumerate(found.fits.items()):

            def report(component: Component, step: TrainingStep, done: int = done) -> None:
                before = done * len(COMPONENTS) + COMPONENTS.index(component)
                total = len(self.saes) * len(COMPONENTS) * steps
                self._progress("components", "steps", before * steps + step.step, total)

            found.component_saes[sae_id] = train_component_saes(
                self._read,
                fit,
                self._split,
                k=settings.component_k,
                steps=steps,
                seed=settings.seed,
                on_step=report,
            )

    def _predict_from_earlier(self, found: ErrorFindings) -> None:
        """How much of each part of the error the outputs of earlier SAEs explain."""
        settings = self._settings
        for done, (sae_id, sae) in enumerate(self.saes.items()):
            self._progress("earlier", "SAEs", done, len(self.saes))
            read = EarlierReconstructions(
                self._model,
                self._corpus,
                sae,
                self._earlier,
                hook_name=self._hook_name,
                first_position=settings.first_position,
                batch_size=settings.batch_size,
            )
            predicted = predict_from_earlier(read, found.fits[sae_id], self._split, seed=settings.seed)
            found.earlier[sae_id] = predicted
            self._note(found, *(f"prediction of the error of {sae_id} from {note}" for note in predicted.notes))

    def _introduce_errors(self, found: ErrorFindings) -> None:
        """The decomposition tried on what each SAE's latents make up, with noise of known size on either side."""
        settings, width = self._settings, self._model.site(self._hook_name).width
        n = enough_tokens(width, settings.test_share)
        lengths = self._counted.sum(1)
        drawn = draw_tokens(torch.arange(len(lengths)), lengths, n, least=2, seed=settings.seed)
        tokens, _ = joined_rows(self._read(drawn))
        for done, (sae_id, sae) in enumerate(self.saes.items()):
            self._progress("introduced", "SAEs", done, len(self.saes))
            self._check()
            try:
                with warnings.catch_warnings(record=True) as weak:
                    warnings.simplefilter("always", ErrorsWarning)
                    cells = introduced_error_of(sae, tokens, test_share=settings.test_share, seed=settings.seed)
            except ValueError as error:
                self._note(found, f"introduced error: {error}")
                continue
            if cells:
                found.introduced[sae_id] = cells
            else:
                self._note(found, f"introduced error: the reconstructions of {sae_id} do not vary")
            self._note(found, *(f"introduced error: {warning.message}" for warning in weak))

    def _note(self, found: ErrorFindings, *notes: str) -> None:
        for note in notes:
            if note not in found.further_notes:
                found.further_notes.append(note)
                self._log(note)

    def _break_down(self, found: ErrorFindings) -> None:
        scaling = found.scaling
        if scaling.floor.value is None or scaling.nonlinear.value is None:
            return
        after = None
        pursued = [found.pursued[sae_id] for sae_id in found.family if sae_id in found.pursued]
        if len(pursued) == len(found.family):
            # The pursued tokens are few, so their change is carried over to the figure of all tokens.
            ratios = [combine(_ratio, *p.nonlinear) for p in pursued]
            ratio = combine(lambda *values: sum(values) / len(values), *ratios)
            after = combine(lambda value, share: value * share, scaling.nonlinear, ratio)
        for sae_id in found.family:
            fvu = found.fits[sae_id].estimates["fvu_sae"]
            if fvu.value is not None:
                found.breakdowns[sae_id] = break_down(fvu, scaling.floor, scaling.nonlinear, after)


def study_errors(
    model: LanguageModel,
    saes: Mapping[str, SAE],
    corpus: TokenizedCorpus,
    hook_name: str,
    settings: ErrorSettings | None = None,
    *,
    earlier: Mapping[str, SAE] | None = None,
    progress: PhaseProgress = lambda *_: None,
) -> ErrorFindings:
    """What the SAEs leave out of the corpus, by SAE and by token, and what that costs the model.

    ``earlier`` are SAEs of earlier hook points, from whose outputs the errors are predicted; they say their own.
    Raises ValueError where there are too few tokens for a linear fit, HookPointError for a hook point that the model
    does not have, or of another width than the SAEs.
    """
    study = ErrorStudy(model, saes, corpus, hook_name, settings, earlier=earlier, progress=progress)
    found = study.decompose()
    study.finish(found)
    return found


def _ratio(before: float, after: float) -> float | None:
    return after / before if before > 0 else None
