"""Screen 2: which latents claim a letter, and how well?"""
