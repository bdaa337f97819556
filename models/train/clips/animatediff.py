"""Trains AnimateDiff's motion adapter."""

import torch
from diffusers import UNet2DConditionModel
from torch import nn

from video.animatediff import AnimateDiffUnet, is_temporal

from ..architectures import motion_adapter
from ..loop import train_dir
from ..parallel import rank
from .temporal import train_temporal_layers


def train(plan):
    torch.manual_seed(plan.seed)
    adapter = motion_adapter()
    for name, weight in adapter.named_parameters():
        if ".proj_out." in name:
            nn.init.zeros_(weight)  # so that it begins as the image UNet
    image_unet = UNet2DConditionModel.from_pretrained(train_dir() / "unet")
    model = AnimateDiffUnet(image_unet, adapter)
    train_temporal_layers(plan, model, is_temporal)
    trained = model.unet.state_dict()
    adapter.load_state_dict({name: trained[name] for name in adapter.state_dict()})
    if rank() == 0:
        adapter.save_pretrained(train_dir() / "motion_adapter")
