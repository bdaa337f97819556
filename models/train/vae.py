"""Trains the autoencoder: 128x128 RGB to 4x16x16 latents and back.

Two stages: `vae` on crops from scratch, and `vae_refine`, which goes on from its weights and ends
on whole frames, since GroupNorm's statistics over a crop are not those over a frame.
"""

import numpy as np
import torch
from diffusers import AutoencoderKL

from . import data
from .architectures import autoencoder
from .loop import fit, train_dir

CLIPS, FRAMES_A_CLIP = 4000, 2
HELD_OUT = 24
BATCH, CROP = 16, 64
KL_WEIGHT, L1_WEIGHT = 1e-5, 0.05
FLOAT32_FROM = 0.85  # of the run: bfloat16 before, float32 after
WHOLE_FRAMES_FROM = 0.65  # of the refining run


def train(plan):
    _fit(plan, autoencoder, whole_frames_from=1.0)


def refine(plan):
    _fit(
        plan, lambda: AutoencoderKL.from_pretrained(train_dir() / "vae").train(), WHOLE_FRAMES_FROM
    )


def to_tensor(frames):
    """uint8 (N, H, W, 3) to float32 (N, 3, H, W) in -1..1."""
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1


def measure(model, frames):
    """Mean PSNR in dB over whole frames (float32 in -1..1) and the latents' deviation."""
    latents = model.encode(frames).latent_dist.mode()
    restored = model.decode(latents).sample.clamp(-1, 1)
    error = (restored - frames).square().mean((1, 2, 3))
    return dict(psnr=(10 * torch.log10(4 / error)).mean().item(), latentStd=latents.std().item())


def _fit(plan, start, whole_frames_from):
    clips = [data.draw("train", i, FRAMES_A_CLIP).frames for i in range(CLIPS)]
    frames = torch.from_numpy(np.concatenate(clips)).permute(0, 3, 1, 2).contiguous()
    held_out = to_tensor(
        np.concatenate([data.draw("held-out", i, 1).frames for i in range(HELD_OUT)])
    )
    torch.manual_seed(plan.seed)
    model = start()

    def loss_of(progress):
        pictures = _pick(frames, data.SIZE if progress > whole_frames_from else CROP)
        with torch.autocast("cpu", torch.bfloat16, enabled=progress < FLOAT32_FROM):
            posterior = model.encode(pictures).latent_dist
            restored = model.decode(posterior.sample()).sample
        mean, logvar = posterior.mean.float(), posterior.logvar.float()
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        error = restored.float() - pictures
        return error.square().mean() + L1_WEIGHT * error.abs().mean() + KL_WEIGHT * kl

    summary = fit(plan, model, loss_of, lambda m: measure(m, held_out))
    model.register_to_config(scaling_factor=1 / summary["history"][-1]["latentStd"])
    model.save_pretrained(train_dir() / "vae")


def _pick(frames, size):
    """Random crops of `size` pixels, as many as hold the same number of pixels as BATCH crops."""
    count = BATCH * CROP**2 // size**2
    pick = torch.randint(len(frames), (count,))
    top, left = torch.randint(data.SIZE - size + 1, (2,)).tolist()
    return frames[pick, :, top : top + size, left : left + size].float() / 127.5 - 1
