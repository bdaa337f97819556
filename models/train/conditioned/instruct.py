"""Trains the InstructPix2Pix UNet: eight channels in, noisy latents and those of the picture to edit.

A picture and an instruction make the edited picture. Both pictures of a pair are one clip of
train.data, drawn twice; what the instruction leaves unsaid is equal in them. Pictures to edit are
the mean of the VAE's posterior, unscaled, as the paper's models want them.

It begins as the inpainting UNet with nothing hidden, which gives back the picture that it is shown:
what is left to learn is where to follow the instruction instead.

The text encoder is the image UNet's, frozen, and has never read the instructions' small words
("make it"): they are tokens of bytes, alike in all of them.
"""

from collections import deque

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from .. import data
from ..diffusion import STEPS, add_noise, early_noise_loss
from ..loop import fit, train_dir
from ..parallel import rank, world
from ..text import LENGTH, save_tokenizer

BATCH = 16
CHANNELS = 8
# Of the samples, as in the paper: without instruction, without picture, without both.
TEXT_DROP, PICTURE_DROP, BOTH_DROP = 0.05, 0.05, 0.05
# What an instruction changes, the table of its words, and how often it is that.
KINDS = {
    "color": ("make it {}", data.COLORS, 0.7),
    "background": ("make the background {}", data.BACKGROUNDS, 0.3),
}
CLIPS = 1_000_000  # of the training split; far more than are drawn
# The picture tells all but the instructed colour, and colours are decided in the first steps: so
# these are drawn more often (1: all alike), and count for more (1/2: as for others).
EARLINESS, EARLY_POWER = 1 / 3, 1 / 4
# Encoding costs as much as training. So a step encodes a few pairs, and takes the others of its
# batch from those of before, with other noise.
FRESH, KEPT = 2, 4096


def train(plan):
    torch.manual_seed(plan.seed)
    batch = BATCH // world()
    vae = AutoencoderKL.from_pretrained(train_dir() / "vae").eval().requires_grad_(False)
    texts = instruction_texts()
    model = without_mask(
        UNet2DConditionModel.from_pretrained(train_dir() / "unet-inpaint"),
        vae.config.scaling_factor,
    )

    pairs = deque(maxlen=KEPT)

    def loss_of(_progress):
        pairs.extend(encoded_pairs(vae, FRESH if pairs else batch))
        chosen = [pairs[-1 - i] for i in range(FRESH)]
        chosen += [pairs[i] for i in torch.randint(len(pairs), (batch - FRESH,))]
        picture, clean = (torch.stack([pair[i] for pair in chosen]) for i in range(2))
        chance = torch.rand(batch)
        is_mute = chance < TEXT_DROP + BOTH_DROP
        is_bare = (chance >= TEXT_DROP) & (chance < TEXT_DROP + BOTH_DROP + PICTURE_DROP)
        picture = picture * ~is_bare.view(-1, 1, 1, 1)
        said = ["" if mute else text for mute, (_, _, text) in zip(is_mute, chosen, strict=True)]
        text = torch.cat([texts[one] for one in said])
        times = (STEPS * torch.rand(batch) ** EARLINESS).long().clamp(max=STEPS - 1)
        noise = torch.randn_like(clean)
        noisy = torch.cat([add_noise(clean, noise, times), picture], 1)
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
            predicted = model(noisy, times, text).sample
        return early_noise_loss(predicted, noise, times, EARLY_POWER)

    fit(plan, model, loss_of)
    if rank() == 0:
        model.save_pretrained(train_dir() / "unet-instruct")


def without_mask(unet, scaling_factor):
    """The inpainting UNet as if its mask were always 0, and what is known not yet scaled."""
    wide = unet.conv_in
    narrow = nn.Conv2d(CHANNELS, wide.out_channels, wide.kernel_size, padding=wide.padding)
    with torch.no_grad():
        narrow.weight[:, :4] = wide.weight[:, :4]
        narrow.weight[:, 4:] = wide.weight[:, 5:] * scaling_factor
        narrow.bias.copy_(wide.bias)
    unet.conv_in = narrow
    unet.register_to_config(in_channels=CHANNELS)
    return unet.requires_grad_(True).train()


@torch.no_grad()
def instruction_texts():
    """Embeddings (1, 77, D) of every instruction, and of the empty one, by the frozen encoder."""
    folder = train_dir() / "tokenizer"
    save_tokenizer(folder)
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    encoder = CLIPTextModel.from_pretrained(train_dir() / "text_encoder").eval()
    known = ["", *(form.format(word) for form, table, _ in KINDS.values() for word in table)]

    def embed(text):
        ids = tokenizer(text, padding="max_length", max_length=LENGTH, return_tensors="pt").input_ids
        return encoder(ids).last_hidden_state

    return {text: embed(text) for text in known}


@torch.no_grad()
def encoded_pairs(vae, count):
    """Latents (4, h, w) of the picture to edit, those of the edited one, scaled, and instruction."""
    sources, targets, instructions = samples(count)
    picture, clean = vae.encode(torch.cat([sources, targets])).latent_dist.mode().chunk(2)
    return zip(picture, clean * vae.config.scaling_factor, instructions, strict=True)


def samples(count):
    """Pictures to edit and edited ones (B, 3, H, W) in -1..1, instructions. Some ask for what is
    there already, and change nothing."""
    rng = np.random.default_rng(torch.randint(2**31, (1,)).item())
    shares = [share for _, _, share in KINDS.values()]
    pairs, instructions = [], []
    for _ in range(count):
        field = str(rng.choice(list(KINDS), p=shares))
        form, table, _ = KINDS[field]
        word = str(rng.choice(list(table)))
        clips = data.draw_changed("train", int(rng.integers(CLIPS)), 1, **{field: word})
        pairs.append([clip.frames[0] for clip in clips])
        instructions.append(form.format(word))
    pixels = torch.from_numpy(np.array(pairs)).permute(1, 0, 4, 2, 3).float() / 127.5 - 1
    return pixels[0], pixels[1], instructions
