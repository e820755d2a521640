"""The figures, one file per figure, which has the figure's name and a ``KIND``."""
