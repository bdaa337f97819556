"""Trains the video UNet on whole clips, from the image UNet's weights.

Its spatial layers are the image UNet's, tensor for tensor, and every temporal layer starts as the
identity, so before the first step it draws each frame exactly as the image UNet does. `refine` goes
on with noise as inversions leave it: weaker than white noise, and off in brightness over whole
frames and wide parts of them. Else the model reads those as colours.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel, UNet3DConditionModel
from torch import nn

from ..architectures import video_unet
from ..diffusion import STEPS, CaptionTable, Latents, add_noise, early_noise_loss, noise_loss
from ..loop import fit, train_dir
from ..parallel import rank, world

BATCH = 4
CAPTION_DROP = 0.1
# Mixing two inversions leaves noise weaker than the schedule's (its deviation was measured at 0.73 to
# 0.82); a share of the clips is like that, down to a factor. In training, and in refining.
WEAK, WEAK_REFINED = (0.3, 0.8), (0.5, 0.65)
# Deviations of the offsets in refining, by how many parts a side the frame is cut into: those that
# stay over a clip and those of each frame. Inverted clips were measured at up to 0.3 and 0.35.
OFFSETS = {1: (0.18, 0.18), 2: (0.14, 0.22), 4: (0.1, 0.1)}
OFFSET_SHARE = 0.8  # of the clips in refining
# Share of the refined weights in what is kept, the rest being those that refining began with: between
# the two (Wortsman et al., arXiv 2109.01903) less layout is lost than colours are won.
REFINED_SHARE = 0.75
OPPOSITE = {"left": "right", "right": "left", "up": "down", "down": "up"}


def train(plan):
    image_unet = UNet2DConditionModel.from_pretrained(train_dir() / "unet")
    _save(fit_clips(plan, lambda: inflate(image_unet), lambda _progress: PLAIN))


def refine(plan):
    start = UNet3DConditionModel.from_pretrained(train_dir() / "video_unet")
    before = {name: weight.clone() for name, weight in start.state_dict().items()}
    model = fit_clips(plan, start.train, lambda _progress: INVERTED)
    refined = model.state_dict()
    model.load_state_dict(
        {name: torch.lerp(before[name], refined[name], REFINED_SHARE) for name in before}
    )
    _save(model)


@dataclass(frozen=True)
class Noising:
    """How clips are noised: when, with what, and how errors count."""

    draw_times: Callable  # count -> int64 (count,)
    draw_noise: Callable  # clips -> noise of their shape
    loss: Callable  # predicted, noise, times -> scalar


def fit_clips(plan, start, noising_at, batch=BATCH):
    """Trains the video UNet that `start` makes, on clips noised by `noising_at(progress)`; returns it."""
    torch.manual_seed(plan.seed)
    batch //= world()
    latents = Latents()
    embed = CaptionTable([*latents.captions, *map(reversed_caption, latents.captions)])
    model = start()

    def loss_of(progress):
        noising = noising_at(progress)
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
        times, noise = noising.draw_times(batch), noising.draw_noise(clean)
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
            noisy = add_noise(clean, noise, times)
            predicted = model(noisy, times, embed(captions, CAPTION_DROP)).sample
        return noising.loss(predicted, noise, times)

    fit(plan, model, loss_of)
    return model


def _save(model):
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


def _even_times(count):
    return torch.randint(STEPS, (count,))


def early_times(count):
    """Twice as often as even at the noisiest step, never at the cleanest; evenly between."""
    return (STEPS * torch.rand(count).sqrt()).long().clamp(max=STEPS - 1)


def _plain_noise(clean, weak=WEAK):
    """White noise for clips (B, 4, F, h, w), scaled down for a share of them."""
    batch = len(clean)
    share, weakest = weak
    scaled = (torch.rand(batch) < share).float()
    scale = 1 - scaled * torch.rand(batch) * (1 - weakest)
    return scale.view(-1, 1, 1, 1, 1) * torch.randn_like(clean)


def inverted_noise(clean):
    """The same with smooth offsets, as strong as chance has it."""
    batch, channels, frames, height, width = clean.shape
    shift = torch.zeros_like(clean)
    for parts, (of_clip, of_frame) in OFFSETS.items():
        grid = (parts, parts)
        coarse = of_frame * torch.randn(batch, channels, frames, *grid)
        coarse = coarse + of_clip * torch.randn(batch, channels, 1, *grid)
        smooth = F.interpolate(coarse.flatten(1, 2), (height, width), mode="bilinear")
        shift += smooth.unflatten(1, (channels, frames))
    strength = 1.5 * torch.rand(batch) * (torch.rand(batch) < OFFSET_SHARE)
    return _plain_noise(clean, WEAK_REFINED) + strength.view(-1, 1, 1, 1, 1) * shift


def reversed_caption(caption):
    return " ".join(OPPOSITE.get(word, word) for word in caption.split())


PLAIN = Noising(_even_times, _plain_noise, noise_loss)
INVERTED = Noising(early_times, inverted_noise, early_noise_loss)
