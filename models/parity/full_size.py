"""Graphs of the real size without their weights, for `bench/gpu/check.ts`: Stable Diffusion 1.5's UNet and ZeroScope's.

    python -m parity.full_size OUT [--only sd15-unet zeroscope-unet]

Writes OUT/NAME/model.onnx and OUT/NAME/weights.json, which says how many bytes its weights would be: whoever runs
the graph makes them up. Needs 16 GiB of memory and 6 GB of disk for a while.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel, UNet3DConditionModel

from export import graphs

WIDTHS = (320, 640, 1280, 1280)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="+", choices=MODELS, default=list(MODELS))
    options = parser.parse_args()
    for name in options.only:
        folder = options.out / name
        shutil.rmtree(folder, ignore_errors=True)
        torch.manual_seed(0)
        model, write = MODELS[name]
        with torch.no_grad():
            write(model().half().eval(), folder)
        weights = folder / graphs.WEIGHTS
        (folder / "weights.json").write_text(json.dumps({weights.name: weights.stat().st_size}))
        weights.unlink()
        print(f"{name}: written", flush=True)


def sd15():
    return UNet2DConditionModel(
        block_out_channels=WIDTHS,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        attention_head_dim=8,
        cross_attention_dim=768,
    )


def zeroscope():
    return UNet3DConditionModel(
        block_out_channels=WIDTHS,
        down_block_types=("CrossAttnDownBlock3D",) * 3 + ("DownBlock3D",),
        up_block_types=("UpBlock3D",) + ("CrossAttnUpBlock3D",) * 3,
        attention_head_dim=64,
        cross_attention_dim=1024,
    )


def _write_image(model, folder):
    model.save_pretrained(folder)
    graphs.write_unet(model.float(), folder)


def _write_video(model, folder):
    model.save_pretrained(folder)
    graphs.write_video_unet(model.float(), folder / graphs.WEIGHTS, folder / "model.onnx")


MODELS = {"sd15-unet": (sd15, _write_image), "zeroscope-unet": (zeroscope, _write_video)}

if __name__ == "__main__":
    main()
