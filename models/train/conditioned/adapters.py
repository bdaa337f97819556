"""Trains T2I-Adapters on single frames; the image UNet stays as it is.

An adapter looks at the control picture once, not once a step, and adds to what the UNet's encoder
sees. That is little to say it with, so training looks mostly at the noisy steps, where it is decided
what goes where (as the adapters' authors do).
"""

import torch
from diffusers import UNet2DConditionModel

from ..architectures import adapter
from .controlnet import depth_controls
from ..diffusion import STEPS, CaptionTable, Latents, add_noise, early_noise_loss
from ..loop import fit, train_dir
from ..parallel import rank, world

BATCH = 8
CAPTION_DROP = 0.3


def train_depth(plan):
    _fit(plan, "adapter_depth", 3, lambda _: depth_controls)


def train_canny(plan):
    """On outlines of canny or of the true mask; one channel."""
    _fit(plan, "adapter_canny", 1, lambda latents: lambda c, f: latents.controls(c, f)[:, :1])


def _fit(plan, name, channels, controls_of):
    torch.manual_seed(plan.seed)
    model = adapter(channels)
    batch = BATCH // world()
    latents = Latents()
    embed = CaptionTable(latents.captions)
    unet = UNet2DConditionModel.from_pretrained(train_dir() / "unet").requires_grad_(False)
    draw_controls = controls_of(latents)

    def loss_of(_progress):
        clips = torch.randint(len(latents), (batch,))
        frames = torch.randint(latents.latents.shape[1], (batch,))
        clean, control = latents.frames(clips, frames), draw_controls(clips, frames)
        text = embed([latents.captions[i] for i in clips.tolist()], CAPTION_DROP)
        times, noise = noisy_times(batch), torch.randn_like(clean)
        noisy = add_noise(clean, noise, times)
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
            features = model(control)
            predicted = unet(
                noisy, times, text, down_intrablock_additional_residuals=features
            ).sample
        return early_noise_loss(predicted, noise, times)

    fit(plan, model, loss_of)
    if rank() == 0:
        model.save_pretrained(train_dir() / name)


def noisy_times(count):
    """Steps, the noisy ones more often: 1 - u ** 3 of all, of a uniform u."""
    return ((1 - torch.rand(count) ** 3) * STEPS).long().clamp(max=STEPS - 1)
