"""A set's UNets in onnxruntime, called as diffusers' are; twice as fast as torch on one core. The
parity tests hold the graphs equal to torch."""

import json
from types import SimpleNamespace

import numpy as np
import onnxruntime
import torch

from parity.reference import Reference


class Graph:
    """A UNet. `is_inflated`: it wants a window of frames as one clip and one text; given the frames
    of the window as a batch."""

    def __init__(self, path, threads=1, is_inflated=False):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        providers = ["CPUExecutionProvider"]
        self.session = onnxruntime.InferenceSession(str(path), options, providers=providers)
        self.is_inflated = is_inflated

    def __call__(self, sample, timestep, text, **extra):
        if self.is_inflated:
            sample, text = sample.transpose(0, 1)[None], text[:1]
        named = dict(sample=sample, encoder_hidden_states=text, **extra)
        feeds = {name: value.contiguous().numpy() for name, value in named.items()}
        feeds["timestep"] = np.array(float(timestep), np.float32)
        noise = torch.from_numpy(self.session.run(None, feeds)[0])
        return SimpleNamespace(sample=noise[0].transpose(0, 1) if self.is_inflated else noise)


def graph_of_video(folder, card, name):
    """The file of a video model's graph."""
    said = card["videos"][name]
    if isinstance(said, dict) and "unet" in said:
        return folder / card["image"] / f"{said['unet']}.onnx"
    place = said if isinstance(said, str) else said["folder"]
    return folder / place / "unet" / "model.onnx"


def open_reference(folder, steps, video=None, threads=1):
    """The reference with both inversions' and smoothing's UNets as graphs; `video` names the video
    model, the set's default if None."""
    card = json.loads((folder / "card.json").read_text())
    reference = Reference(folder, steps)
    reference.inflated = Graph(folder / card["image"] / "unet" / "inflated.onnx", threads, True)
    path = graph_of_video(folder, card, video or card["defaultVideo"])
    reference.video_unet = Graph(path, threads)
    return reference
