"""SAEs while they are trained: what a step computes, which each architecture gives and training drives."""
