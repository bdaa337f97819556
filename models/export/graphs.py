"""The graphs of a model set: their contracts, example inputs, and where each is written.

Sizes traced here are only examples: batch, frames, height, width and text length may vary.
"""

import copy

import torch

from video.animatediff import AnimateDiffUnet
from video.tune_a_video import TuneAVideoUnet

from . import wrappers
from .graph import Contract, write_graph
from .prompt2prompt import Prompt2PromptUnet
from .window import WindowUnet

WEIGHTS = "diffusion_pytorch_model.safetensors"
TEXT_WEIGHTS = "model.safetensors"  # annotators' too
TEXT_LENGTH = 77
_FRAME = {0: "batch", 2: "height", 3: "width"}
_CLIP = {0: "batch", 2: "frames", 3: "height", 4: "width"}
_WINDOW = {2: "frames", 3: "height", 4: "width"}
_TEXT = {0: "batch", 1: "sequence"}
# Video UNets around one that has all weights, as `unet`.
OVER_ANOTHER = (AnimateDiffUnet, TuneAVideoUnet)


def text_length(unet):
    """Tokens that a UNet is told: of Stable Diffusion XL's the last is the whole text."""
    return TEXT_LENGTH + (unet.config.get("addition_embed_type") == "text_time")


def write_text_encoder(model, folder):
    contract = Contract(
        {"input_ids": {0: "batch"}},
        {"last_hidden_state": {0: "batch"}, "pooler_output": {0: "batch"}},
    )
    ids = torch.full((2, TEXT_LENGTH), model.config.eos_token_id, dtype=torch.int64)
    ids[:, 0] = model.config.bos_token_id
    weights = {"text_encoder": folder / TEXT_WEIGHTS}
    write_graph(wrappers.TextEncoder(model), (ids,), contract, weights, folder / "model.onnx")


def write_vae(model, image):
    """vae_encoder.onnx and vae_decoder.onnx in the folder `image`, weights in its vae/."""
    weights = {"vae": image / "vae" / WEIGHTS}
    channels = model.config.latent_channels
    encoder = Contract({"sample": _FRAME}, {"latent_parameters": _latent_axes()})
    picture = torch.randn(2, 3, 64, 64)
    write_graph(
        wrappers.VaeEncoder(model), (picture,), encoder, weights, image / "vae_encoder.onnx"
    )
    decoder = Contract({"latent_sample": _latent_axes()}, {"sample": _FRAME})
    latents = torch.randn(2, channels, 8, 8)
    write_graph(
        wrappers.VaeDecoder(model), (latents,), decoder, weights, image / "vae_decoder.onnx"
    )


def write_unet(model, folder):
    """model.onnx beside the weights; B is the batch."""
    contract = _unet_contract(_FRAME, _TEXT)
    write_graph(
        wrappers.Unet(model),
        _unet_example(model, (2,), ()),
        contract,
        {"unet": folder / WEIGHTS},
        folder / "model.onnx",
    )


def write_prompt2prompt_unet(model, folder):
    """prompt2prompt.onnx beside the weights: the same ones, with attention that inputs control."""
    contract = _unet_contract(_FRAME, _TEXT)
    contract.inputs["cross_replace_mapper"] = {0: "edits", 1: "sequence", 2: "sequence"}
    contract.inputs["cross_replace_alpha"] = {0: "edits", 1: "sequence"}
    contract.inputs["equalizer"] = {0: "edits", 1: "sequence"}
    contract.inputs["self_replace"] = {}
    contract.outputs["cross_attention_maps"] = {0: "prompts", 1: "positions", 2: "sequence"}
    length = (1, TEXT_LENGTH)
    control = (torch.rand(1, TEXT_LENGTH, TEXT_LENGTH), torch.rand(length), torch.rand(length))
    processors = model.attn_processors
    write_graph(
        Prompt2PromptUnet(model),
        (*_unet_example(model, (4,), ()), *control, torch.tensor(0.5)),
        contract,
        {"unet": folder / WEIGHTS},
        folder / "prompt2prompt.onnx",
    )
    model.set_attn_processor(processors)


def write_inflated_unet(model, folder):
    """inflated.onnx beside the weights: the same ones, for inverting a window. Changes `model`."""
    contract = _unet_contract(_WINDOW, {1: "sequence"})
    write_graph(
        wrappers.InflatedUnet(model),
        _unet_example(model, (1,), (3,)),
        contract,
        {"unet": folder / WEIGHTS},
        folder / "inflated.onnx",
    )


