"""Writes a model set: diffusers folders with their weights, the graphs over them, and the card."""

from dataclasses import dataclass, field
from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderKL, ControlNetModel, T2IAdapter, UNet2DConditionModel
from transformers import CLIPTextModel

from . import graphs, progress, videos
from .annotators import write_annotator
from .files import copy as _copy
from .files import open_to_readers, write_scheduler
from .files import store as _store
from .files import write_json as _write_json
from .single_file.part import FilePart
from .xl import FOLDER, XlSource, write_xl

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
    xl: XlSource | None = None  # what ControlNets draw with in place of the image UNet
    videos: dict = field(default_factory=dict)  # name -> of videos.py
    variant: str | None = None  # of the files that are read, where a folder has such


def write_model_set(source, card, out, dtype):
    """Writes everything to `out`, which it creates, and tells of each part; `dtype` is that of the stored
    weights."""
    out.mkdir(parents=True, exist_ok=True)
    progress.tell(_write_parts(source, out, dtype), _count(source), out)
    open_to_readers(out)
    _write_json(out / "card.json", card)


def _count(source):
    """How many parts _write_parts gives."""
    named = (source.controlnets, source.fused, source.windows, source.adapters, source.annotators)
    others = sum(one is not None for one in (source.inpaint, source.instruct))
    return 5 + sum(map(len, named)) + others + 3 * (source.xl is not None) + len(source.videos)


def _write_parts(source, out, dtype):
    """Gives the name of each part before it is written."""
    yield from _write_image(source, out / "image", dtype)
    for name, video in source.videos.items():
        yield f"video {name}"
        videos.write_video(name, video, out, dtype)


def _write_image(source, image, dtype):
    variant = source.variant
    yield "text encoder"
    text_encoder = _store(CLIPTextModel, source.text_encoder, image / "text_encoder", dtype, variant)
    _copy(source.tokenizer, image / "tokenizer")
    write_scheduler(source.scheduler, image / "scheduler")
    _write_json(image / "model_index.json", _image_index())
    graphs.write_text_encoder(text_encoder, image / "text_encoder")
    del text_encoder
    yield "VAE"
    graphs.write_vae(_store(AutoencoderKL, source.vae, image / "vae", dtype, variant), image)
    yield "UNet"
    unet = _store(UNet2DConditionModel, source.unet, image / "unet", dtype, variant)
    graphs.write_unet(unet, image / "unet")
    yield "UNet, prompt-to-prompt"
    graphs.write_prompt2prompt_unet(unet, image / "unet")
    if source.xl is None:
        yield from _write_controlnets(source, unet, image, dtype)
    yield from _write_adapters(source, unet, image, dtype)
    for kind, path in source.annotators.items():
        yield f"annotator {kind}"
        write_annotator(kind, path, image / f"annotator-{kind}", dtype)
    for name, place in ((INPAINT, source.inpaint), (INSTRUCT, source.instruct)):
        if place is not None:
            yield name
            other = _store(UNet2DConditionModel, place, image / name, dtype, variant)
            graphs.write_unet(other, image / name)
            del other
    # Last, because inflating changes the model.
    yield "UNet, inflated"
    graphs.write_inflated_unet(unet, image / "unet")
    del unet
    if source.xl is not None:
        yield from _write_xl(source, image / FOLDER, dtype)


def _write_xl(source, folder, dtype):
    unet = yield from write_xl(source.xl, folder, dtype, source.variant)
    yield from _write_controlnets(source, unet, folder, dtype)


def _write_controlnets(source, unet, image, dtype):
    """UNets that see controls, and what they see them with; `image`: where the UNet's folder lies."""
    variant, controlnets = source.variant, {}
    for name, folder in source.controlnets.items():
        yield f"ControlNet {name}"
        net = _store(ControlNetModel, folder, image / f"controlnet-{name}", dtype, variant)
        graphs.write_controlled_unet(unet, {name: net}, image)
        controlnets[name] = net
    for names in source.fused:
        yield f"ControlNets {'+'.join(names)}"
        graphs.write_controlled_unet(unet, {name: controlnets[name] for name in names}, image)
    for name in source.windows:
        yield f"ControlVideo {name}"
        graphs.write_window_unet(unet, {name: controlnets[name]}, image)


def _write_adapters(source, unet, image, dtype):
    variant = source.variant
    for name, folder in source.adapters.items():
        yield f"T2I-Adapter {name}"
        adapter = _store(T2IAdapter, folder, image / f"t2iadapter-{name}", dtype, variant)
        graphs.write_adapted_unet(unet, {name: adapter}, image)


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
