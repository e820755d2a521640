"""All commands in the order in which help and palette list them."""

from saetui.commands import (
    absorption,
    app,
    figures,
    hard_tokens,
    jobs,
    letters,
    navigate,
    note,
    pursuit,
    select,
    study,
    table,
)

_FILES = (table, select, letters, absorption, hard_tokens, pursuit, navigate, note, jobs, study, figures, app)
GROUPS = tuple(module.__name__.rpartition(".")[2] for module in _FILES)
