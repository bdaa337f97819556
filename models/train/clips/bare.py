"""Refines the video UNet on clips without a shape too, as a removal leaves them.

Trained on clips that all show one, it draws a shape into any noise. A share of the clips are bare
backgrounds here, under no caption or one that names the background alone; the others are those it
knows, so that it forgets none of them. Noise is that of `video.refine`.
"""

import torch
from diffusers import AutoencoderKL, UNet3DConditionModel

from .. import data
from ..conditioned.inpaint import all_captions
from ..diffusion import CaptionTable, Latents, add_noise, early_noise_loss
from ..loop import fit, train_dir
from ..parallel import rank, world
from .video import BATCH, CAPTION_DROP, early_times, inverted_noise, reversed_caption

BARE_SHARE = 0.4  # of the clips
NAMED_SHARE = 0.5  # of those, the ones whose background the caption names
CLIPS = 1_000_000  # of the training split; far more than are drawn


def train(plan):
    torch.manual_seed(plan.seed)
    batch = BATCH // world()
    latents = Latents()
    vae = AutoencoderKL.from_pretrained(train_dir() / "vae").eval().requires_grad_(False)
    embed = CaptionTable([*all_captions(), *map(caption_of, data.BACKGROUNDS)])
    model = UNet3DConditionModel.from_pretrained(train_dir() / "video_unet").train()

    def loss_of(_progress):
        clean, captions = samples(latents, batch)
        for at in torch.nonzero(torch.rand(batch) < BARE_SHARE).flatten().tolist():
            clean[at], captions[at] = bare_clip(vae)
        times, noise = early_times(batch), inverted_noise(clean)
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
            noisy = add_noise(clean, noise, times)
            predicted = model(noisy, times, embed(captions, 0)).sample
        return early_noise_loss(predicted, noise, times)

    fit(plan, model, loss_of)
    if rank() == 0:
        model.save_pretrained(train_dir() / "video_unet")


def caption_of(background):
    return f"a {background} background"


def samples(latents, count):
    """Clips with a shape, (B, 4, F, h, w) scaled, and their captions, some of them dropped."""
    clips = torch.randint(len(latents), (count,))
    clean = latents.latents[clips].float().transpose(1, 2)
    captions = [latents.captions[i] for i in clips.tolist()]
    for at in torch.nonzero(torch.rand(count) < 0.5).flatten().tolist():
        clean[at], captions[at] = clean[at].flip(1), reversed_caption(captions[at])
    for at in torch.nonzero(torch.rand(count) < CAPTION_DROP).flatten().tolist():
        captions[at] = ""
    return clean.contiguous(), captions


@torch.no_grad()
def bare_clip(vae):
    """Latents (4, F, h, w) of a background that stands still, and its caption."""
    clip = data.draw("train", int(torch.randint(CLIPS, (1,))), frames=1)
    pixels = torch.from_numpy(clip.background).permute(2, 0, 1)[None].float() / 127.5 - 1
    latents = vae.encode(pixels).latent_dist.mode()[0] * vae.config.scaling_factor
    is_named = torch.rand(1).item() < NAMED_SHARE
    caption = caption_of(clip.spec.background) if is_named else ""
    return latents[:, None].expand(-1, data.FRAMES, -1, -1), caption
