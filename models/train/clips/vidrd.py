"""Trains VidRD's temporal layers."""

import torch
from diffusers import UNet2DConditionModel

from video import vidrd

from ..data import FRAMES
from ..loop import train_dir
from ..parallel import rank
from .temporal import train_temporal_layers


def train(plan):
    torch.manual_seed(plan.seed)
    model = vidrd.VidrdUnet(UNet2DConditionModel.from_pretrained(train_dir() / "unet"))
    _take_off_positions(model)
    train_temporal_layers(plan, model, vidrd.is_temporal)
    if rank() == 0:
        vidrd.save_temporal(model, train_dir() / "vidrd")


@torch.no_grad()
def _take_off_positions(model):
    """Begins with the positions' mean taken off by the attentions' bias: the image UNet's layers have
    never seen positions, and half of these are nearly the same for all frames."""
    for name, layer in model.named_modules():
        if name.endswith(".temp_attn"):
            bias = layer.to_out[0].bias
            bias.copy_(-vidrd.positions(FRAMES, len(bias)).mean(0))
