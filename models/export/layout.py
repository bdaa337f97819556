"""Writes a model set: diffusers folders with their weights, the graphs over them, and the card."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import diffusers
import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    T2IAdapter,
    UNet2DConditionModel,
    UNet3DConditionModel,
)
from transformers import CLIPTextModel

from . import graphs
from .annotators import write_annotator

INPAINT = "unet-inpaint"
DTYPES = {"fp16": torch.float16, "fp32": torch.float32}


@dataclass(frozen=True)
class VideoSource:
    """Folders of a video model's parts. It has no VAE: BIVDiff decodes with the image model's."""

    text_encoder: Path
    tokenizer: Path
    unet: Path
    scheduler: Path | None  # how it was trained, to compare with the image model; not sampled with
    window: int  # frames of one pass, as trained


@dataclass(frozen=True)
class Source:
    """Folders of the parts that go into a set, as diffusers or transformers saved them."""

    text_encoder: Path
    tokenizer: Path
    unet: Path
    vae: Path
    scheduler: Path
    controlnets: dict = field(default_factory=dict)  # name -> folder
    fused: tuple = ()  # tuples of names of ControlNets that one graph shall hold together
    adapters: dict = field(default_factory=dict)  # name -> folder of a T2I-Adapter
    annotators: dict = field(default_factory=dict)  # depth or pose -> folder of `train`, or ONNX file
    inpaint: Path | None = None  # an image UNet that sees mask and known latents too
    videos: dict = field(default_factory=dict)  # name -> VideoSource


def write_model_set(source, card, out, dtype):
    """Writes everything to `out`, which it creates; `dtype` is that of the stored weights."""
    out.mkdir(parents=True, exist_ok=True)
    _write_image(source, out / "image", dtype)
    for name, video in source.videos.items():
        _write_video(video, out / "video" / name, dtype)
    _write_json(out / "card.json", card)


def _write_image(source, image, dtype):
    text_encoder = _store(CLIPTextModel, source.text_encoder, image / "text_encoder", dtype)
    vae = _store(AutoencoderKL, source.vae, image / "vae", dtype)
    unet = _store(UNet2DConditionModel, source.unet, image / "unet", dtype)
    controlnets = {
        name: _store(ControlNetModel, folder, image / f"controlnet-{name}", dtype)
        for name, folder in source.controlnets.items()
    }
    _copy(source.tokenizer, image / "tokenizer")
    _copy(source.scheduler, image / "scheduler")
    _write_json(image / "model_index.json", _image_index())
    graphs.write_text_encoder(text_encoder, image / "text_encoder")
    graphs.write_vae(vae, image)
    graphs.write_unet(unet, image / "unet")
    for name, controlnet in controlnets.items():
        graphs.write_controlled_unet(unet, {name: controlnet}, image)
    for names in source.fused:
        graphs.write_controlled_unet(unet, {name: controlnets[name] for name in names}, image)
    for name, folder in source.adapters.items():
        adapter = _store(T2IAdapter, folder, image / f"t2iadapter-{name}", dtype)
        graphs.write_adapted_unet(unet, {name: adapter}, image)
    for kind, path in source.annotators.items():
        write_annotator(kind, path, image / f"annotator-{kind}", dtype)
    if source.inpaint is not None:
        inpaint = _store(UNet2DConditionModel, source.inpaint, image / INPAINT, dtype)
        graphs.write_unet(inpaint, image / INPAINT)
    # Last, because inflating changes the model.
    graphs.write_inflated_unet(unet, image / "unet")


def _write_video(source, folder, dtype):
    text_encoder = _store(CLIPTextModel, source.text_encoder, folder / "text_encoder", dtype)
    unet = _store(UNet3DConditionModel, source.unet, folder / "unet", dtype)
    _copy(source.tokenizer, folder / "tokenizer")
    if source.scheduler is not None:
        _copy(source.scheduler, folder / "scheduler")
    _write_json(folder / "model_index.json", _video_index(source.scheduler is not None))
    graphs.write_text_encoder(text_encoder, folder / "text_encoder")
    graphs.write_video_unet(unet, folder / "unet")
    config = json.loads((folder / "unet" / "config.json").read_text())
    ours = {"window": source.window, "rowwise_temporal_convs": True}
    _write_json(folder / "unet" / "config.json", {**config, **ours})


def _store(kind, folder, out, dtype):
    """Saves the model of `folder` in `dtype`; returns what was stored, in float32."""
    kind.from_pretrained(folder, torch_dtype=dtype).save_pretrained(out, max_shard_size="100GB")
    config = json.loads((out / "config.json").read_text())
    config.pop("_name_or_path", None)  # where it happened to lie on this machine
    _write_json(out / "config.json", config)
    return kind.from_pretrained(out, torch_dtype=torch.float32).eval().requires_grad_(False)


def _copy(folder, out):
    shutil.copytree(folder, out, dirs_exist_ok=True)


def _image_index():
    return {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": diffusers.__version__,
        "feature_extractor": [None, None],
        "image_encoder": [None, None],
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }


def _video_index(has_scheduler):
    return {
        "_class_name": "TextToVideoSDPipeline",
        "_diffusers_version": diffusers.__version__,
        "scheduler": ["diffusers", "DDIMScheduler"] if has_scheduler else [None, None],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet3DConditionModel"],
    }


def _write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n")
