"""Trains ControlNets on single frames; the image UNet stays as it is.

The one for outlines starts as a copy of the UNet's encoder. Those for depth and for joints start
from it: where things are is in all three pictures, only drawn otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import ControlNetModel, UNet2DConditionModel

from .. import controls, data
from ..architectures import controlnet
from ..diffusion import STEPS, CaptionTable, Latents, add_noise, early_noise_loss, noise_loss
from ..loop import fit, train_dir
from ..parallel import rank, world

BATCH, BATCH_DERIVED = 16, 8
CAPTION_DROP = 0.3  # so that the control, not the caption, decides where things are


def train(plan):
    """On outlines, of canny or of the true mask."""

    def start(unet):
        return controlnet(unet).requires_grad_(True)

    _fit(plan, Training("controlnet", BATCH, start, lambda latents: latents.controls, noise_loss))


def train_depth(plan):
    """On depth pictures, disturbed as an annotator's are."""
    _fit(plan, _derived("controlnet_depth", depth_controls))


def train_pose(plan):
    """On skeletons, disturbed as an annotator's are."""
    _fit(plan, _derived("controlnet_pose", pose_controls))


@dataclass(frozen=True)
class Training:
    """What differs between the trainings."""

    name: str
    batch: int
    start: Callable  # image UNet -> the ControlNet to begin with
    controls_of: Callable  # latents -> a function from clips and frames to control pictures
    loss: Callable  # predicted, noise, times -> scalar


def _derived(name, draw_controls):
    """One that starts from the outlines': with little to learn, twice the steps of half the samples
    go farther in the same time."""
    return Training(name, BATCH_DERIVED, _from_outlines, lambda _: draw_controls, early_noise_loss)


def depth_controls(clips, frames):
    """Depth pictures of one frame of each training clip, float32 (B, 3, H, W) in 0..1."""
    pictures = [controls.rough_depth(rng, d[0]) for rng, d, _ in _truths(clips, frames)]
    return torch.from_numpy(np.stack(pictures))[:, None].repeat(1, 3, 1, 1)


def pose_controls(clips, frames):
    """Skeletons of one frame of each training clip, float32 (B, 3, H, W) in 0..1."""
    pictures = [controls.rough_pose(rng, joints[0]) for rng, _, joints in _truths(clips, frames)]
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()


def _truths(clips, frames):
    """The clips of latents.pt by their index in the training split."""
    rng = np.random.default_rng(torch.randint(2**31, (1,)).item())
    for clip, frame in zip(clips.tolist(), frames.tolist(), strict=True):
        yield rng, *data.truth("train", clip, frame)


def _from_outlines(_unet):
    return ControlNetModel.from_pretrained(train_dir() / "controlnet").requires_grad_(True).train()


def _fit(plan, training):
    torch.manual_seed(plan.seed)
    batch = training.batch // world()
    latents = Latents()
    embed = CaptionTable(latents.captions)
    unet = UNet2DConditionModel.from_pretrained(train_dir() / "unet").requires_grad_(False)
    model = training.start(unet)
    draw_controls = training.controls_of(latents)

    def loss_of(_progress):
        clips = torch.randint(len(latents), (batch,))
        frames = torch.randint(latents.latents.shape[1], (batch,))
        clean, control = latents.frames(clips, frames), draw_controls(clips, frames)
        text = embed([latents.captions[i] for i in clips.tolist()], CAPTION_DROP)
        times, noise = torch.randint(STEPS, (batch,)), torch.randn_like(clean)
        noisy = add_noise(clean, noise, times)
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
            down, mid = model(noisy, times, text, control, return_dict=False)
            predicted = unet(
                noisy,
                times,
                text,
                down_block_additional_residuals=down,
                mid_block_additional_residual=mid,
            ).sample
        return training.loss(predicted, noise, times)

    fit(plan, model, loss_of)
    if rank() == 0:
        model.save_pretrained(train_dir() / training.name)
