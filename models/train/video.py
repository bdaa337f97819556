"""Trains the video UNet on whole clips, from the image UNet's weights.

Its spatial layers are the image UNet's, tensor for tensor, and every temporal layer starts as the
identity, so before the first step it draws each frame exactly as the image UNet does.
"""

import torch
from diffusers import UNet2DConditionModel
from torch import nn

from .architectures import video_unet
from .diffusion import STEPS, CaptionTable, Latents, add_noise, noise_loss
from .loop import fit, train_dir
from .parallel import rank, world

BATCH = 4
CAPTION_DROP = 0.1
# Mixing two inversions leaves noise somewhat weaker than the schedule's; some samples are like that.
WEAK_SHARE, WEAKEST = 0.3, 0.8
OPPOSITE = {"left": "right", "right": "left", "up": "down", "down": "up"}


def train(plan):
    torch.manual_seed(plan.seed)
    batch = BATCH // world()
    latents = Latents()
    embed = CaptionTable(latents.captions)
    model = inflate(UNet2DConditionModel.from_pretrained(train_dir() / "unet"))

    def loss_of(_progress):
        clips = torch.randint(len(latents), (batch,))
        clean = latents.latents[clips].float().transpose(1, 2)
        captions = [latents.captions[i] for i in clips.tolist()]
        # A clip played backwards is one more clip: it moves the opposite way.
        backwards = torch.rand(batch) < 0.5
        clean = torch.where(backwards.view(-1, 1, 1, 1, 1), clean.flip(2), clean).contiguous()
        captions = [
            reversed_caption(caption) if back else caption
            for caption, back in zip(captions, backwards.tolist(), strict=True)
        ]
        times, noise = torch.randint(STEPS, (batch,)), _draw_noise(clean)
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
            noisy = add_noise(clean, noise, times)
            predicted = model(noisy, times, embed(captions, CAPTION_DROP)).sample
        return noise_loss(predicted, noise, times)

    fit(plan, model, loss_of)
    if rank() == 0:
        model.save_pretrained(train_dir() / "video_unet")


def inflate(image_unet):
    """A video UNet that draws each frame as `image_unet` would."""
    model = video_unet()
    weights = model.state_dict() | image_unet.state_dict()
    model.load_state_dict(weights)
    for name, weight in model.named_parameters():
        temporal = "temp_attentions" in name or "transformer_in" in name
        if temporal and ".proj_out." in name:
            nn.init.zeros_(weight)
    return model


def _draw_noise(clean):
    """Noise for clips (B, 4, F, h, w); a share of the clips gets it scaled down."""
    weak = (torch.rand(len(clean)) < WEAK_SHARE).float()
    scale = 1 - weak * torch.rand(len(clean)) * (1 - WEAKEST)
    return scale.view(-1, 1, 1, 1, 1) * torch.randn_like(clean)


def reversed_caption(caption):
    return " ".join(OPPOSITE.get(word, word) for word in caption.split())
