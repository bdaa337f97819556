"""Where the small models come from, and the card of their set."""

import tempfile
from pathlib import Path

import torch

from train import architectures
from train.loop import train_dir
from train.text import save_tokenizer

from .layout import Source, VideoSource

WINDOW = 8
VIDEO = "shapes3d"
CARD = {
    "apiVersion": "bivdiff/v1",
    "kind": "ModelSet",
    "name": "shapes",
    "image": "image",
    "videos": {VIDEO: f"video/{VIDEO}"},
    "defaultVideo": VIDEO,
    "controls": {"canny": {"annotator": "canny", "low": 60, "high": 150}},
    "defaults": {
        "guidanceScale": 5,
        "videoGuidanceScale": 1.5,
        "mixingRatio": 0.2,
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
    for name, model in models.items():
        # Layers that start at zero would hide errors of the export behind their silence.
        for weight in model.parameters():
            if not weight.detach().any():
                torch.nn.init.normal_(weight, std=0.02)
        model.save_pretrained(folder / name)
    return _source(folder)


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
        videos={VIDEO: video},
        **shared,
    )
