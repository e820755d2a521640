"""Screen 5: could a better encoder have done it?"""
