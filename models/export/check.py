"""Runs each graph of a model set in onnxruntime against the torch model it was written from.

Inputs have other sizes than the traced ones, so a size that was baked in shows here.
"""

import copy
import json

import onnxruntime
import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    T2IAdapter,
    UNet2DConditionModel,
)
from transformers import CLIPTextModel

from train import annotators

from . import videos, wrappers
from .prompt2prompt import Prompt2PromptUnet
from .window import WindowUnet


def check(folder, threads=1):
    """Yields (graph, input shapes, greatest absolute difference, greatest absolute value)."""
    image = folder / "image"
    text = _load(CLIPTextModel, image / "text_encoder")
    ids = torch.randint(0, text.config.vocab_size, (3, 77))
    ids[:, -1] = text.config.eos_token_id
    yield _compare(wrappers.TextEncoder(text), image / "text_encoder/model.onnx", (ids,), threads)
    vae = _load(AutoencoderKL, image / "vae")
    picture, latents = torch.rand(3, 3, 64, 96) * 2 - 1, torch.randn(3, 4, 8, 16)
    yield _compare(wrappers.VaeEncoder(vae), image / "vae_encoder.onnx", (picture,), threads)
    yield _compare(wrappers.VaeDecoder(vae), image / "vae_decoder.onnx", (latents,), threads)
    yield from _check_image_unet(image, threads)
    yield from _check_annotators(image, threads)
    for name, said in json.loads((folder / "card.json").read_text())["videos"].items():
        unet = videos.load_video_unet(folder, name)
        place = folder / "video" / name / "unet" / "model.onnx"
        graph = image / f"{said['unet']}.onnx" if "unet" in said else place
        for frames, batch in ((5, 1), (8, 2)):
            inputs = _unet_inputs(unet, (batch, 4, frames, 16, 8))
            yield _compare(wrappers.Unet(unet), graph, inputs, threads)


def _check_image_unet(image, threads):
    unet = _load(UNet2DConditionModel, image / "unet")
    inputs = _unet_inputs(unet, (3, unet.config.in_channels, 16, 8))
    yield _compare(wrappers.Unet(unet), image / "unet/model.onnx", inputs, threads)
    for folder in sorted(image.glob("unet-*")):
        other = _load(UNet2DConditionModel, folder)
        its = _unet_inputs(other, (3, other.config.in_channels, 16, 8))
        yield _compare(wrappers.Unet(other), folder / "model.onnx", its, threads)
    for path in sorted(image.glob("unet_controlnet-*.onnx")):
        names = path.stem.removeprefix("unet_controlnet-").split("+")
        nets = [_load(ControlNetModel, image / f"controlnet-{name}") for name in names]
        yield _compare(
            wrappers.ControlledUnet(unet, nets), path, (*inputs, *_controls(nets, 3)), threads
        )
    for path in sorted(image.glob("unet_controlvideo-*.onnx")):
        net = _load(ControlNetModel, image / path.stem.replace("unet_controlvideo", "controlnet"))
        window = WindowUnet(copy.deepcopy(unet), [net])
        yield _compare(window, path, (*inputs, *_controls([net], 3)), threads)
    for path in sorted(image.glob("unet_t2iadapter-*.onnx")):
        adapter = _load(T2IAdapter, image / path.stem.removeprefix("unet_"))
        # It takes multiples of what it makes one pixel of.
        sizes = 2 * adapter.total_downscale_factor, 3 * adapter.total_downscale_factor
        its = _unet_inputs(unet, (3, unet.config.in_channels, *(size // 8 for size in sizes)))
        extra = _controls([adapter], adapter.config.in_channels, sizes)
        yield _compare(wrappers.AdaptedUnet(unet, [adapter]), path, (*its, *extra), threads)
    yield from _check_prompt2prompt(unet, image / "unet/prompt2prompt.onnx", threads)
    inflated = wrappers.InflatedUnet(unet)
    for frames in (5, 8):
        inputs = _unet_inputs(unet, (1, unet.config.in_channels, frames, 16, 8))
        yield _compare(inflated, image / "unet/inflated.onnx", inputs, threads)


def _controls(nets, channels, sizes=(128, 64)):
    """Control pictures for a batch of three, and a weight for each net."""
    count = len(nets)
    return torch.rand(count, 3, channels, *sizes), torch.linspace(0.7, 0.4, count)


def _check_annotators(image, threads):
    """Ours; of another's there is nothing to compare with."""
    kinds = {"depth": wrappers.DepthAnnotator, "pose": wrappers.PoseAnnotator}
    for kind, wrap in kinds.items():
        folder = image / f"annotator-{kind}"
        if (folder / annotators.WEIGHTS).is_file():
            module, picture = wrap(annotators.load(folder)), torch.randn(3, 3, 96, 160)
            yield _compare(module, folder / "model.onnx", (picture,), threads)


def _check_prompt2prompt(unet, path, threads):
    """With several frames and edits, with more positions than self-attention is replaced in too."""
    processors = unet.attn_processors
    controlled = Prompt2PromptUnet(unet)
    for edits, frames, size in ((1, 3, (16, 8)), (2, 1, (32, 24))):
        inputs = _unet_inputs(unet, (2 * (1 + edits) * frames, unet.config.in_channels, *size))
        rows = torch.rand(edits, 77), torch.rand(edits, 77)
        control = torch.rand(edits, 77, 77), *rows, torch.tensor(0.7)
        yield _compare(controlled, path, (*inputs, *control), threads)
    unet.set_attn_processor(processors)


def _load(kind, folder):
    return kind.from_pretrained(folder, torch_dtype=torch.float32).eval()


def _unet_inputs(unet, shape):
    text = torch.randn(shape[0], 77, unet.config.cross_attention_dim)
    return torch.randn(*shape), torch.tensor(321.0), text


@torch.no_grad()
def _compare(module, path, inputs, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
    names = [entry.name for entry in session.get_inputs()]
    feed = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
    expected = module(*inputs)
    expected = expected if isinstance(expected, tuple) else (expected,)
    actual = session.run(None, feed)
    worst = max(
        float((torch.from_numpy(a) - e).abs().max()) for a, e in zip(actual, expected, strict=True)
    )
    largest = max(float(e.abs().max()) for e in expected)
    return str(path), [tuple(value.shape) for value in inputs], worst, largest
