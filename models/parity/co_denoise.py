"""`python -m parity.co_denoise`, from models/: records windows that agree at every step, for the
tests of the TypeScript side.

Over the latents of goldens/encode.safetensors and the noise of goldens/mix.safetensors: windows of
LENGTH frames that begin STRIDE apart, the last one at the end; at each step every window is run, and
a frame goes on as the mean of its copies (Gen-L-Video, arXiv 2305.18264), weighted by their distance
to the nearer end of their window. Writes
goldens/co-denoise.safetensors: the noise of both inversions, and what smoothing makes.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from .goldens import HERE, NEGATIVE, STEPS, VIDEO_GUIDANCE, Job
from .reference import Reference, to_clip, to_frames

LENGTH, STRIDE = 4, 3
GOLDENS = HERE / "goldens"


def main():
    parser = argparse.ArgumentParser(prog="python -m parity.co_denoise", description=__doc__)
    parser.add_argument("--folder", type=Path, default=HERE.parent / "demo")
    reference = Reference(parser.parse_args().folder, STEPS)
    latents = load_file(GOLDENS / "encode.safetensors")["latents"]
    noise = load_file(GOLDENS / "mix.safetensors")["noise"]
    recorded = {
        "invert_image": invert_image(reference, latents),
        "invert_video": invert_video(reference, latents),
        "smooth": smooth(reference, noise),
    }
    save_file(recorded, GOLDENS / "co-denoise.safetensors")


def starts(frames):
    found = list(range(0, frames - LENGTH, STRIDE))
    return [*found, frames - LENGTH]


def agreed(states, step):
    """States (F, 4, h, w) after `step` of each window of them, averaged."""
    places = torch.arange(LENGTH)
    weights = torch.minimum(places + 1, LENGTH - places).float()[:, None, None, None]
    total, weight = torch.zeros_like(states), torch.zeros(len(states), 1, 1, 1)
    for start in starts(len(states)):
        window = slice(start, start + LENGTH)
        total[window] += weights * step(states[window])
        weight[window] += weights
    return total / weight


@torch.no_grad()
def invert_image(reference, states):
    text = reference.text(NEGATIVE).repeat(LENGTH, 1, 1)
    for time in reference.inverse.timesteps:

        def step(window, time=time):
            noise = reference.inflated(window, time, text).sample
            return reference.inverse.step(noise, time, window).prev_sample

        states = agreed(states, step)
    return states


@torch.no_grad()
def invert_video(reference, states):
    text = reference.video_text(NEGATIVE)
    for time in reference.inverse.timesteps:

        def step(window, time=time):
            clip = to_clip(window)
            noise = reference.video_unet(clip, time, text).sample
            return to_frames(reference.inverse.step(noise, time, clip).prev_sample)

        states = agreed(states, step)
    return states


@torch.no_grad()
def smooth(reference, states):
    text = torch.cat([reference.video_text(NEGATIVE), reference.video_text(Job().prompt)])
    for time in reference.scheduler.timesteps:

        def step(window, time=time):
            clip = to_clip(window)
            both = reference.video_unet(clip.repeat(2, 1, 1, 1, 1), time, text).sample
            without, with_text = both.chunk(2)
            noise = without + VIDEO_GUIDANCE * (with_text - without)
            return to_frames(reference.scheduler.step(noise, time, clip).prev_sample)

        states = agreed(states, step)
    return states


if __name__ == "__main__":
    main()
