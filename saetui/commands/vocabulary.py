"""All commands in the order in which help and palette list them."""

from saetui.commands import absorption, app, figures, jobs, letters, navigate, note, select, study, table

_FILES = (table, select, letters, absorption, navigate, note, jobs, study, figures, app)
GROUPS = tuple(module.__name__.rpartition(".")[2] for module in _FILES)
