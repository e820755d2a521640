"""A terminal workbench that finds where sparse autoencoders say what a language model means, and where they fail."""

__version__ = "0.1.0"
