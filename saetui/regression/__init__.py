"""Linear regression from sums over batches: what the studies of errors and of pursuits both fit with."""
