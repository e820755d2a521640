"""Screen 1: which SAEs are there, and how good are they?"""
