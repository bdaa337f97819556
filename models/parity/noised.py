"""`python -m parity.noised`, from models/: records smoothing of frames that were noised instead of
inverted (SDEdit), for the tests of the TypeScript side.

Starts from the latents of goldens/encode.safetensors and writes goldens/smooth-noised.safetensors.
The noise is drawn as the product draws it: `normals` of parity.schedulers, purpose 3.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from .goldens import HERE, NEGATIVE, STEPS, VIDEO_GUIDANCE, Job
from .reference import Reference, to_clip, to_frames
from .schedulers.record import normals

SEED, STRENGTH, PURPOSE = 7, 0.6, 3


def main():
    parser = argparse.ArgumentParser(prog="python -m parity.noised", description=__doc__)
    parser.add_argument("--folder", type=Path, default=HERE.parent / "demo")
    options = parser.parse_args()
    latents = load_file(HERE / "goldens" / "encode.safetensors")["latents"]
    smoothed = smooth(Reference(options.folder, STEPS), latents)
    save_file({"latents": smoothed}, HERE / "goldens" / "smooth-noised.safetensors")


@torch.no_grad()
def smooth(reference, latents):
    """Scaled latents (F, 4, h, w) noised as far as STRENGTH says, then drawn by the video model."""
    scheduler = reference.scheduler
    count = min(int(STEPS * STRENGTH), STEPS)
    timesteps = scheduler.timesteps[STEPS - count :]
    rows = [
        normals(SEED, frame, PURPOSE, 0, count=latents[0].numel()) for frame in range(len(latents))
    ]
    noise = torch.from_numpy(np.stack(rows)).reshape(latents.shape)
    state = to_clip(scheduler.add_noise(latents, noise, timesteps[:1]))
    prompt = Job().prompt
    text = torch.cat([reference.video_text(NEGATIVE), reference.video_text(prompt)])
    for time in timesteps:
        both = reference.video_unet(state.repeat(2, 1, 1, 1, 1), time, text).sample
        without, with_text = both.chunk(2)
        predicted = without + VIDEO_GUIDANCE * (with_text - without)
        state = scheduler.step(predicted, time, state).prev_sample
    return to_frames(state).contiguous()


if __name__ == "__main__":
    main()
