"""Job specs: what a job is to do, typed, versioned, and known by the hash of its content."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticKnownError
from pydantic_core.core_schema import no_info_after_validator_function

SCHEMA = 1
# Words for a model or a corpus that never mean a file.
RESERVED = frozenset({"embedded", "stdlib"})

MODEL = "Language model: 'embedded', a folder in the Hugging Face layout, or a hub name."
CORPUS = "Text: 'stdlib', a text file, a folder, a .jsonl file, or 'hf:NAME[:SPLIT[:FIELD]]'."
HOOK = "Hook point in TransformerLens names, e.g. blocks.1.hook_resid_post."
SAES = "SAEs, by id or by name."
SEED = "Seed of everything random in the job; the same seed gives the same rows."
BATCH = "Contexts in one forward pass of the language model."

# Numbers beyond these are typing errors, and would exhaust the memory or the store's columns.
MOST_TOKENS = 10**13
MOST_CONTEXT = 1 << 16
MOST_CONTEXTS = 1 << 20
MOST_STEP = 1 << 24
MOST_WIDTH = 1 << 26
MOST_LISTED = 10_000
MOST_SEED = 2**63 - 1
LONGEST_NAME = 200
LONGEST_PATH = 4096
ID = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


@dataclass(frozen=True)
class OneOf:
    """Allows the words of a registry, as ``Literal`` allows those that are written down."""

    names: Callable[[], tuple[str, ...]]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self._check, handler(source))

    def _check(self, name: str) -> str:
        known = self.names()
        if name not in known:
            raise PydanticKnownError("literal_error", {"expected": " or ".join(map(repr, known))})
        return name


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


class Spec(Frozen):
    """What every kind of job has. A kind is a subclass with ``kind: Literal["name"]``."""

    # Fields whose text may be a path; a relative one is made absolute, since a worker runs in another folder.
    paths: ClassVar[tuple[str, ...]] = ()

    # The study that the kind is the whole of, where that has another name: the kind of that name is its first half.
    whole_study: ClassVar[str | None] = None

    # Other kinds of job that belong to a study of this kind, for the same SAEs.
    along: ClassVar[tuple[str, ...]] = ()

    # Studies whose results the kind compares: it follows each of them where the others have been made.
    compares: ClassVar[tuple[str, ...]] = ()

    # Options added later: at their default they are left out of the document, so that its hash stays the same.
    later: ClassVar[tuple[str, ...]] = ()

    schema_version: Literal[1] = Field(default=1, alias="schema", description="Version of the spec's form.")
    kind: str = Field(description="What the job does.")
    store: str | None = Field(default=None, exclude=True, description="Folder of the store that takes the results.")

    @property
    def title(self) -> str:
        """What a person calls the job."""
        return self.kind

    @property
    def lasts(self) -> bool:
        """Whether it always asks for the same thing; a spec of all SAEs asks for more once there are more."""
        return "*" not in getattr(self, "saes", ())

    @property
    def made_saes(self) -> tuple[str, ...]:
        """Names of the SAEs that the job puts into the store; jobs after it may name them."""
        return ()

    def document(self) -> dict[str, Any]:
        """The spec as JSON data, with all fields; the store is left out, since results move with it."""
        return self.model_dump(mode="json", by_alias=True, exclude=self.unused)

    @property
    def unused(self) -> set[str]:
        """The later options that are at their default."""
        fields = type(self).model_fields
        return {name for name in self.later if getattr(self, name) == fields[name].default}

    @property
    def content_hash(self) -> str:
        """The same for two specs that ask for the same thing."""
        text = json.dumps(self.document(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


class WordsSpec(Spec):
    """The words of the first-letter task, how a model is asked about them, and how the probes are tested."""

    paths: ClassVar[tuple[str, ...]] = ("model",)

    model: str = Field(default="embedded", min_length=1, max_length=LONGEST_PATH, description=MODEL)
    examples: int = Field(default=10, ge=0, le=1_000, description="Example lines before the word in a prompt.")
    test_share: float = Field(default=0.2, gt=0, lt=1, description="Share of the words that are kept for testing.")
    leading_space: bool | None = Field(
        default=None, description="Only words with (true) or without (false) a leading space."
    )
    seed: int = Field(default=42, ge=0, le=MOST_SEED, description=SEED)
    batch_size: int = Field(
        default=64, gt=0, le=MOST_CONTEXTS, description="Prompts in one forward pass of the language model."
    )
    latents_per_letter: int = Field(
        default=20, gt=0, le=MOST_LISTED, description="Latents listed for a letter, best F1 first."
    )
    max_k: int = Field(default=15, gt=0, le=MOST_LISTED, description="Largest k of the k-sparse probes.")
    tau: float = Field(default=0.03, ge=0, le=1, description="F1 that a latent must add to be a main latent.")


def kind_of(spec: type[Spec]) -> str:
    """The name of a spec class's kind."""
    return str(spec.model_fields["kind"].default)
