"""A forward pass that goes on from an edit in the middle of a model, instead of starting again.

``read_tail`` is the way in: it gives the fast passes where they are the same as whole ones, and whole ones elsewhere.
"""

from saetui.lm.resume.tail import Tail, positions_at_once, read_tail

__all__ = ["Tail", "positions_at_once", "read_tail"]
