"""Errors about a model, a hook point or a corpus that a person named."""

from saetui.exceptions import SaetuiError


class ModelError(SaetuiError):
    """A language model that cannot be loaded or used; the message names the file, the field and the fix."""


class NoLogitLensError(ModelError):
    """A hook point from which no straight way leads to the logits; the message says what stands in it."""


class HookPointError(SaetuiError):
    """A hook point that the model does not have, or that does not fit an SAE."""


class CorpusError(SaetuiError):
    """A text that cannot be read or cut into contexts; the message names the file and the place in it."""
