"""Cards: what is known of one latent, word or place, read beside the interface."""
