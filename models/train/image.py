"""Trains the image UNet and the text encoder together, on single frames."""

import torch
from torch import nn

from .architectures import image_unet, text_encoder
from .diffusion import STEPS, Latents, add_noise, caption_batch, noise_loss
from .loop import fit, train_dir
from .parallel import rank, world

BATCH = 32
CAPTION_DROP = 0.1


def train(plan):
    torch.manual_seed(plan.seed)
    batch = BATCH // world()
    latents = Latents()
    ids, empty = caption_batch(latents.captions), caption_batch([""])[0]
    models = nn.ModuleDict(dict(unet=image_unet(), text_encoder=text_encoder()))

    def loss_of(_progress):
        clips = torch.randint(len(latents), (batch,))
        clean = latents.frames(clips, torch.randint(latents.latents.shape[1], (batch,)))
        said = torch.where((torch.rand(batch) < CAPTION_DROP)[:, None], empty, ids[clips])
        times, noise = torch.randint(STEPS, (batch,)), torch.randn_like(clean)
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
            text = models["text_encoder"](said).last_hidden_state
            predicted = models["unet"](add_noise(clean, noise, times), times, text).sample
        return noise_loss(predicted, noise, times)

    fit(plan, models, loss_of)
    if rank() > 0:
        return
    for name, model in models.items():
        model.save_pretrained(train_dir() / name)
