"""Runs each graph of a model set in onnxruntime beside the torch model it was written from.

Torch comes first, and onnxruntime when its model is gone: memory is that of one model. Inputs have other
sizes than the traced ones, so a size that was baked in shows here.
"""

import json
import math
import time
from dataclasses import dataclass

import onnx
import onnxruntime
import torch
from diffusers import AutoencoderKL, ControlNetModel, T2IAdapter, UNet2DConditionModel
from onnx.external_data_helper import ExternalDataInfo, uses_external_data
from transformers import CLIPTextModel

from train import annotators

from . import graphs, videos, wrappers, xl
from .graph import FORM
from .memory import give_back
from .prompt2prompt import Prompt2PromptUnet
from .unmapped import load
from .window import WindowUnet

# The greatest difference that a graph of a form may have, as a share of the greatest value, of at least 1.
BOUNDS = {"float32": 1e-4, "float16": 2e-2, "int8": 5e-2, "float16+int8": 5e-2}


# Of weights as stored. Larger graphs run as they are: to optimise them, or to lay their weights out anew for the
# kernels, takes up to twice their memory.
LARGE_BYTES = 256 << 20


@dataclass(frozen=True)
class Difference:
    """Of a graph, by its path in the set, from torch, for inputs of some shapes."""

    graph: str
    form: str
    shapes: list
    worst: float
    largest: float
    seconds: float  # of the graph's run

    @property
    def bound(self):
        return BOUNDS[self.form] * max(1.0, self.largest)

    @property
    def is_beyond(self):
        # What is not a number is no less than anything.
        return not self.worst <= self.bound


def check(folder, threads=1):
    """Yields a Difference for each graph of the set, and for each of the inputs that it is given."""
    for path, make in _cases(folder):
        expected = _of_torch(make)
        give_back()
        yield from _compare(folder, path, expected, threads)
        give_back()


def largest_model(folder):
    """How many weights the graph has that has most of them: a UNet with its ControlNets is one model."""
    return max(sum(math.prod(one.dims) for one in _weights(path)) for path, _ in _cases(folder))


def _cases(folder):
    """Gives each graph's path, and what makes its torch module and the lists of inputs for it."""
    image = folder / "image"
    yield from _text_and_vae(image)
    yield from _image_unets(image)
    yield from _controlled_unets(image)
    yield from _xl(image / xl.FOLDER)
    for kind, wrap in {"depth": wrappers.DepthAnnotator, "pose": wrappers.PoseAnnotator}.items():
        at = image / f"annotator-{kind}"
        # Ours; of another's there is nothing to compare with.
        if (at / annotators.WEIGHTS).is_file():
            yield at / "model.onnx", lambda at=at, wrap=wrap: (
                wrap(annotators.load(at)),
                [(torch.randn(3, 3, 96, 160),)],
            )
    for name, said in json.loads((folder / "card.json").read_text())["videos"].items():
        if "unet" in said:
            graph = image / f"{said['unet']}.onnx"
        else:
            whole = folder / "video" / name
            text, graph = whole / "text_encoder", whole / "unet" / "model.onnx"
            yield text / "model.onnx", lambda text=text: _text_encoder(text)
        yield graph, lambda name=name: _video_unet(folder, name)


def _text_encoder(folder):
    model = load(CLIPTextModel, folder)
    ids = torch.randint(0, model.config.vocab_size, (3, 77))
    ids[:, -1] = model.config.eos_token_id
    return wrappers.TextEncoder(model), [(ids,)]


def _text_and_vae(image):
    text = image / "text_encoder"
    yield text / "model.onnx", lambda: _text_encoder(text)
    yield from _vae(image)


def _vae(image):
    def half(wrap, inputs):
        return wrap(load(AutoencoderKL, image / "vae")), [(inputs,)]

    picture, latents = torch.rand(3, 3, 64, 96) * 2 - 1, torch.randn(3, 4, 8, 16)
    yield image / "vae_encoder.onnx", lambda: half(wrappers.VaeEncoder, picture)
    yield image / "vae_decoder.onnx", lambda: half(wrappers.VaeDecoder, latents)


def _image_unets(image):
    def plain(folder):
        unet = load(UNet2DConditionModel, folder)
        return wrappers.Unet(unet), [_unet_inputs(unet, (3, unet.config.in_channels, 16, 8))]

    def inflated():
        unet = load(UNet2DConditionModel, image / "unet")
        shapes = [(1, unet.config.in_channels, frames, 16, 8) for frames in (5, 8)]
        return wrappers.InflatedUnet(unet), [_unet_inputs(unet, shape) for shape in shapes]

    for folder in (image / "unet", *sorted(image.glob("unet-*"))):
        yield folder / "model.onnx", lambda folder=folder: plain(folder)
    yield image / "unet/prompt2prompt.onnx", lambda: _prompt2prompt_unet(image)
    yield image / "unet/inflated.onnx", inflated


