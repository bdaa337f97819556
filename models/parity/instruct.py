"""`python -m parity.instruct`, from models/: records what diffusers' own InstructPix2Pix pipeline draws,
for the tests of the TypeScript side.

The held-out clip of parity.goldens, edited by an instruction; the pipeline is given the noise, and
gives latents. Writes goldens/instruct.safetensors: noise (8, 4, h, w), and scaled latents by sampler,
of all frames for DDIM and of the first two for the others. At step i the samplers that draw noise have the
initial one, its values moved on by SHIFT (i + 1) places, the last ones to the front.
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import (
    DDIMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    StableDiffusionInstructPix2PixPipeline,
    UNet2DConditionModel,
    UniPCMultistepScheduler,
)
from diffusers.schedulers import scheduling_euler_ancestral_discrete as euler_module
from diffusers.schedulers import scheduling_lcm as lcm_module
from safetensors.torch import save_file

from .goldens import HERE, Job
from .reference import Reference

STEPS, GUIDANCE, IMAGE_GUIDANCE, INSTRUCTION = 50, 3.0, 1.5, "make it yellow"
SHIFT = 977
SAMPLERS = {
    "ddim": DDIMScheduler,
    "pndm": PNDMScheduler,
    "euler-ancestral": EulerAncestralDiscreteScheduler,
    "dpm-solver++": DPMSolverMultistepScheduler,
    "euler": EulerDiscreteScheduler,
    "heun": HeunDiscreteScheduler,
    "unipc": UniPCMultistepScheduler,
    "deis": DEISMultistepScheduler,
    "lcm": LCMScheduler,
}


def main():
    parser = argparse.ArgumentParser(prog="python -m parity.instruct", description=__doc__)
    parser.add_argument("--folder", type=Path, default=HERE.parent / "demo")
    options = parser.parse_args()
    job = Job()
    edit = Editor(options.folder)
    kept = dict(noise=job.noise)
    for name, kind in SAMPLERS.items():
        count = len(job.noise) if name == "ddim" else 2
        frames, noise = job.clip.frames[:count], job.noise[:count]
        kept[name] = edit(frames, noise, INSTRUCTION, kind).contiguous()
    save_file(kept, HERE / "goldens" / "instruct.safetensors")


class Editor:
    """diffusers' pipeline over the models of a set, in float32."""

    def __init__(self, folder):
        self.image = folder / json.loads((folder / "card.json").read_text())["image"]
        reference = Reference(folder, STEPS)
        self.pipeline = StableDiffusionInstructPix2PixPipeline(
            vae=reference.vae,
            text_encoder=reference.text.encoder,
            tokenizer=reference.text.tokenizer,
            unet=UNet2DConditionModel.from_pretrained(
                self.image / "unet-instruct", torch_dtype=torch.float32
            ),
            scheduler=reference.scheduler,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        self.pipeline.set_progress_bar_config(disable=True)

    @torch.no_grad()
    def __call__(self, frames, noise, instruction, kind=DDIMScheduler, **changes):
        """Scaled latents (F, 4, h, w) of edited frames, uint8 (F, H, W, 3), from noise of that
        shape. `changes`: other arguments of the pipeline."""
        self.pipeline.scheduler = kind.from_pretrained(self.image / "scheduler")
        steps = iter(range(STEPS))
        for module in (euler_module, lcm_module):
            module.randn_tensor = lambda *_, **__: moved(noise, next(steps))
        settings = dict(
            num_inference_steps=STEPS,
            guidance_scale=GUIDANCE,
            image_guidance_scale=IMAGE_GUIDANCE,
        )
        return self.pipeline(
            prompt=[instruction] * len(frames),
            negative_prompt=[""] * len(frames),
            image=torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1,
            latents=noise,
            output_type="latent",
            **{**settings, **changes},
        ).images


def moved(noise, step):
    return noise.flatten().roll(SHIFT * (step + 1)).view_as(noise)


if __name__ == "__main__":
    main()
