"""Job specs: what a job is to do, typed, versioned, and known by the hash of its content."""

import hashlib
import json
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

SCHEMA = 1
# Words for a model or a corpus that never mean a file.
RESERVED = frozenset({"embedded", "stdlib"})

_MODEL = "Language model: 'embedded', a folder in the Hugging Face layout, or a hub name."
_CORPUS = "Text: 'stdlib', a text file, a folder, a .jsonl file, or 'hf:NAME[:SPLIT[:FIELD]]'."
_HOOK = "Hook point in TransformerLens names, e.g. blocks.1.hook_resid_post."
_SAES = "SAEs, by id or by name."
_SEED = "Seed of everything random in the job; the same seed gives the same rows."
_BATCH = "Contexts in one forward pass of the language model."

# Numbers beyond these are slips of the hand, and would end in memory or in the store's columns.
_TOKENS = 10**13
_CONTEXT = 1 << 16
_CONTEXTS = 1 << 20
_STEP = 1 << 24
_WIDTH = 1 << 26
_LISTED = 10_000
_SEEDS = 2**63 - 1
_NAME = 200
_PATH = 4096
_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
_Place = Annotated[int, Field(ge=0, lt=1 << 31)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


class Spec(_Frozen):
    """What every kind of job has. A kind is a subclass with ``kind: Literal["name"]``."""

    # Fields whose text may be a path; a relative one is made absolute, since a worker runs in another folder.
    paths: ClassVar[tuple[str, ...]] = ()

    schema_version: Literal[1] = Field(default=1, alias="schema", description="Version of the spec's form.")
    kind: str = Field(description="What the job does.")
    store: str | None = Field(default=None, exclude=True, description="Folder of the store that takes the results.")

    @property
    def title(self) -> str:
        """What a person calls the job."""
        return self.kind

    @property
    def lasts(self) -> bool:
        """Whether it asks for the same thing for ever; what names all SAEs asks for more once there are more."""
        return "*" not in getattr(self, "saes", ())

    def document(self) -> dict[str, Any]:
        """The spec as JSON data, every field written out; the store is left out, for results move with it."""
        return self.model_dump(mode="json", by_alias=True)

    @property
    def content_hash(self) -> str:
        """The same for two specs that ask for the same thing."""
        text = json.dumps(self.document(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


class Recipe(_Frozen):
    """One SAE to train."""

    architecture: Literal["topk"] = Field(default="topk", description="SAE architecture.")
    width: int = Field(gt=0, le=_WIDTH, description="Number of latents.")
    k: int = Field(gt=0, le=_WIDTH, description="Latents kept on each token.")
    lr: float | None = Field(default=None, gt=0, le=1e100, description="Learning rate of Adam; default: by width.")
    auxk: int | None = Field(
        default=None, ge=0, le=_WIDTH, description="Dead latents that model an error; default: d_in / 2."
    )
    dead_tokens: int | None = Field(
        default=None, gt=0, le=_TOKENS, description="Silent tokens that make one dead; default: 5%."
    )
    name: str | None = Field(
        default=None, pattern=_ID, max_length=_NAME, description="Short name; default: w<width>-k<k>."
    )
    seed: int = Field(default=0, ge=0, le=_SEEDS, description="Seed of the SAE's first weights.")

    @model_validator(mode="after")
    def _k_fits(self) -> "Recipe":
        if self.k > self.width:
            raise ValueError(f"k = {self.k} is more than width = {self.width}")
        return self

    @property
    def sae_name(self) -> str:
        return self.name or f"w{self.width}-k{self.k}"


class TrainSpec(Spec):
    """Harvest activations at a hook point and train SAEs on one stream of them."""

    paths: ClassVar[tuple[str, ...]] = ("model", "corpus")

    kind: Literal["train"] = Field(default="train", description="Train SAEs.")
    model: str = Field(default="embedded", min_length=1, max_length=_PATH, description=_MODEL)
    corpus: str = Field(default="stdlib", min_length=1, max_length=_PATH, description=_CORPUS)
    hook_name: str = Field(min_length=1, max_length=_NAME, description=_HOOK)
    recipes: tuple[Recipe, ...] = Field(
        min_length=1, max_length=1_000, description="The SAEs; all are trained on the same stream."
    )
    context_length: int = Field(
        default=128, gt=1, le=_CONTEXT, description="Tokens in a context, special tokens included."
    )
    max_tokens: int | None = Field(
        default=None, gt=0, le=_TOKENS, description="Tokens to harvest; default: the whole corpus."
    )
    tokens: int = Field(gt=0, le=_TOKENS, description="Tokens to train on; more than harvested means several epochs.")
    batch_size: int = Field(default=2048, gt=0, le=_STEP, description="Tokens in one training step.")
    harvest_batch_size: int = Field(default=16, gt=0, le=_CONTEXTS, description=_BATCH)
    dtype: Literal["float32", "bfloat16", "float16"] = Field(
        default="float32", description="Number format of the language model."
    )
    seed: int = Field(default=0, ge=0, le=_SEEDS, description=_SEED)

    @model_validator(mode="after")
    def _names_differ(self) -> "TrainSpec":
        names = [recipe.sae_name for recipe in self.recipes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"recipes: two SAEs are called {twice[0]!r}; give one of them a name")
        return self

    @property
    def title(self) -> str:
        return f"Train {', '.join(recipe.sae_name for recipe in self.recipes)}"


class WordsSpec(Spec):
    """The words of the first-letter task, how a model is asked about them, and how the probes are tested."""

    paths: ClassVar[tuple[str, ...]] = ("model",)

    model: str = Field(default="embedded", min_length=1, max_length=_PATH, description=_MODEL)
    examples: int = Field(default=10, ge=0, le=1_000, description="Example lines before the word in a prompt.")
    test_share: float = Field(default=0.2, gt=0, lt=1, description="Share of the words that only test.")
    leading_space: bool | None = Field(
        default=None, description="Only words with (true) or without (false) a leading space."
    )
    seed: int = Field(default=42, ge=0, le=_SEEDS, description=_SEED)
    batch_size: int = Field(
        default=64, gt=0, le=_CONTEXTS, description="Prompts in one forward pass of the language model."
    )
    latents_per_letter: int = Field(
        default=20, gt=0, le=_LISTED, description="Latents listed for a letter, best F1 first."
    )
    max_k: int = Field(default=15, gt=0, le=_LISTED, description="Largest k of the k-sparse probes.")
    tau: float = Field(default=0.03, ge=0, le=1, description="F1 that a latent must add to be a main latent.")


class LettersSpec(WordsSpec):
    """Fit the 26 letter probes at a hook point, rank each SAE's latents for every letter, and find its main latents."""

    kind: Literal["letters"] = Field(default="letters", description="Letter probes, letter latents and main latents.")
    hook_name: str = Field(min_length=1, max_length=_NAME, description=_HOOK)
    saes: tuple[str, ...] = Field(min_length=1, max_length=_LISTED, description=_SAES)

    @property
    def title(self) -> str:
        return f"Letters of {', '.join(self.saes)}"


class AbsorptionSpec(WordsSpec):
    """The whole first-letter study: letters, and where another latent has absorbed one (2409.14507).

    It takes SAEs of any number of hook points; the model reads the prompts once for all of them. What a job before it
    has finished with the same settings is not done again.
    """

    kind: Literal["absorption"] = Field(default="absorption", description="Letters, main latents and absorption.")
    saes: tuple[str, ...] = Field(
        default=("*",),
        min_length=1,
        max_length=_LISTED,
        description=f"{_SAES} '*': all of the store that were trained on this model.",
    )
    hook_names: tuple[str, ...] = Field(
        default=(),
        max_length=_LISTED,
        description="Hook points to study; default: those that the SAEs were trained on.",
    )
    words: Literal["test", "all"] = Field(
        default="test", description="Words that are judged: those that only test, as in the paper, or all."
    )
    attribution: Literal["ig", "exact"] = Field(
        default="ig", description="Effects by integrated gradients, or by running the model without each latent."
    )
    ig_path: Literal["joint", "latents_only"] = Field(
        default="joint", description="Whether the SAE's error goes to zero along with the latents, as in the paper."
    )
    ig_rule: Literal["left", "midpoint"] = Field(default="left", description="Where a step's gradient is taken.")
    ig_steps: int = Field(default=6, gt=0, le=_LISTED, description="Steps of integrated gradients.")
    exact_top: int = Field(
        default=2,
        ge=0,
        le=_LISTED,
        description="Leading latents of a word that are also removed for real, to store both figures.",
    )
    again: bool = Field(default=False, description="Study SAEs again that were studied with these settings before.")
    max_words: int = Field(
        default=200, gt=0, le=_STEP, description="Candidates of a letter whose effects are measured, at most."
    )
    lead: float = Field(default=1.0, ge=0, le=1e9, description="Logits by which the first effect leads the second.")
    min_cosine: float = Field(
        default=0.025, ge=-1, le=1, description="Least cosine of an absorber's decoder row with the probe direction."
    )

    @property
    def title(self) -> str:
        return "Absorption of all SAEs" if self.saes == ("*",) else f"Absorption of {', '.join(self.saes)}"


class AblationSpec(WordsSpec):
    """Run the model again on one word's prompt, each time without one of the latents that fire at the word."""

    kind: Literal["ablation"] = Field(default="ablation", description="Remove the latents of one word for real.")
    hook_name: str = Field(min_length=1, max_length=_NAME, description=_HOOK)
    sae: str = Field(min_length=1, max_length=_PATH, description="SAE, by id or by name.")
    word: str = Field(min_length=1, max_length=_NAME, description="The word's surface, with its leading space.")

    @property
    def title(self) -> str:
        return f"Ablation of {self.word!r} in {self.sae}"


class LatentsSpec(Spec):
    """Latent statistics, latent activations and per-token errors of SAEs on a corpus."""

    paths: ClassVar[tuple[str, ...]] = ("model", "corpus")

    kind: Literal["latents"] = Field(default="latents", description="Latent statistics and activations.")
    model: str = Field(default="embedded", min_length=1, max_length=_PATH, description=_MODEL)
    corpus: str = Field(default="stdlib", min_length=1, max_length=_PATH, description=_CORPUS)
    hook_name: str = Field(min_length=1, max_length=_NAME, description=_HOOK)
    saes: tuple[str, ...] = Field(min_length=1, max_length=_LISTED, description=_SAES)
    context_length: int = Field(
        default=128, gt=1, le=_CONTEXT, description="Tokens in a context, special tokens included."
    )
    max_tokens: int | None = Field(
        default=None, gt=0, le=_TOKENS, description="Tokens to read; default: the whole corpus."
    )
    batch_size: int = Field(default=16, gt=0, le=_CONTEXTS, description=_BATCH)
    store_activations: bool = Field(
        default=True, description="Keep every firing, so that tokens and latents can be looked up."
    )
    promoted_tokens: int = Field(
        default=10, gt=0, le=_LISTED, description="Tokens listed that a latent's decoder raises, and lowers, most."
    )
    top_tokens: int = Field(
        default=10,
        gt=0,
        le=_LISTED,
        description="Token surfaces listed with the largest share of a latent's activation.",
    )
    histogram_bins: int = Field(
        default=20, gt=0, le=_LISTED, description="Bins of the histogram of a latent's activations."
    )
    neighbours: int = Field(
        default=5, ge=0, le=_LISTED, description="Nearest latents listed, in the same SAE and in each other one."
    )
    seed: int = Field(default=0, ge=0, le=_SEEDS, description=_SEED)

    @property
    def title(self) -> str:
        return f"Latents of {', '.join(self.saes)}"


class ErrorsSpec(Spec):
    """What the SAEs of a hook point leave out of one token set, linear and not, token by token (2410.14670)."""

    paths: ClassVar[tuple[str, ...]] = ("model", "corpus")

    kind: Literal["errors"] = Field(default="errors", description="Errors of SAEs, token by token.")
    model: str = Field(default="embedded", min_length=1, max_length=_PATH, description=_MODEL)
    corpus: str = Field(default="stdlib", min_length=1, max_length=_PATH, description=_CORPUS)
    hook_name: str = Field(min_length=1, max_length=_NAME, description=_HOOK)
    saes: tuple[str, ...] = Field(
        default=("*",),
        min_length=1,
        max_length=_LISTED,
        description=f"{_SAES} '*': all of the store that were trained there.",
    )
    context_length: int = Field(
        default=128, gt=1, le=_CONTEXT, description="Tokens in a context, special tokens included."
    )
    max_tokens: int | None = Field(
        default=None, gt=0, le=_TOKENS, description="Tokens to read; default: the whole corpus."
    )
    first_position: int = Field(
        default=0, ge=0, lt=_CONTEXT, description="Positions before it are left out of all figures."
    )
    test_share: float = Field(default=0.4, gt=0, lt=1, description="Share of the contexts that the fits do not see.")
    intercept: bool = Field(default=True, description="Whether the linear map has one; the published code has none.")
    losses: bool = Field(default=True, description="Whether the model is run with each SAE, to see what errors cost.")
    loss_contexts: int = Field(
        default=128,
        gt=0,
        le=_TOKENS,
        description="Held-out contexts on which the parts of the error are put back one at a time.",
    )
    pursuit_tokens: int | None = Field(
        default=None,
        ge=0,
        le=_TOKENS,
        description="Held-out tokens whose codes are pursued, for the breakdown; 0: none. Default: enough to part the "
        "errors, about 35 for each dimension of the activations.",
    )
    batch_size: int = Field(default=16, gt=0, le=_CONTEXTS, description=_BATCH)
    seed: int = Field(default=0, ge=0, le=_SEEDS, description=_SEED)

    @property
    def title(self) -> str:
        return f"Errors at {self.hook_name}" if self.saes == ("*",) else f"Errors of {', '.join(self.saes)}"


class PursuitSpec(WordsSpec):
    """Find the codes of some tokens anew in an SAE's own dictionary: what a better encoder could do (2410.14670)."""

    paths: ClassVar[tuple[str, ...]] = ("model", "corpus")

    kind: Literal["pursuit"] = Field(default="pursuit", description="Codes by gradient pursuit.")
    corpus: str = Field(default="stdlib", min_length=1, max_length=_PATH, description=_CORPUS)
    hook_name: str = Field(min_length=1, max_length=_NAME, description=_HOOK)
    sae: str = Field(min_length=1, max_length=_PATH, description="SAE, by id or by name.")
    places: tuple[tuple[_Place, _Place], ...] = Field(
        default=(), max_length=1_000_000, description="Tokens as (context, position)."
    )
    words: tuple[str, ...] = Field(
        default=(), max_length=100_000, description="Words of the first-letter task, in their prompts."
    )
    random_tokens: int = Field(
        default=0,
        ge=0,
        le=_TOKENS,
        description="Tokens drawn from the corpus, of the contexts that the linear map has not seen.",
    )
    chosen: str = Field(
        default="", max_length=1_000, description="What a person calls these tokens, e.g. 'hardest 200'."
    )
    context_length: int = Field(
        default=128, gt=1, le=_CONTEXT, description="Tokens in a context, special tokens included."
    )
    max_tokens: int | None = Field(
        default=None, gt=0, le=_TOKENS, description="Tokens of the corpus; default: the whole corpus."
    )
    corpus_id: str | None = Field(
        default=None, description="Id of the token set that the places are in; refused where the corpus gives another."
    )
    study: str | None = Field(
        default=None,
        pattern=_ID,
        description="Error study whose linear map parts the errors; default: the SAE's newest.",
    )
    fit_tokens: int | None = Field(
        default=None,
        ge=0,
        le=_TOKENS,
        description="Tokens on which the linear part of what pursuit changes is fitted; default: 20 to 100 for each "
        "dimension; 0: no nonlinear part after the pursuit.",
    )
    method: Literal["persistent", "dark_matter", "orthogonal", "polish", "nnls"] = Field(
        default="persistent",
        description="Gradient pursuit ('persistent'), as published ('dark_matter'), with more gradient steps at the "
        "end ('polish'), with the best weights for its latents ('nnls'); orthogonal matching pursuit ('orthogonal').",
    )
    l0: int | None = Field(
        default=None, gt=0, le=_WIDTH, description="Latents of each token; default: as many as the SAE used."
    )

    @model_validator(mode="after")
    def _has_tokens(self) -> "PursuitSpec":
        if not (self.places or self.words or self.random_tokens):
            raise ValueError("no tokens: name places or words, or give random_tokens")
        return self

    @property
    def title(self) -> str:
        return f"Pursuit of {self.chosen or 'tokens'} in {self.sae}"


def kind_of(spec: type[Spec]) -> str:
    """The name of a spec class's kind."""
    return str(spec.model_fields["kind"].default)
