"""Screen 4: which tokens stay hard as the SAE grows?"""
