"""Trains the video UNet on whole clips, from the image UNet's weights.

Its spatial layers are the image UNet's, tensor for tensor, and every temporal layer starts as the
identity, so before the first step it draws each frame exactly as the image UNet does. `refine` goes
on with noise that looks more like an inversion's: its brightness is off per clip and per frame.
"""

import torch
from diffusers import UNet2DConditionModel, UNet3DConditionModel
from torch import nn

from .architectures import video_unet
from .diffusion import STEPS, CaptionTable, Latents, add_noise, noise_loss
from .loop import fit, train_dir
from .parallel import rank, world

BATCH = 4
CAPTION_DROP = 0.1
# Mixing two inversions leaves noise somewhat weaker than the schedule's; some samples are like that.
WEAK_SHARE, WEAKEST = 0.3, 0.8
# Deviation of the offsets in refining; those of inverted clips were measured at 0.1 to 0.3.
CLIP_OFFSET, FRAME_OFFSET = 0.15, 0.2
OPPOSITE = {"left": "right", "right": "left", "up": "down", "down": "up"}


def train(plan):
    image_unet = UNet2DConditionModel.from_pretrained(train_dir() / "unet")
    _fit(plan, lambda: inflate(image_unet), 0.0)


def refine(plan):
    _fit(plan, lambda: UNet3DConditionModel.from_pretrained(train_dir() / "video_unet").train(), 1.0)


def _fit(plan, start, offsets):
    torch.manual_seed(plan.seed)
    batch = BATCH // world()
    latents = Latents()
    embed = CaptionTable(latents.captions)
    model = start()

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
        times, noise = torch.randint(STEPS, (batch,)), _draw_noise(clean, offsets)
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


def _draw_noise(clean, offsets):
    """Noise for clips (B, 4, F, h, w). A share of the clips gets it scaled down; those clips whose
    turn it is (3 of 4, times `offsets`) get every channel shifted, per clip and per frame."""
    batch, channels, frames = clean.shape[:3]
    weak = (torch.rand(batch) < WEAK_SHARE).float()
    scale = 1 - weak * torch.rand(batch) * (1 - WEAKEST)
    noise = scale.view(-1, 1, 1, 1, 1) * torch.randn_like(clean)
    shift = CLIP_OFFSET * torch.randn(batch, channels, 1, 1, 1)
    shift = shift + FRAME_OFFSET * torch.randn(batch, channels, frames, 1, 1)
    shifted = offsets * (torch.rand(batch, 1, 1, 1, 1) < 0.75)
    return noise + shifted * shift


def reversed_caption(caption):
    return " ".join(OPPOSITE.get(word, word) for word in caption.split())
