"""A query to read, with its values in it."""

from collections.abc import Mapping
from typing import Any

from textual.highlight import highlight

from saetui.tui.panels.scroll import TextPanel
from saetui.workbench.sql_text import literal_sql


def query_panel(sql: str, parameters: Mapping[str, Any]) -> TextPanel:
    """The query as it can be run elsewhere; ``y`` copies it."""
    written = literal_sql(sql, parameters).strip()
    return TextPanel("query", highlight(written, language="sql"), copied=written, what="query")
