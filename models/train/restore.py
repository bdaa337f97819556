"""Fills the training folder from a model set, so that a training can go on where no checkpoint is.

The shipped weights are float16 and averages, so what goes on from them is not bit for bit what an
uncut run would have made.
"""

import json
import shutil

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    T2IAdapter,
    UNet2DConditionModel,
    UNet3DConditionModel,
)
from transformers import CLIPTextModel

from . import annotators
from .loop import train_dir

IMAGE_PARTS = {
    "text_encoder": (CLIPTextModel, "text_encoder"),
    "vae": (AutoencoderKL, "vae"),
    "unet": (UNet2DConditionModel, "unet"),
    "controlnet": (ControlNetModel, "controlnet-canny"),
    "controlnet_depth": (ControlNetModel, "controlnet-depth"),
    "controlnet_pose": (ControlNetModel, "controlnet-pose"),
    "adapter_canny": (T2IAdapter, "t2iadapter-canny"),
    "adapter_depth": (T2IAdapter, "t2iadapter-depth"),
    "unet-inpaint": (UNet2DConditionModel, "unet-inpaint"),
    "unet-instruct": (UNet2DConditionModel, "unet-instruct"),
}
# Video models that are layers over the image UNet, and what their trainings call them.
TEMPORAL = {"vidrd": "vidrd", "animatediff": "motion_adapter"}


def restore(folder):
    """Writes every trained part of the set `folder`, in float32, and the logs of its trainings."""
    card = json.loads((folder / "card.json").read_text())
    parts = {name: (kind, folder / card["image"] / at) for name, (kind, at) in IMAGE_PARTS.items()}
    video = folder / card["videos"][card["defaultVideo"]] / "unet"
    for name, (kind, at) in {**parts, "video_unet": (UNet3DConditionModel, video)}.items():
        model = kind.from_pretrained(at, torch_dtype=torch.float32)
        model.save_pretrained(train_dir() / name)
        print(f"restored {name}", flush=True)
    for kind in ("depth", "pose"):
        trained = folder / card["image"] / f"annotator-{kind}"
        annotators.save(annotators.load(trained), train_dir() / f"annotator_{kind}")
        print(f"restored annotator_{kind}", flush=True)
    for name, ours in TEMPORAL.items():
        layers = folder / card["image"] / card["videos"][name]["temporal"]
        shutil.copytree(layers, train_dir() / ours, dirs_exist_ok=True)
        print(f"restored {ours}", flush=True)
    for log in (folder / "logs").glob("*.json"):
        if "steps" in json.loads(log.read_text()):
            shutil.copy(log, train_dir() / f"{log.stem}.log.json")
