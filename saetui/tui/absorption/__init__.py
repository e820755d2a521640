"""Screen 3: where do the latents of a letter stay silent, and which latent took over?"""
