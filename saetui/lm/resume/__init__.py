"""A forward pass that goes on from an edit in the middle of a model, instead of starting again."""
