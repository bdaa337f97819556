"""Trainings of image UNets, and of what is fused into them, that see something beside noise: a control, what is known, a picture to edit."""
