"""Trains temporal layers alone, over the image UNet's frozen weights, so that only they are stored.

The first part sees noise as the schedule has it, the second as inversions leave it (see video.py).
"""

from .video import INVERTED, PLAIN, fit_clips

INVERTED_FROM = 0.55  # of the training
BATCH = 2  # with fewer weights in training more and rougher steps get further


def train_temporal_layers(plan, model, is_temporal):
    """Trains those weights of the video UNet `model` whose names `is_temporal` says are temporal."""
    for name, weight in model.named_parameters():
        weight.requires_grad_(is_temporal(name))
    return fit_clips(
        plan,
        model.train,
        lambda progress: PLAIN if progress < INVERTED_FROM else INVERTED,
        batch=BATCH,
    )
