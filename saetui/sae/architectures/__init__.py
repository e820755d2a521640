"""The architectures of sparse autoencoders, one file per architecture."""
