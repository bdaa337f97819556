"""Graphs of the real size without their weights, for `bench/gpu/check.ts`: Stable Diffusion 1.5's UNet and ZeroScope's.

    python -m parity.full_size OUT [--only sd15-unet zeroscope-unet]

Writes OUT/NAME/float32.onnx, float16.onnx (what each computes in; both store float16) and weights.json, which says how
many bytes the weights of both would be: whoever runs a graph makes them up. Needs 16 GiB of memory and 6 GB of disk
for a while.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch

from export import graphs
from export.half import half_precision
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
        make, write = MODELS[name]
        model = make().half().eval()
        model.save_pretrained(folder)
        model.float()
        for form in FORMS:
            with torch.no_grad(), half_precision(form == "float16"):
                write(model, folder)
            (folder / "model.onnx").rename(folder / f"{form}.onnx")
        weights = folder / graphs.WEIGHTS
        (folder / "weights.json").write_text(json.dumps({weights.name: weights.stat().st_size}))
        weights.unlink()
        print(f"{name}: written", flush=True)


def _write_video(model, folder):
    graphs.write_video_unet(model, folder / graphs.WEIGHTS, folder / "model.onnx")


MODELS = {"sd15-unet": (image_unet, graphs.write_unet), "zeroscope-unet": (video_unet, _write_video)}
FORMS = ("float32", "float16")

if __name__ == "__main__":
    main()
