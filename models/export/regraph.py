"""Writes the graphs of a set anew, from the weights and names that are in it: those of another version may
be faster."""

import json

from diffusers import AutoencoderKL, ControlNetModel, T2IAdapter, UNet2DConditionModel
from transformers import CLIPTextModel

from train import annotators

from . import graphs, videos, xl
from .unmapped import hollow, skeleton


def write_graphs(folder):
    """Yields each graph's path under `folder`, once it is written. Annotators of others have no weights here
    and stay as they are."""
    image = folder / "image"
    yield from _write_text_and_vae(image)
    unet = _open(UNet2DConditionModel, image / "unet")
    graphs.write_unet(unet, image / "unet")
    graphs.write_prompt2prompt_unet(unet, image / "unet")
    yield from ("image/unet/model.onnx", "image/unet/prompt2prompt.onnx")
    for name in _write_controlled(unet, image):
        yield f"image/{name}"
    for other in sorted(image.glob("unet-*")):
        graphs.write_unet(_open(UNet2DConditionModel, other), other)
        yield f"image/{other.name}/model.onnx"
    yield from _write_annotators(image)
    yield from _write_videos(folder)
    # Last, because inflating changes the model.
    graphs.write_inflated_unet(unet, image / "unet")
    yield "image/unet/inflated.onnx"
    del unet
    yield from _write_xl(image / xl.FOLDER)


def _write_controlled(unet, image):
    for path in sorted(image.glob("unet_*-*.onnx")):
        kind, names = path.stem.removeprefix("unet_").split("-", 1)
        if kind in ("controlnet", "controlvideo"):
            nets = {
                name: _open(ControlNetModel, image / f"controlnet-{name}") for name in names.split("+")
            }
            write = {
                "controlnet": graphs.write_controlled_unet,
                "controlvideo": graphs.write_window_unet,
            }
            write[kind](unet, nets, image)
        elif kind == "t2iadapter":
            adapter = _open(T2IAdapter, image / f"t2iadapter-{names}")
            graphs.write_adapted_unet(unet, {names: adapter}, image)
        else:
            continue
        yield path.name


def _write_xl(folder):
    """Of Stable Diffusion XL, if the set has it."""
    text = folder / xl.TEXT
    if text.is_dir():
        xl.write_text_encoders(xl.open_text_encoders(text, _open), text)
        yield f"image/{xl.FOLDER}/{xl.TEXT}/model.onnx"
        graphs.write_vae(_open(AutoencoderKL, folder / "vae"), folder)
        yield from (f"image/{xl.FOLDER}/vae_{half}.onnx" for half in ("encoder", "decoder"))
        for name in _write_controlled(_open(UNet2DConditionModel, folder / "unet"), folder):
            yield f"image/{xl.FOLDER}/{name}"


def _write_text_and_vae(image):
    graphs.write_text_encoder(_open(CLIPTextModel, image / "text_encoder"), image / "text_encoder")
    yield "image/text_encoder/model.onnx"
    graphs.write_vae(_open(AutoencoderKL, image / "vae"), image)
    yield from ("image/vae_encoder.onnx", "image/vae_decoder.onnx")


def _write_annotators(image):
    for kind in ("depth", "pose"):
        at = image / f"annotator-{kind}"
        if (at / annotators.WEIGHTS).is_file():
            graphs.write_annotator(annotators.load(at), kind, at)
            yield f"image/{at.name}/model.onnx"


def _write_videos(folder):
    for name, said in json.loads((folder / "card.json").read_text())["videos"].items():
        unet = videos.hollow_video_unet(folder, name)
        if "temporal" in said:
            at = videos.temporal_graph(folder / "image", name)
        else:
            whole = folder / (said if isinstance(said, str) else said["folder"])
            text = _open(CLIPTextModel, whole / "text_encoder")
            graphs.write_text_encoder(text, whole / "text_encoder")
            yield f"{(whole / 'text_encoder').relative_to(folder)}/model.onnx"
            at = whole / "unet" / graphs.WEIGHTS, whole / "unet" / "model.onnx"
        weights, path = at
        graphs.write_video_unet(unet, weights, path)
        yield str(path.relative_to(folder))


def _open(kind, folder):
    # Graphs have nothing of the weights but names and shapes.
    return hollow(skeleton(kind, folder))
