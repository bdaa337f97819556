"""Writes a model set: diffusers folders with their weights, the graphs over them, and the card."""

from dataclasses import dataclass, field
from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderKL, ControlNetModel, T2IAdapter, UNet2DConditionModel
from transformers import CLIPTextModel

from . import graphs, videos
from .annotators import write_annotator
from .files import copy as _copy
from .files import open_to_readers
from .files import store as _store
from .files import write_json as _write_json
from .single_file.part import FilePart

INPAINT = "unet-inpaint"
INSTRUCT = "unet-instruct"
PROMPT2PROMPT = "unet/prompt2prompt"
DTYPES = {"fp16": torch.float16, "fp32": torch.float32}


@dataclass(frozen=True)
class Source:
    """Where the parts lie that go into a set: folders, as diffusers or transformers saved them, or FileParts."""

    text_encoder: Path | FilePart
    tokenizer: Path
    unet: Path | FilePart
    vae: Path | FilePart
    scheduler: Path | dict  # or its config
    controlnets: dict = field(default_factory=dict)  # name -> folder or FilePart
    fused: tuple = ()  # tuples of names of ControlNets that one graph shall hold together
    windows: tuple = ()  # names of ControlNets by which the frames of a window are drawn together too
    adapters: dict = field(default_factory=dict)  # name -> folder of a T2I-Adapter
    annotators: dict = field(default_factory=dict)  # depth or pose -> folder of `train`, or ONNX file
    inpaint: Path | FilePart | None = None  # an image UNet that sees mask and known latents too
    instruct: Path | FilePart | None = None  # one that sees the picture to edit too
    videos: dict = field(default_factory=dict)  # name -> of videos.py
    variant: str | None = None  # of the files that are read, where a folder has such


def write_model_set(source, card, out, dtype):
    """Writes everything to `out`, which it creates; `dtype` is that of the stored weights."""
    out.mkdir(parents=True, exist_ok=True)
    _write_image(source, out / "image", dtype)
    for name, video in source.videos.items():
        videos.write_video(name, video, out, dtype)
    open_to_readers(out)
    _write_json(out / "card.json", card)


def _write_image(source, image, dtype):
    variant = source.variant
    text_encoder = _store(CLIPTextModel, source.text_encoder, image / "text_encoder", dtype, variant)
    vae = _store(AutoencoderKL, source.vae, image / "vae", dtype, variant)
    unet = _store(UNet2DConditionModel, source.unet, image / "unet", dtype, variant)
    controlnets = {
        name: _store(ControlNetModel, folder, image / f"controlnet-{name}", dtype, variant)
        for name, folder in source.controlnets.items()
    }
    _copy(source.tokenizer, image / "tokenizer")
    if isinstance(source.scheduler, dict):
        _write_json(image / "scheduler" / "scheduler_config.json", source.scheduler)
    else:
        _copy(source.scheduler, image / "scheduler")
    _write_json(image / "model_index.json", _image_index())
    graphs.write_text_encoder(text_encoder, image / "text_encoder")
    graphs.write_vae(vae, image)
    graphs.write_unet(unet, image / "unet")
    graphs.write_prompt2prompt_unet(unet, image / "unet")
    for name, controlnet in controlnets.items():
        graphs.write_controlled_unet(unet, {name: controlnet}, image)
    for names in source.fused:
        graphs.write_controlled_unet(unet, {name: controlnets[name] for name in names}, image)
    for name in source.windows:
        graphs.write_window_unet(unet, {name: controlnets[name]}, image)
    for name, folder in source.adapters.items():
        adapter = _store(T2IAdapter, folder, image / f"t2iadapter-{name}", dtype, variant)
        graphs.write_adapted_unet(unet, {name: adapter}, image)
    for kind, path in source.annotators.items():
        write_annotator(kind, path, image / f"annotator-{kind}", dtype)
    if source.inpaint is not None:
        inpaint = _store(UNet2DConditionModel, source.inpaint, image / INPAINT, dtype, variant)
        graphs.write_unet(inpaint, image / INPAINT)
    if source.instruct is not None:
        instruct = _store(UNet2DConditionModel, source.instruct, image / INSTRUCT, dtype, variant)
        graphs.write_unet(instruct, image / INSTRUCT)
    # Last, because inflating changes the model.
    graphs.write_inflated_unet(unet, image / "unet")


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
