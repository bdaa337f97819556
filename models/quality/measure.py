"""Figures of one clip, in a process of its own, and of the autoencoder."""

import numpy as np
import torch

from parity.reference import Reference
from train import data
from train.vae import measure as measure_vae
from train.vae import to_tensor

from . import clips, metrics
from .graphs import open_reference

VAE_FRAMES = 48


@torch.no_grad()
def measure_clip(folder, settings, index):
    """Figures by row for one clip, and its picture: a line of frames for every row."""
    torch.set_num_threads(1)
    task = clips.draw_task(index)
    reference = open_reference(folder, settings.steps)
    made = clips.run(reference, clips.digest_of(folder), task, settings)
    figures = {
        name: metrics.measure(
            clip, task.outlines, task.source.spec if name == "source" else task.wanted,
            made["frames"],
        )
        for name, clip in made.items()
    }
    shown = [name for name in made if name in ("source", "frames") or name.startswith("ratio")]
    return figures, np.concatenate([np.concatenate(list(made[name]), 1) for name in shown])


@torch.no_grad()
def psnr(folder):
    """Of the autoencoder over whole held-out frames, in dB."""
    torch.set_num_threads(2)
    frames = [data.draw("held-out", i, 1).frames for i in range(VAE_FRAMES)]
    vae = Reference(folder, 1).vae
    return measure_vae(vae, to_tensor(np.concatenate(frames)))["psnr"]
