"""What the pursuit job is to do."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from saetui.jobs.kinds.pursuit import Method
from saetui.jobs.specs import (
    CORPUS,
    HOOK,
    ID,
    LONGEST_NAME,
    LONGEST_PATH,
    MOST_CONTEXT,
    MOST_TOKENS,
    MOST_WIDTH,
    WordsSpec,
)

Place = Annotated[int, Field(ge=0, lt=1 << 31)]


class PursuitSpec(WordsSpec):
    """Find the codes of some tokens again in an SAE's own dictionary: what a better encoder could do (2410.14670)."""

    paths: ClassVar[tuple[str, ...]] = ("model", "corpus")

    kind: Literal["pursuit"] = Field(default="pursuit", description="Codes by gradient pursuit.")
    corpus: str = Field(default="stdlib", min_length=1, max_length=LONGEST_PATH, description=CORPUS)
    hook_name: str = Field(min_length=1, max_length=LONGEST_NAME, description=HOOK)
    sae: str = Field(min_length=1, max_length=LONGEST_PATH, description="SAE, by id or by name.")
    places: tuple[tuple[Place, Place], ...] = Field(
        default=(), max_length=1_000_000, description="Tokens as (context, position)."
    )
    words: tuple[str, ...] = Field(
        default=(), max_length=100_000, description="Words of the first-letter task, in their prompts."
    )
    random_tokens: int = Field(
        default=0,
        ge=0,
        le=MOST_TOKENS,
        description="Tokens drawn from the corpus, of the contexts that the linear map has not seen.",
    )
    chosen: str = Field(
        default="", max_length=1_000, description="What a person calls these tokens, e.g. 'hardest 200'."
    )
    context_length: int = Field(
        default=128, gt=1, le=MOST_CONTEXT, description="Tokens in a context, special tokens included."
    )
    max_tokens: int | None = Field(
        default=None, gt=0, le=MOST_TOKENS, description="Tokens of the corpus; default: the whole corpus."
    )
    corpus_id: str | None = Field(
        default=None, description="Id of the token set that the places are in; refused where the corpus gives another."
    )
    study: str | None = Field(
        default=None,
        pattern=ID,
        description="Error study whose linear map splits the errors; default: the SAE's newest.",
    )
    fit_tokens: int | None = Field(
        default=None,
        ge=0,
        le=MOST_TOKENS,
        description="Tokens on which the linear part of what pursuit changes is fitted; default: 20 to 100 per "
        "dimension; 0: no nonlinear part after the pursuit.",
    )
    method: Method = Field(
        default="persistent",
        description="Gradient pursuit ('persistent'), as published ('dark_matter'), with more gradient steps at the "
        "end ('polish'), with the best weights for its latents ('nnls'); orthogonal matching pursuit ('orthogonal').",
    )
    l0: int | None = Field(
        default=None, gt=0, le=MOST_WIDTH, description="Latents of each token; default: as many as the SAE used."
    )

    @model_validator(mode="after")
    def _has_tokens(self) -> "PursuitSpec":
        if not (self.places or self.words or self.random_tokens):
            raise ValueError("no tokens: name places or words, or give random_tokens")
        return self

    @property
    def title(self) -> str:
        return f"Pursuit of {self.chosen or 'tokens'} in {self.sae}"
