"""Weights rounded to 8 bits, a scale for each output channel, in a file beside that which they are of.

The file has all that graphs need, so that only whoever holds graphs against torch reads the other.
"""

import shutil
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from safetensors import safe_open
from safetensors.torch import save_file

LARGEST = 127
# Of a weight's values; what is smaller would save nothing.
LEAST = 4096
SCALE = ".scale"
_is_wanted = ContextVar("is_wanted", default=False)


@contextmanager
def int8_weights(wanted=True):
    """While it lasts, graphs are written over weights of 8 bits."""
    before = _is_wanted.set(wanted)
    try:
        yield
    finally:
        _is_wanted.reset(before)


def has_int8_weights():
    return _is_wanted.get()


def rounded(file):
    """The file beside `file` that has its weights in 8 bits; written unless it is there and newer."""
    out = file.with_suffix(".int8.safetensors")
    if out.is_file() and out.stat().st_mtime_ns > file.stat().st_mtime_ns:
        return out
    weights = {}
    with safe_open(file, "pt") as stored:
        for name in stored.keys():
            weight = stored.get_tensor(name)
            if weight.is_floating_point() and weight.dim() > 1 and weight.numel() >= LEAST:
                weights[name], weights[name + SCALE] = _round(weight.float())
            else:
                weights[name] = weight
    part = out.with_suffix(".part")
    save_file(weights, part, metadata={"format": "pt"})
    shutil.copymode(file, part)
    part.rename(out)
    return out


def _round(weight):
    """To int8 of the same shape, and float32 of its first axis; their product is the weight."""
    scale = weight.flatten(1).abs().amax(1) / LARGEST
    scale[scale == 0] = 1.0
    spread = scale.reshape(-1, *[1] * (weight.dim() - 1))
    return (weight / spread).round().to(torch.int8), scale
