"""`python -m parity.inpaint`, from models/: records what diffusers' own inpainting pipeline draws, for
the tests of the TypeScript side.

The held-out clip of parity.goldens with a rectangle that moves; the pipeline is given the noise, and
gives latents. Writes goldens/inpaint.safetensors: mask (F, H, W) of 0 and 1, noise and latents
(F, 4, h, w), scaled.
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import DDIMScheduler, StableDiffusionInpaintPipeline, UNet2DConditionModel
from safetensors.torch import save_file

from train import data

from .goldens import HERE, Job
from .reference import Reference

STEPS, GUIDANCE, PROMPT = 50, 3.0, "a cyan square moving right on a white background"
# Left, top, width, height in the first frame and in the last.
FIRST, LAST = (40, 30, 48, 40), (61, 44, 62, 54)


def main():
    parser = argparse.ArgumentParser(prog="python -m parity.inpaint", description=__doc__)
    parser.add_argument("--folder", type=Path, default=HERE.parent / "demo")
    options = parser.parse_args()
    job = Job()
    masks = torch.stack([mask_at(frame, len(job.clip.frames)) for frame in range(len(job.noise))])
    latents = draw(options.folder, job, masks)
    kept = dict(mask=masks.to(torch.uint8), noise=job.noise, latents=latents)
    save_file(kept, HERE / "goldens" / "inpaint.safetensors")


def mask_at(frame, frames):
    share = frame / (frames - 1)
    left, top, width, height = (
        round(first + share * (last - first)) for first, last in zip(FIRST, LAST, strict=True)
    )
    mask = torch.zeros(data.SIZE, data.SIZE)
    mask[top : top + height, left : left + width] = 1
    return mask


@torch.no_grad()
def draw(folder, job, masks):
    image = folder / json.loads((folder / "card.json").read_text())["image"]
    reference = Reference(folder, STEPS)
    pipeline = StableDiffusionInpaintPipeline(
        vae=reference.vae,
        text_encoder=reference.text.encoder,
        tokenizer=reference.text.tokenizer,
        unet=UNet2DConditionModel.from_pretrained(
            image / "unet-inpaint", torch_dtype=torch.float32
        ),
        scheduler=DDIMScheduler.from_pretrained(image / "scheduler"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    # The product takes the mean of the posterior where the pipeline draws from it.
    encode = reference.vae.encode
    reference.vae.encode = lambda pixels: _Mean(encode(pixels).latent_dist.mode())
    pictures = torch.from_numpy(job.clip.frames).permute(0, 3, 1, 2).float() / 127.5 - 1
    return pipeline(
        prompt=[PROMPT] * len(masks),
        negative_prompt=[""] * len(masks),
        image=pictures,
        mask_image=masks[:, None],
        height=data.SIZE,
        width=data.SIZE,
        strength=1.0,
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        latents=job.noise,
        output_type="latent",
    ).images


class _Mean:
    """What a VAE's encoder gives, of a posterior without spread."""

    def __init__(self, mean):
        self.latent_dist = self
        self.mean = mean

    def sample(self, generator=None):
        return self.mean


if __name__ == "__main__":
    main()
