"""Sensitivity of the tuned numbers: each is changed by itself in a process of its own, and its task is run again."""
