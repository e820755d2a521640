"""All commands in the order in which help and palette list them."""

from saetui.commands import app, jobs, letters, navigate, note, select, study, table

__all__ = ["app", "jobs", "letters", "navigate", "note", "select", "study", "table"]
