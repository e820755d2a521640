"""Screen 7: what is the box doing?"""
