"""Codes by gradient pursuit."""

from typing import Literal, TypeAlias, get_args

Method: TypeAlias = Literal["persistent", "dark_matter", "orthogonal", "polish", "nnls"]
METHODS: tuple[Method, ...] = get_args(Method)
