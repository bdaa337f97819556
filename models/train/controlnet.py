"""Trains the canny ControlNet on outlines of single frames; the image UNet stays as it is."""

import torch
from diffusers import UNet2DConditionModel

from .architectures import controlnet
from .diffusion import STEPS, CaptionTable, Latents, add_noise, noise_loss
from .loop import fit, train_dir
from .parallel import rank, world

BATCH = 16
CAPTION_DROP = 0.3  # so that the outline, not the caption, decides where things are


def train(plan):
    torch.manual_seed(plan.seed)
    batch = BATCH // world()
    latents = Latents()
    embed = CaptionTable(latents.captions)
    unet = UNet2DConditionModel.from_pretrained(train_dir() / "unet").requires_grad_(False)
    model = controlnet(unet).requires_grad_(True)

    def loss_of(_progress):
        clips = torch.randint(len(latents), (batch,))
        frames = torch.randint(latents.latents.shape[1], (batch,))
        clean, control = latents.frames(clips, frames), latents.controls(clips, frames)
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
        return noise_loss(predicted, noise, times)

    fit(plan, model, loss_of)
    if rank() == 0:
        model.save_pretrained(train_dir() / "controlnet")
