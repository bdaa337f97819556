"""Trains the inpainting UNet: nine channels in (noisy latents, mask, latents of what is known).

What the mask hides is drawn by the caption; without one the background goes on. So that it can
tell the two apart, half of the pictures have no shape in them, and those never have a caption;
a shape that is hidden always has one.
"""

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from torch.nn.functional import interpolate

from .. import data
from ..architectures import LATENT_SIZE
from ..diffusion import STEPS, CaptionTable, add_noise, early_noise_loss
from ..loop import fit, train_dir
from ..parallel import rank, world

BATCH = 16
BARE_SHARE = 0.5  # of pictures without a shape
CAPTION_DROP = 0.15
CHANNELS = 9
VISIBLE_SHARE = 0.8  # of a shape, that a picture of it needs no caption
CLIPS = 1_000_000  # of the training split; far more than are drawn


def train(plan):
    torch.manual_seed(plan.seed)
    batch = BATCH // world()
    vae = AutoencoderKL.from_pretrained(train_dir() / "vae").eval().requires_grad_(False)
    embed = CaptionTable(all_captions())
    model = widened(UNet2DConditionModel.from_pretrained(train_dir() / "unet"))

    def loss_of(_progress):
        pictures, masks, captions = samples(batch)
        known = pictures * (masks < 0.5)
        both = vae.encode(torch.cat([pictures, known])).latent_dist.mode()
        clean, hidden = (both * vae.config.scaling_factor).chunk(2)
        small = interpolate(masks, (LATENT_SIZE, LATENT_SIZE))
        times, noise = torch.randint(STEPS, (batch,)), torch.randn_like(clean)
        noisy = torch.cat([add_noise(clean, noise, times), small, hidden], 1)
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
            predicted = model(noisy, times, embed(captions, 0.0)).sample
        # What goes where is decided in the first steps.
        return early_noise_loss(predicted, noise, times)

    fit(plan, model, loss_of)
    if rank() == 0:
        model.save_pretrained(train_dir() / "unet-inpaint")


def widened(unet):
    """The UNet with five more channels in. What is known begins as if it were the picture itself; from
    zeros it is hardly looked at for a thousand steps."""
    narrow = unet.conv_in
    wide = nn.Conv2d(CHANNELS, narrow.out_channels, narrow.kernel_size, padding=narrow.padding)
    with torch.no_grad():
        wide.weight.zero_()
        wide.weight[:, : narrow.in_channels] = narrow.weight
        wide.weight[:, -narrow.in_channels :] = narrow.weight
        wide.bias.copy_(narrow.bias)
    unet.conv_in = wide
    unet.register_to_config(in_channels=CHANNELS)
    return unet.requires_grad_(True).train()


def all_captions():
    return [
        data.Spec(color, shape, direction, paper).caption
        for color in data.COLORS
        for shape in data.SHAPES
        for direction in data.DIRECTIONS
        for paper in data.BACKGROUNDS
    ]


def samples(count):
    """Pictures (B, 3, H, W) in -1..1, masks (B, 1, H, W) of 0 and 1 (1: to be drawn), captions."""
    rng = np.random.default_rng(torch.randint(2**31, (1,)).item())
    pictures, masks, captions = [], [], []
    for _ in range(count):
        clip = data.draw("train", int(rng.integers(CLIPS)), frames=1)
        is_bare = rng.random() < BARE_SHARE
        mask = draw_mask(rng, clip.distance[0])
        inside = clip.mask[0]
        visible = (inside * (1 - mask)).sum() / inside.sum()
        is_dropped = visible > VISIBLE_SHARE and rng.random() < 0.5 or rng.random() < CAPTION_DROP
        captions.append("" if is_bare or (is_dropped and visible > 0.2) else clip.spec.caption)
        pictures.append(clip.background if is_bare else clip.frames[0])
        masks.append(mask)
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return pixels, torch.from_numpy(np.stack(masks))[:, None], captions


def draw_mask(rng, distance):
    """What users hide: the shape and a margin, a rectangle, strips along the sides."""
    size = data.SIZE
    kind = rng.integers(4)
    mask = np.zeros((size, size), np.float32)
    if kind == 0:
        mask[distance < rng.uniform(2, 14)] = 1
    elif kind == 1:
        rows, columns = np.nonzero(distance < rng.uniform(1, 10))
        mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = 1
    elif kind == 2:
        height, width = rng.integers(16, size + 1, 2)
        top, left = rng.integers(size - height + 1), rng.integers(size - width + 1)
        mask[top : top + height, left : left + width] = 1
    else:
        for turn in rng.choice(4, rng.integers(1, 4), replace=False):
            np.rot90(mask, turn)[: rng.integers(8, size // 3)] = 1
    return mask
