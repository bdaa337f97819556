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

from export import graphs
from export.rehearse_full import image_unet, video_unet


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


def _write_image(model, folder):
    model.save_pretrained(folder)
    graphs.write_unet(model.float(), folder)


def _write_video(model, folder):
    model.save_pretrained(folder)
    graphs.write_video_unet(model.float(), folder / graphs.WEIGHTS, folder / "model.onnx")


MODELS = {"sd15-unet": (image_unet, _write_image), "zeroscope-unet": (video_unet, _write_video)}

if __name__ == "__main__":
    main()
