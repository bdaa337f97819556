"""Stable Diffusion XL, which draws frames for ControlNets beside an image model that shares its latents with the video
models: XL has a VAE, and so latents, of its own.

Its UNet is told a text by two encoders, the second one's embedding of the whole, and sizes in pixels. Our graphs of it
take what those of other models take: the whole's embedding goes as one token more behind the others, filled up with
zeros, and the sizes are those of the sample, uncropped, as the diffusers pipeline has them where nobody gives others.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from torch.nn import functional
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from . import graphs
from .files import copy, store, write_json, write_scheduler
from .graph import Contract, write_graph
from .single_file.part import FilePart

FOLDER = "xl"  # inside the image model's
TEXT = "text_encoders"  # of the graph over both
# What the card says of a generator's own parts.
PARTS = {
    "tokenizer": f"{FOLDER}/tokenizer",
    "textEncoder": f"{FOLDER}/{TEXT}",
    "scheduler": f"{FOLDER}/scheduler",
    "vae": FOLDER,
}
ENCODERS = {"text_encoder": CLIPTextModel, "text_encoder_2": CLIPTextModelWithProjection}


@dataclass(frozen=True)
class XlSource:
    """Where the parts of a StableDiffusionXLPipeline lie, as in a Source of layout.py; and the token that its second
    tokenizer fills up with."""

    text_encoder: Path | FilePart
    text_encoder_2: Path | FilePart
    tokenizer: Path
    unet: Path | FilePart
    vae: Path | FilePart
    scheduler: Path | dict  # or its config
    padding: int


class TextEncoders(nn.Module):
    """input_ids int64 (B, 77) of the first tokenizer to last_hidden_state (B, 78, D1 + D2): states before both last
    layers, then the second encoder's embedding of the whole. `padding`: as in XlSource."""

    def __init__(self, first, second, padding):
        super().__init__()
        self.text_encoder, self.text_encoder_2 = first, second
        self.padding = padding

    def forward(self, input_ids):
        # Both tokenizers have one vocabulary, whose last token ends a text; they fill up with different ones.
        is_end = (input_ids == input_ids.amax(1, keepdim=True)).to(torch.int64)
        is_behind = is_end.cumsum(1) > is_end
        second_ids = input_ids.masked_fill(is_behind, self.padding)
        first = self.text_encoder(input_ids, output_hidden_states=True)
        second = self.text_encoder_2(second_ids, output_hidden_states=True)
        tokens = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], -1)
        room = tokens.shape[-1] - self.text_encoder_2.config.projection_dim
        whole = functional.pad(second.text_embeds, (0, room))
        return torch.cat([tokens, whole.unsqueeze(1)], 1)


def open_text_encoders(folder, load):
    """The module of the set's `folder`; `load(kind, folder)` gives a model."""
    config = json.loads((folder / "config.json").read_text())
    models = (load(kind, folder / name) for name, kind in ENCODERS.items())
    return TextEncoders(*models, config["second_pad_token_id"])


def write_text_encoders(module, folder):
    """model.onnx above the weights of both encoders."""
    contract = Contract({"input_ids": {0: "batch"}}, {"last_hidden_state": {0: "batch"}})
    ids = torch.full((2, graphs.TEXT_LENGTH), 5, dtype=torch.int64)
    ids[0, 3:], ids[1, 9:] = 7, 7
    weights = {name: folder / name / graphs.TEXT_WEIGHTS for name in ENCODERS}
    write_graph(module, (ids,), contract, weights, folder / "model.onnx")


def write_xl(source, out, dtype, variant):
    """Yields the name of each part before it is written into `out`, and last the UNet, for ControlNets."""
    yield "XL text encoders"
    encoders = [
        store(kind, getattr(source, name), out / TEXT / name, dtype, variant)
        for name, kind in ENCODERS.items()
    ]
    width = sum(encoder.config.hidden_size for encoder in encoders)
    facts = {"hidden_size": width, "second_pad_token_id": source.padding}
    write_json(out / TEXT / "config.json", facts)
    write_text_encoders(TextEncoders(*encoders, source.padding), out / TEXT)
    del encoders
    copy(source.tokenizer, out / "tokenizer")
    write_scheduler(source.scheduler, out / "scheduler")
    yield "XL VAE"
    graphs.write_vae(store(AutoencoderKL, source.vae, out / "vae", dtype, variant), out)
    yield "XL UNet"
    return store(UNet2DConditionModel, source.unet, out / "unet", dtype, variant)
