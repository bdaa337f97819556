"""Where the small models come from, and the card of their set."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from train import annotators, architectures
from train.conditioned import inpaint, instruct
from train.loop import train_dir
from train.text import save_tokenizer
from video import vidrd

from .annotators import card_entries
from .generators import control_generators
from .layout import INPAINT, INSTRUCT, PROMPT2PROMPT, Source
from .videos import TemporalSource, VideoSource, card_entry

WINDOW = 8
LOG_LINES = 40  # of each training's log that are kept
TEMPORAL_STAGES = ("vidrd", "animatediff")
STAGES = (
    "vae",
    "vae_refine",
    "image",
    "controlnet",
    "controlnet_depth",
    "controlnet_pose",
    "adapter_depth",
    "adapter_canny",
    "annotator_depth",
    "annotator_pose",
    "inpaint",
    "instruct",
    "video",
    "video_refine",
    *TEMPORAL_STAGES,
)
CONTROLNETS = {"canny": "controlnet", "depth": "controlnet_depth", "pose": "controlnet_pose"}
FUSED = (("canny", "depth"),)
WINDOWS = ("canny",)
ADAPTERS = {"canny": "adapter_canny", "depth": "adapter_depth"}
ANNOTATORS = {"depth": "annotator_depth", "pose": "annotator_pose"}
VIDEO = "shapes3d"
# Temporal layers over the image UNet, by the folders of their trainings.
TEMPORAL = {
    "vidrd": TemporalSource(Path("vidrd"), WINDOW),
    "animatediff": TemporalSource(Path("motion_adapter"), WINDOW),
}


def _within(folder, names):
    return {name: folder / at for name, at in names.items()}


# Small adapters: at 1 they are followed less closely (README.md, controls).
CONTROLS = control_generators(CONTROLNETS, FUSED, ADAPTERS, WINDOWS, adapter_scale=1.5)
# Joints are small: more of the image model's inversion moves them (README.md, controls).
CONTROLS["pose"]["mixingRatio"] = 0.2


CARD = {
    "apiVersion": "bivdiff/v1",
    "kind": "ModelSet",
    "name": "shapes",
    "image": "image",
    "videos": {
        VIDEO: f"video/{VIDEO}",
        **{name: card_entry(name, source) for name, source in TEMPORAL.items()},
    },
    "defaultVideo": VIDEO,
    "generators": {
        **CONTROLS,
        "inpaint": {"task": "inpainting", "unet": INPAINT, "mixingRatio": 0},
        "instruct": {"task": "instruct-pix2pix", "unet": INSTRUCT},
        "prompt2prompt": {"task": "prompt-to-prompt", "unet": PROMPT2PROMPT},
    },
    "annotators": card_entries(_within(Path(), ANNOTATORS)),
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
        **{folder: architectures.controlnet(unet) for folder in CONTROLNETS.values()},
        adapter_canny=architectures.adapter(1),
        adapter_depth=architectures.adapter(3),
        video_unet=architectures.video_unet(),
        motion_adapter=architectures.motion_adapter(),
    )
    models[INPAINT] = inpaint.widened(architectures.image_unet())
    nine = inpaint.widened(architectures.image_unet())
    models[INSTRUCT] = instruct.without_mask(nine, scaling_factor=0.2)
    for name, model in models.items():
        # Layers that start at zero would hide errors of the export behind their silence.
        for weight in model.parameters():
            if not weight.detach().any():
                torch.nn.init.normal_(weight, std=0.02)
        model.save_pretrained(folder / name)
    annotators.save(annotators.depth_annotator().half(), folder / ANNOTATORS["depth"])
    annotators.save(annotators.pose_annotator().half(), folder / ANNOTATORS["pose"])
    inflated = vidrd.VidrdUnet(unet)
    for name, weight in inflated.named_parameters():
        if vidrd.is_temporal(name):
            torch.nn.init.normal_(weight, std=0.02)
    vidrd.save_temporal(inflated, folder / "vidrd")
    return _source(folder)


def temporal_sources(folder):
    """Those of TEMPORAL by name, their trainings' folders in `folder`."""
    return {
        name: replace(source, layers=folder / source.layers) for name, source in TEMPORAL.items()
    }


def write_logs(folder, stages=STAGES):
    """Summaries of the trainings (steps, minutes, seeds, losses), thinned, one JSON file each."""
    folder.mkdir(parents=True, exist_ok=True)
    for stage in stages:
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
        controlnets=_within(folder, CONTROLNETS),
        fused=FUSED,
        windows=WINDOWS,
        adapters=_within(folder, ADAPTERS),
        annotators=_within(folder, ANNOTATORS),
        inpaint=folder / INPAINT,
        instruct=folder / INSTRUCT,
        videos={VIDEO: video, **temporal_sources(folder)},
        **shared,
    )