def _xl(image):
    """Of Stable Diffusion XL, if the set has it."""
    text = image / xl.TEXT

    def encoders():
        module = xl.open_text_encoders(text, load)
        # The last of the vocabulary ends a text, and fills it up.
        last = module.text_encoder.config.vocab_size - 1
        ids = torch.randint(1, last, (3, 77))
        for row, length in enumerate((2, 30, 76)):
            ids[row, length:] = last
        return module, [(ids,)]

    if text.is_dir():
        yield text / "model.onnx", encoders
        yield from _vae(image)
        yield from _controlled_unets(image)


def _prompt2prompt_unet(image):
    """With several frames and edits, with more positions than self-attention is replaced in too."""
    unet = load(UNet2DConditionModel, image / "unet")
    inputs = []
    for edits, frames, size in ((1, 3, (16, 8)), (2, 1, (32, 24))):
        shape = (2 * (1 + edits) * frames, unet.config.in_channels, *size)
        rows = torch.rand(edits, 77), torch.rand(edits, 77)
        control = torch.rand(edits, 77, 77), *rows, torch.tensor(0.7)
        inputs.append((*_unet_inputs(unet, shape), *control))
    return Prompt2PromptUnet(unet), inputs


def _controlled_unets(image):
    def controlled(wrap, names):
        unet = load(UNet2DConditionModel, image / "unet")
        nets = [load(ControlNetModel, image / f"controlnet-{name}") for name in names]
        inputs = _unet_inputs(unet, (3, unet.config.in_channels, 16, 8))
        return wrap(unet, nets), [(*inputs, *_controls(nets, 3))]

    def adapted(name):
        unet = load(UNet2DConditionModel, image / "unet")
        adapter = load(T2IAdapter, image / name)
        # It takes multiples of what it makes one pixel of.
        sizes = 2 * adapter.total_downscale_factor, 3 * adapter.total_downscale_factor
        its = _unet_inputs(unet, (3, unet.config.in_channels, *(size // 8 for size in sizes)))
        extra = _controls([adapter], adapter.config.in_channels, sizes)
        return wrappers.AdaptedUnet(unet, [adapter]), [(*its, *extra)]

    kinds = {"controlnet": wrappers.ControlledUnet, "controlvideo": WindowUnet}
    for kind, wrap in kinds.items():
        for path in sorted(image.glob(f"unet_{kind}-*.onnx")):
            names = path.stem.removeprefix(f"unet_{kind}-").split("+")
            yield path, lambda wrap=wrap, names=names: controlled(wrap, names)
    for path in sorted(image.glob("unet_t2iadapter-*.onnx")):
        yield path, lambda path=path: adapted(path.stem.removeprefix("unet_"))


def _video_unet(folder, name):
    unet = videos.load_video_unet(folder, name)
    shapes = [(batch, 4, frames, 16, 8) for frames, batch in ((5, 1), (8, 2))]
    return wrappers.Unet(unet), [_unet_inputs(unet, shape) for shape in shapes]


def _controls(nets, channels, sizes=(128, 64)):
    """Control pictures for a batch of three, and a weight for each net."""
    count = len(nets)
    return torch.rand(count, 3, channels, *sizes), torch.linspace(0.7, 0.4, count)


def _unet_inputs(unet, shape):
    text = torch.randn(shape[0], graphs.text_length(unet), unet.config.cross_attention_dim)
    return torch.randn(*shape), torch.tensor(321.0), text


@torch.no_grad()
def _of_torch(make):
    """Pairs of inputs and what torch makes of them."""
    module, every = make()
    pairs = []
    for inputs in every:
        outputs = module(*inputs)
        pairs.append((inputs, outputs if isinstance(outputs, tuple) else (outputs,)))
    return pairs


def _compare(folder, path, expected, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    if sum(ExternalDataInfo(one).length or 0 for one in _weights(path)) > LARGE_BYTES:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.add_session_config_entry("session.disable_prepacking", "1")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    form = session.get_modelmeta().custom_metadata_map.get(FORM, "float32")
    for inputs, wanted in expected:
        feed = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
        begun = time.perf_counter()
        actual = session.run(None, feed)
        seconds = time.perf_counter() - begun
        apart = [(torch.from_numpy(a) - e).abs().max() for a, e in zip(actual, wanted, strict=True)]
        yield Difference(
            graph=str(path.relative_to(folder)),
            form=form,
            shapes=[tuple(value.shape) for value in inputs],
            worst=float(torch.stack(apart).max()),
            largest=max(float(e.abs().max()) for e in wanted),
            seconds=seconds,
        )


def _weights(path):
    graph = onnx.load(str(path), load_external_data=False).graph
    return [one for one in graph.initializer if uses_external_data(one)]
