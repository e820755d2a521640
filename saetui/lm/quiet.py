"""Silences the model libraries, whose progress bars and log lines would end up on somebody's screen or in a pipe."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, warnings, log lines or questions of transformers, the hub client and TransformerLens inside."""
    import huggingface_hub.utils
    import transformers.dynamic_module_utils
    import transformers.utils.logging

    hub: Any = huggingface_hub.utils
    library: Any = transformers.utils.logging
    root = logging.getLogger()
    hub_logger = logging.getLogger("huggingface_hub")
    hub_level = hub_logger.level
    verbosity, disabled = library.get_verbosity(), root.disabled
    bars, hub_bars = library.is_progress_bar_enabled(), not hub.are_progress_bars_disabled()
    library.set_verbosity_error()
    library.disable_progress_bar()
    hub.disable_progress_bars()
    root.disabled = True  # TransformerLens logs straight to the root logger; other loggers are not touched by this.
    hub_logger.setLevel(logging.ERROR)
    # Nobody is there to answer whether to run a stranger's code: it is an error at once.
    remote: Any = transformers.dynamic_module_utils
    patience, remote.TIME_OUT_REMOTE_CODE = remote.TIME_OUT_REMOTE_CODE, 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        remote.TIME_OUT_REMOTE_CODE = patience
        hub_logger.setLevel(hub_level)
        root.disabled = disabled
        library.set_verbosity(verbosity)
        if bars:
            library.enable_progress_bar()
        if hub_bars:
            hub.enable_progress_bars()
