"""`python -m parity.controlvideo`, from models/: what ControlVideo (arXiv 2305.13077) draws of a window, in
plain diffusers and torch, for the tests of the TypeScript side.

Writes goldens/controlvideo.safetensors: outlines uint8 (F, H, W), noise (1, 4, h, w) that all frames begin
from, and latents (F, 4, h, w) after the last step. By the models that ship; F = 5. What lies between two
frames is their mean here, since the method's own RIFE is no part of this project.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional

from train import data

from .canny import canny
from .goldens import CLIP, HERE
from .reference import Reference, pool_over_window

FRAMES, STEPS, GUIDANCE, SEED = 5, 50, 3.0, 20230522
PROMPT, NEGATIVE = "a cyan square moving right on a white background", "a red circle"
# Steps are counted from the end, as in the method's code.
SMOOTHED = (20, 19)


class JoinedFrames:
    """diffusers' self-attention over one long sequence, the positions of all frames behind each other."""

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, **_):
        frames, positions, width = hidden_states.shape
        joined = hidden_states.reshape(1, frames * positions, width)
        heads = [
            layer(joined).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for layer in (attn.to_q, attn.to_k, attn.to_v)
        ]
        seen = functional.scaled_dot_product_attention(*heads)
        return attn.to_out[0](seen.transpose(1, 2).reshape(frames, positions, -1))


@torch.no_grad()
def draw(reference, control, noise):
    """Latents (F, 4, h, w) along control pictures (F, 3, H, W) in 0..1."""
    unet, controlnet = (pool_over_window(one) for one in (reference.unet, reference.controlnet))
    for name, module in unet.named_modules():
        if name.endswith("attn1"):
            module.set_processor(JoinedFrames())
    count = len(control)
    texts = [reference.text(said).repeat(count, 1, 1) for said in (NEGATIVE, PROMPT)]
    scheduler = reference.scheduler
    alphas, jump = scheduler.alphas_cumprod, len(scheduler.alphas_cumprod) // STEPS
    latents = noise.repeat(count, 1, 1, 1)
    for index, time in enumerate(scheduler.timesteps):
        predicted = []
        for text in texts:
            down, mid = controlnet(latents, time, text, control, return_dict=False)
            residuals = dict(
                down_block_additional_residuals=down, mid_block_additional_residual=mid
            )
            predicted.append(unet(latents, time, text, **residuals).sample)
        without, told = predicted
        guided = without + GUIDANCE * (told - without)
        step = scheduler.step(guided, time, latents)
        latents = step.prev_sample
        if STEPS - index in SMOOTHED:
            clean = smooth(reference, step.pred_original_sample, index)
            before = int(time) - jump
            alpha = alphas[before] if before >= 0 else scheduler.final_alpha_cumprod
            latents = alpha.sqrt() * clean + (1 - alpha).sqrt() * guided
    return latents


def smooth(reference, clean, index):
    """At even steps the frames at odd places become what lies between their neighbours, and the other way
    round at odd ones, where the ends are neighbours of themselves."""
    video = (reference.decode(clean) / 2 + 0.5).clamp(0, 1)
    evens, odds = video[0::2].clone(), video[1::2].clone()
    if index % 2 == 0:
        for place in range(len(evens) - 1):
            video[2 * place + 1] = between(evens[place], evens[place + 1])
    else:
        ends = [video[:1].clone(), odds, *([video[-1:].clone()] if len(video) % 2 else [])]
        known = torch.cat(ends)
        for place in range(len(known) - 1):
            video[2 * place] = between(known[place], known[place + 1])
    parameters = reference.vae.encode(2 * video - 1).latent_dist
    return parameters.mode() * reference.vae.config.scaling_factor


def between(first, last):
    return (first + last) / 2


def main():
    parser = argparse.ArgumentParser(prog="python -m parity.controlvideo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=HERE.parent / "demo")
    options = parser.parse_args()
    frames = data.draw("held-out", CLIP).frames[:FRAMES]
    outlines = torch.from_numpy(np.stack([canny(frame) for frame in frames]))
    generator = torch.Generator().manual_seed(SEED)
    noise = torch.randn(1, 4, data.SIZE // 8, data.SIZE // 8, generator=generator)
    control = outlines.float()[:, None].repeat(1, 3, 1, 1) / 255
    latents = draw(Reference(options.folder, STEPS), control, noise)
    kept = dict(outlines=outlines, noise=noise, latents=latents)
    save_file(
        {k: v.contiguous() for k, v in kept.items()}, HERE / "goldens" / "controlvideo.safetensors"
    )


if __name__ == "__main__":
    main()