def write_controlled_unet(model, controlnets, image):
    """unet_controlnet-NAME.onnx in the folder `image`; `controlnets` maps a name to its model."""
    module = wrappers.ControlledUnet(model, list(controlnets.values()))
    _write_controlled(module, controlnets, image, "controlnet", "batch")


def write_window_unet(model, controlnets, image):
    """unet_controlvideo-NAME.onnx: the same with frames that see each other."""
    module = WindowUnet(_twin(model), [_twin(net) for net in controlnets.values()])
    _write_controlled(module, controlnets, image, "controlvideo", "frames")


def _twin(model):
    """Another model over the same weights, whose layers may be changed."""
    weights = (*model.parameters(), *model.buffers())
    return copy.deepcopy(model, {id(weight): weight for weight in weights})


def _write_controlled(module, controlnets, image, kind, first):
    """`first`: what the first axis of the sample is."""
    model, count = module.unet, len(controlnets)
    contract = _unet_contract({**_FRAME, 0: first}, {**_TEXT, 0: first})
    contract.inputs["controlnet_conds"] = {1: first, 3: "image_height", 4: "image_width"}
    contract.inputs["conditioning_scales"] = {}
    example = (
        *_unet_example(model, (2,), ()),
        torch.rand(count, 2, 3, 64, 64),
        torch.full((count,), 0.9),
    )
    weights = {"unet": image / "unet" / WEIGHTS}
    for i, name in enumerate(controlnets):
        weights[f"controlnet_{i}"] = image / f"controlnet-{name}" / WEIGHTS
    path = image / f"unet_{kind}-{'+'.join(controlnets)}.onnx"
    write_graph(module, example, contract, weights, path)


def write_adapted_unet(model, adapters, image):
    """unet_t2iadapter-NAME.onnx in the folder `image`; `adapters` maps a name to its model, all of them
    for pictures of as many channels."""
    contract = _unet_contract(_FRAME, _TEXT)
    contract.inputs["adapter_conds"] = {1: "batch", 3: "image_height", 4: "image_width"}
    contract.inputs["conditioning_scales"] = {}
    count = len(adapters)
    channels = next(iter(adapters.values())).config.in_channels
    example = (
        *_unet_example(model, (2,), ()),
        torch.rand(count, 2, channels, 64, 64),
        torch.full((count,), 0.9),
    )
    weights = {"unet": image / "unet" / WEIGHTS}
    for i, name in enumerate(adapters):
        weights[f"adapter_{i}"] = image / f"t2iadapter-{name}" / WEIGHTS
    module = wrappers.AdaptedUnet(model, list(adapters.values()))
    path = image / f"unet_t2iadapter-{'+'.join(adapters)}.onnx"
    write_graph(module, example, contract, weights, path)


def write_annotator(model, kind, folder):
    """model.onnx beside the weights of an annotator of `train`; `kind` is depth or pose."""
    height, width = {"depth": ("height", "width"), "pose": ("map_height", "map_width")}[kind]
    axes = {0: "batch", 1: height, 2: width}
    output = {
        "depth": {"predicted_depth": axes},
        "pose": {"heatmaps": {0: "batch", 2: height, 3: width}},
    }[kind]
    wrap = {"depth": wrappers.DepthAnnotator, "pose": wrappers.PoseAnnotator}[kind]
    contract = Contract({"pixel_values": _FRAME}, output)
    weights = {"annotator": folder / TEXT_WEIGHTS}
    picture = torch.randn(2, 3, 64, 64)
    write_graph(wrap(model), (picture,), contract, weights, folder / "model.onnx")


def write_video_unet(model, weights, path):
    """A graph over `weights`, the files that store the video UNet `model`. Changes `model`."""
    inner = "unet.unet" if isinstance(model, OVER_ANOTHER) else "unet"
    write_graph(
        wrappers.VideoUnet(model),
        _unet_example(model, (2,), (3,)),
        _unet_contract(_CLIP, _TEXT),
        {inner: weights},
        path,
    )


def _latent_axes():
    return {0: "batch", 2: "latent_height", 3: "latent_width"}


def _unet_contract(axes, text_axes):
    inputs = {"sample": axes, "timestep": {}, "encoder_hidden_states": text_axes}
    return Contract(inputs, {"out_sample": axes})


def _unet_example(model, batch, frames):
    config = model.config
    sample = torch.randn(*batch, config.in_channels, *frames, 8, 8)
    text = torch.randn(*batch, text_length(model), config.cross_attention_dim)
    return sample, torch.tensor(500.0), text
