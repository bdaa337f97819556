"""Checkpoints that are one file with the names of the original code, as Stable Diffusion was first published."""
