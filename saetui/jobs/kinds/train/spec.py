"""What the train job is to do."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_serializer, model_validator

from saetui.jobs.specs import (
    BATCH,
    CORPUS,
    HOOK,
    ID,
    LONGEST_NAME,
    LONGEST_PATH,
    MODEL,
    MOST_CONTEXT,
    MOST_CONTEXTS,
    MOST_SEED,
    MOST_STEP,
    MOST_TOKENS,
    MOST_WIDTH,
    SEED,
    Frozen,
    OneOf,
    Spec,
)
from saetui.plugins import architecture_names
from saetui.recipes import TrainedBy


class Recipe(Frozen):
    """One SAE to train."""

    architecture: Annotated[str, OneOf(architecture_names)] = Field(default="topk", description="SAE architecture.")
    width: int = Field(gt=0, le=MOST_WIDTH, description="Number of latents.")
    k: int | None = Field(
        default=None,
        gt=0,
        le=MOST_WIDTH,
        description="Latents kept per token, for architectures that keep a number of them.",
    )
    settings: dict[str, float] = Field(
        default_factory=dict,
        max_length=100,
        description="Settings of the training loss, e.g. l1_coefficient; default: those of the architecture.",
    )
    lr: float | None = Field(
        default=None,
        gt=0,
        le=1e100,
        description="Learning rate of Adam; default: that of the architecture, or by width.",
    )
    auxk: int | None = Field(
        default=None, ge=0, le=MOST_WIDTH, description="Dead latents that model an error; default: d_in / 2."
    )
    dead_tokens: int | None = Field(
        default=None, gt=0, le=MOST_TOKENS, description="Silent tokens that make one dead; default: 5%."
    )
    name: str | None = Field(
        default=None,
        pattern=ID,
        max_length=LONGEST_NAME,
        description="Short name; default: w<width>-k<k>, or <architecture>-w<width> without k.",
    )
    seed: int = Field(default=0, ge=0, le=MOST_SEED, description="Seed of the SAE's first weights.")

    @model_validator(mode="after")
    def _k_fits(self) -> "Recipe":
        if self.k is not None and self.k > self.width:
            raise ValueError(f"k = {self.k} is more than width = {self.width}")
        return self

    @property
    def sae_name(self) -> str:
        own = f"{self.architecture}-w{self.width}" if self.k is None else f"w{self.width}-k{self.k}"
        return self.name or own

    @model_serializer(mode="wrap")
    def _as_before(self, write: Any) -> dict[str, Any]:
        """Without settings where there are none: what is hashed of a recipe stays as it was before they existed."""
        written: dict[str, Any] = write(self)
        if not self.settings:
            written.pop("settings", None)
        return written


class TrainSpec(Spec):
    """Harvest activations at a hook point and train SAEs on one stream of them."""

    paths: ClassVar[tuple[str, ...]] = ("model", "corpus")

    kind: Literal["train"] = Field(default="train", description="Train SAEs.")
    model: str = Field(default="embedded", min_length=1, max_length=LONGEST_PATH, description=MODEL)
    corpus: str = Field(default="stdlib", min_length=1, max_length=LONGEST_PATH, description=CORPUS)
    hook_name: str = Field(min_length=1, max_length=LONGEST_NAME, description=HOOK)
    recipes: tuple[Recipe, ...] = Field(
        min_length=1, max_length=1_000, description="The SAEs; all are trained on the same stream."
    )
    context_length: int = Field(
        default=128, gt=1, le=MOST_CONTEXT, description="Tokens in a context, special tokens included."
    )
    max_tokens: int | None = Field(
        default=None, gt=0, le=MOST_TOKENS, description="Tokens to harvest; default: the whole corpus."
    )
    tokens: int = Field(
        gt=0, le=MOST_TOKENS, description="Tokens to train on; more than harvested means several epochs."
    )
    batch_size: int = Field(default=2048, gt=0, le=MOST_STEP, description="Tokens in one training step.")
    harvest_batch_size: int = Field(default=16, gt=0, le=MOST_CONTEXTS, description=BATCH)
    dtype: Literal["float32", "bfloat16", "float16"] = Field(
        default="float32", description="Number format of the language model."
    )
    seed: int = Field(default=0, ge=0, le=MOST_SEED, description=SEED)

    @model_validator(mode="after")
    def _names_differ(self) -> "TrainSpec":
        names = self.made_saes
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"recipes: two SAEs are called {twice[0]!r}; give one of them a name")
        return self

    def trained_by(self, recipe: Recipe) -> TrainedBy:
        """How one of the SAEs is trained, as the store keeps it."""
        of_job = ("corpus", "tokens", "batch_size", "context_length", "max_tokens", "dtype")
        return TrainedBy(
            **{name: getattr(self, name) for name in of_job},
            **{name: getattr(recipe, name) for name in ("architecture", "lr", "auxk", "dead_tokens", "seed")},
            settings=tuple(sorted(recipe.settings.items())),
        )

    @property
    def made_saes(self) -> tuple[str, ...]:
        return tuple(recipe.sae_name for recipe in self.recipes)

    @property
    def title(self) -> str:
        return f"Train {', '.join(self.made_saes)}"
