"""Finds the files that hold a model's weights, and tells what they hold without reading the weights.

Forms that are known: safetensors and torch's pickles (`.bin`), whole or in parts with an index, each
maybe of a variant (`diffusion_pytorch_model.fp16.safetensors`). Names are diffusers' and transformers'.
"""

import json
import pickle
import re
from dataclasses import dataclass
from pathlib import Path

import torch

from ..safetensors_file import stored_tensors

STEMS = {
    "diffusers": {"safetensors": "diffusion_pytorch_model", "bin": "diffusion_pytorch_model"},
    "transformers": {"safetensors": "model", "bin": "pytorch_model"},
}
# Names of attention in a VAE before diffusers 0.13, which diffusers reads as today's.
OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
_OLD = re.compile(rf"\.({'|'.join(OLD_ATTENTION)})\.(weight|bias)$")
LFS_POINTER = b"version https://git-lfs"


class Unreadable(Exception):
    """`what` is wrong with a file of weights, and a `hint`."""

    def __init__(self, what, hint):
        super().__init__(what)
        self.what, self.hint = what, hint


@dataclass(frozen=True)
class WeightFiles:
    """Files that together hold a model's weights, and the variant that they are of, maybe none."""

    files: tuple
    variant: str | None


def find_weights(folder, library, variant):
    """The WeightFiles of a model: those of `variant` if there are such, else the plain ones, or None.

    `library` is diffusers or transformers. Raises Unreadable if an index or one of its parts is bad.
    """
    for wanted in dict.fromkeys((variant, None)):
        for ending, stem in STEMS[library].items():
            mark = f".{wanted}" if wanted else ""
            whole = folder / f"{stem}{mark}.{ending}"
            if whole.is_file():
                return WeightFiles((whole,), wanted)
            index = folder / f"{stem}.{ending}.index{mark}.json"
            if index.is_file():
                return WeightFiles(_parts(index), wanted)
    return None


def variants_in(folder, library):
    """Variants of which a folder has weights, sorted."""
    stems = "|".join(set(STEMS[library].values()))
    known = re.compile(
        rf"({stems})(\.(safetensors|bin)\.index)?\.(?P<variant>[\w-]+?)(-\d+-of-\d+)?\.(safetensors|bin|json)"
    )
    found = (known.fullmatch(path.name) for path in folder.iterdir())
    marks = {match["variant"] for match in found if match}
    return sorted(marks - {"index"})


def _parts(index):
    try:
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    except (ValueError, KeyError, AttributeError) as reason:
        hint = "It was cut off, or is no index of weights: copy it again."
        raise Unreadable(f"{index.name} cannot be read", hint) from reason
    missing = [name for name in names if not (index.parent / name).is_file()]
    if missing:
        count = f"missing: {len(missing)} of {len(names)}"
        what = f"{index.name} names {missing[0]}, which is not there ({count})"
        raise Unreadable(what, "Copy the missing files there.")
    return tuple(index.parent / name for name in names)


def shapes_in(files):
    """Name to shape of all tensors in `files`. Raises Unreadable."""
    shapes = {}
    for file in files:
        if not file.is_file():
            raise Unreadable(f"has no {file.name}", "Copy the folder again.")
        with file.open("rb") as stream:
            if stream.read(len(LFS_POINTER)) == LFS_POINTER:
                what = f"{file.name} is a pointer of Git LFS, not the weights"
                raise Unreadable(what, "Run `git lfs pull` in its repository, or download the file.")
        read = _shapes_in_safetensors if file.suffix == ".safetensors" else _shapes_in_pickle
        shapes.update(read(file))
    return shapes


def _shapes_in_safetensors(file):
    try:
        stored = stored_tensors(file)
    except (ValueError, KeyError, TypeError, AttributeError) as reason:
        hint = "It is no safetensors file, or was cut off: copy it again."
        raise Unreadable(f"{file.name} cannot be read", hint) from reason
    needed = max((one.offset + one.length for one in stored.values()), default=0)
    size = file.stat().st_size
    if size < needed:
        what = f"{file.name} has {size} bytes, and says that it has {needed}"
        raise Unreadable(what, "It was cut off: copy it again.")
    return {name: one.shape for name, one in stored.items()}


def _shapes_in_pickle(file):
    """Nothing but tensors is unpickled."""
    try:
        stored = torch.load(file, map_location="meta", weights_only=True)
    except pickle.UnpicklingError as reason:
        what = f"{file.name} holds more than tensors, so that reading it could run a program"
        hint = "Get the model as safetensors."
        raise Unreadable(what, hint) from reason
    except (RuntimeError, EOFError, OSError, ValueError, AttributeError) as reason:
        hint = "It was cut off, or was not written by torch: copy it again."
        raise Unreadable(f"{file.name} cannot be read", hint) from reason
    stored = stored.get("state_dict", stored)
    return {name: tuple(one.shape) for name, one in stored.items() if torch.is_tensor(one)}


def name_today(name, known):
    """What the libraries of today call the weight `name`, if that is among the `known`."""
    if name in known:
        return name
    bare = name.removeprefix("text_model.")
    return _OLD.sub(lambda old: f".{OLD_ATTENTION[old[1]]}.{old[2]}", bare)
