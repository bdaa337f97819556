"""`python -m parity.cached`, from models/: records drawing and smoothing that use deep features of an earlier
step again (DeepCache, arXiv 2312.00858), for the tests of the TypeScript side.

Starts from goldens/generate.safetensors and mix.safetensors and writes goldens/cached.safetensors. Here the
whole network runs at every step, and what reaches the last layer of the last up block from below is
replaced by that of the last step that INTERVAL divides.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from .goldens import GUIDANCE, HERE, NEGATIVE, STEPS, VIDEO_GUIDANCE, Job
from .reference import Reference

INTERVAL = 3


def main():
    parser = argparse.ArgumentParser(prog="python -m parity.cached", description=__doc__)
    parser.add_argument("--folder", type=Path, default=HERE.parent / "demo")
    options = parser.parse_args()
    reference, goldens = Reference(options.folder, STEPS), HERE / "goldens"
    outlines = load_file(goldens / "annotate.safetensors")["control"].numpy()
    control = torch.from_numpy(np.stack(outlines)).float()[:, None].repeat(1, 3, 1, 1) / 255
    noise, mixed = (load_file(goldens / f"{n}.safetensors")["noise"] for n in ("generate", "mix"))
    prompt = Job().prompt
    with Cache(reference.unet):
        drawn = reference.generate(control, noise, prompt, NEGATIVE, GUIDANCE)
    with Cache(reference.video_unet):
        smoothed = reference.smooth(mixed, prompt, NEGATIVE, VIDEO_GUIDANCE)
    made = dict(generate=drawn.contiguous(), smooth=smoothed.contiguous())
    save_file(made, goldens / "cached.safetensors")


class Cache:
    """While it is entered, a UNet that is called once a step takes features of an earlier one."""

    def __init__(self, unet):
        self.unet, self.calls, self.features = unet, 0, None

    def __enter__(self):
        last = self.unet.up_blocks[-1].resnets[-1]
        # What is skipped to it is as wide as the first convolution's output.
        self.skipped = self.unet.conv_in.out_channels
        self.hook = last.register_forward_pre_hook(self._replace)

    def __exit__(self, *_):
        self.hook.remove()

    def _replace(self, _, inputs):
        joined, *rest = inputs
        if self.calls % INTERVAL == 0:
            self.features = joined[:, : -self.skipped]
        self.calls += 1
        return (torch.cat([self.features, joined[:, -self.skipped :]], dim=1), *rest)


if __name__ == "__main__":
    main()
