"""`python -m train STAGE`: trains one of the small models, or all of them in order.

`--minutes` ends a stage by the clock instead of its step count; a stage that was cut resumes
where it was. The step counts are those that the shipped weights were trained for. `restore` fills
the training folder from a model set, so that one stage can be run again without those before it.
"""

import argparse
import dataclasses
from pathlib import Path

import torch

from . import annotators, encode, image, vae
from .clips import animatediff, bare, video, vidrd
from .conditioned import adapters, controlnet, inpaint, instruct
from .loop import Plan
from .parallel import launch
from .restore import restore

DEMO = Path(__file__).resolve().parents[1] / "demo"

STAGES = {
    "vae": (vae.train, Plan("vae", steps=5498, rate=2e-3, seed=0, warmup=200, weight_decay=1e-3)),
    "vae_refine": (
        vae.refine,
        Plan("vae_refine", steps=2918, rate=1.5e-3, seed=4, weight_decay=1e-3),
    ),
    "encode": (encode.train, Plan("encode", steps=0, rate=0, seed=0)),
    "image": (
        image.train,
        Plan("image", steps=2545, rate=1e-3, seed=1, warmup=200, bfloat16=False, processes=2),
    ),
    "controlnet": (
        controlnet.train,
        Plan("controlnet", steps=3912, rate=1e-3, seed=2, bfloat16=False, processes=2),
    ),
    "controlnet_depth": (
        controlnet.train_depth,
        Plan("controlnet_depth", steps=466, rate=8e-4, seed=7, bfloat16=False, processes=2),
    ),
    "controlnet_pose": (
        controlnet.train_pose,
        Plan("controlnet_pose", steps=2630, rate=8e-4, seed=8, bfloat16=False, processes=2),
    ),
    "adapter_depth": (
        adapters.train_depth,
        Plan("adapter_depth", steps=5279, rate=1.5e-3, seed=9, bfloat16=False, processes=2),
    ),
    "adapter_canny": (
        adapters.train_canny,
        Plan("adapter_canny", steps=3417, rate=1.5e-3, seed=10, bfloat16=False, processes=2),
    ),
    "annotator_depth": (
        annotators.train_depth,
        Plan("annotator_depth", steps=210, rate=2e-3, seed=11, weight_decay=1e-3, ema=0.99),
    ),
    "annotator_pose": (
        annotators.train_pose,
        Plan("annotator_pose", steps=419, rate=2e-3, seed=12, weight_decay=1e-3, ema=0.99),
    ),
    "inpaint": (
        inpaint.train,
        Plan("inpaint", steps=3800, rate=1e-3, seed=6, bfloat16=False, processes=2),
    ),
    "instruct": (
        instruct.train,
        Plan("instruct", steps=3652, rate=7e-4, seed=11, ema=0.995, bfloat16=False, processes=2),
    ),
    "video": (video.train, Plan("video", steps=2325, rate=6e-4, seed=3, ema=0.995, processes=2)),
    "video_refine": (
        video.refine,
        Plan("video_refine", steps=1200, rate=3e-4, seed=5, warmup=50, ema=0.99, processes=2),
    ),
    "video_bare": (
        bare.train,
        Plan("video_bare", steps=396, rate=2e-4, seed=8, warmup=50, ema=0.99),
    ),
    "vidrd": (vidrd.train, Plan("vidrd", steps=3590, rate=1e-3, seed=8, ema=0.995, processes=2)),
    "animatediff": (
        animatediff.train,
        Plan("animatediff", steps=2860, rate=1e-3, seed=9, ema=0.995, processes=2),
    ),
}


# No part of the weights that ship.
APART = ("video_bare",)


def main():
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    parser.add_argument("stage", choices=[*STAGES, "all", "restore"])
    parser.add_argument("--folder", type=Path, default=DEMO, help="the model set to restore from")
    parser.add_argument("--minutes", type=float, help="end a stage by the clock, not by steps")
    parser.add_argument("--threads", type=int, default=2, help="of a stage in one process")
    parser.add_argument("--processes", type=int, help="for the denoisers; their plan's otherwise")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.stage == "restore":
        restore(options.folder)
        return
    shipped = [name for name in STAGES if name not in APART]
    for name in shipped if options.stage == "all" else [options.stage]:
        train, plan = STAGES[name]
        # Without AVX-512 bfloat16 is emulated, ten times slower than float32.
        fast = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
        plan = dataclasses.replace(plan, minutes=options.minutes, bfloat16=plan.bfloat16 and fast)
        launch(train, plan, options.processes or plan.processes)


if __name__ == "__main__":
    main()
