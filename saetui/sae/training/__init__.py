"""Training of several sparse autoencoders on one stream of activations."""
