"""Where the small models come from, and the card of their set."""

import json
import tempfile
from pathlib import Path

import torch

from train import architectures, inpaint
from train.loop import train_dir
from train.text import save_tokenizer

from .layout import INPAINT, Source, VideoSource

WINDOW = 8
LOG_LINES = 40  # of each training's log that are kept
STAGES = ("vae", "vae_refine", "image", "controlnet", "inpaint", "video", "video_refine")
VIDEO = "shapes3d"
CARD = {
    "apiVersion": "bivdiff/v1",
    "kind": "ModelSet",
    "name": "shapes",
    "image": "image",
    "videos": {VIDEO: f"video/{VIDEO}"},
    "defaultVideo": VIDEO,
    "generators": {
        "canny": {
            "task": "controlnet",
            "unet": "unet_controlnet-canny",
            "conditions": [{"annotator": "canny", "low": 60, "high": 150}],
        },
        "inpaint": {"task": "inpainting", "unet": INPAINT, "mixingRatio": 0},
    },
    "defaults": {
        "guidanceScale": 3,
        "videoGuidanceScale": 1.25,
        "mixingRatio": 0.35,
        "steps": 50,
        "size": "128x128",
        "negativePrompt": "",
        "scheduler": "ddim",
        "inversion": "ddim",
    },
    # The VAE takes eight pixels to one, the UNets halve twice.
    "sizeMultiple": 32,
    "license": "Apache-2.0",
}


def trained_source():
    """The models as the trainings left them."""
    return _source(train_dir())


def random_source():
    """Untrained models of the same shapes, for those who need the files before the training ends."""
    torch.manual_seed(0)
    folder = Path(tempfile.mkdtemp())
    unet = architectures.image_unet()
    models = dict(
        text_encoder=architectures.text_encoder(),
        vae=architectures.autoencoder(),
        unet=unet,
        controlnet=architectures.controlnet(unet),
        video_unet=architectures.video_unet(),
    )
    models[INPAINT] = inpaint.widened(architectures.image_unet())
    for name, model in models.items():
        # Layers that start at zero would hide errors of the export behind their silence.
        for weight in model.parameters():
            if not weight.detach().any():
                torch.nn.init.normal_(weight, std=0.02)
        model.save_pretrained(folder / name)
    return _source(folder)


def write_logs(folder):
    """Summaries of the trainings (steps, minutes, seeds, losses), thinned, one JSON file each."""
    folder.mkdir(parents=True, exist_ok=True)
    for stage in STAGES:
        summary = json.loads((train_dir() / f"{stage}.log.json").read_text())
        history = summary["history"]
        every = max(1, len(history) // LOG_LINES)
        measured = [entry for entry in history if "psnr" in entry]
        thinned = measured or history[every - 1 :: every]
        lines = ",\n    ".join(json.dumps(entry) for entry in thinned)
        head = json.dumps({k: v for k, v in summary.items() if k != "history"}, indent=2)
        text = f'{head[:-2]},\n  "history": [\n    {lines}\n  ]\n}}\n'
        (folder / f"{stage}.json").write_text(text)


def _source(folder):
    save_tokenizer(folder / "tokenizer")
    architectures.scheduler().save_pretrained(folder / "scheduler")
    shared = dict(
        text_encoder=folder / "text_encoder",
        tokenizer=folder / "tokenizer",
        scheduler=folder / "scheduler",
    )
    video = VideoSource(unet=folder / "video_unet", window=WINDOW, **shared)
    return Source(
        unet=folder / "unet",
        vae=folder / "vae",
        controlnets={"canny": folder / "controlnet"},
        inpaint=folder / INPAINT,
        videos={VIDEO: video},
        **shared,
    )
