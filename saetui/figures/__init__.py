"""Figures for the terminal and for a paper: each a question, a query, and a description that is drawn twice."""

from saetui.figures.catalogue import FIGURES, figure
from saetui.figures.errors import FigureError
from saetui.figures.figure import Figure

__all__ = ["FIGURES", "Figure", "FigureError", "figure"]
