"""Puts models and the files beside them into a set."""

import json
import os
import shutil
import tempfile
from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file

from .inputs.problems import BadInputs
from .inputs.weight_files import find_weights
from .memory import give_back
from .single_file.part import FilePart
from .unmapped import fill, hollow, skeleton, weights_in

CONFIG = "scheduler_config.json"


def load(kind, folder, dtype, variant=None):
    """A model of diffusers or transformers, of a folder or a FilePart; of a folder the files of `variant`
    if it has such, else the plain ones."""
    if isinstance(folder, FilePart):
        return folder.load(dtype)
    found = find_weights(folder, library_of(kind), variant)
    if found is None:
        return kind.from_pretrained(folder, torch_dtype=dtype)  # says what it looked for
    if kind is AutoencoderKL and len(found.files) > 1:
        with tempfile.TemporaryDirectory() as scratch:
            _join(folder, found.files, Path(scratch))
            return kind.from_pretrained(scratch, torch_dtype=dtype)
    is_safetensors = found.files[0].suffix == ".safetensors"
    if is_safetensors and library_of(kind) == "diffusers" and kind is not AutoencoderKL:
        try:
            return fill(skeleton(kind, folder), weights_in(*found.files), dtype)
        except LookupError:
            pass  # diffusers may know names and types of old that we do not.
    return kind.from_pretrained(
        folder, torch_dtype=dtype, variant=found.variant, use_safetensors=is_safetensors
    )


def _join(folder, files, out):
    """A VAE in parts as a whole: of parts, diffusers (0.42.1) leaves attention that has its old names
    without values."""
    weights = {}
    for file in files:
        weights.update(
            load_file(file) if file.suffix == ".safetensors" else torch.load(file, weights_only=True)
        )
    save_file(weights, out / "diffusion_pytorch_model.safetensors", metadata={"format": "pt"})
    shutil.copy(folder / "config.json", out)


def library_of(kind):
    """That which a class of models is of."""
    return "diffusers" if issubclass(kind, diffusers.ModelMixin) else "transformers"


def store(kind, folder, out, dtype, variant=None):
    """Saves the model of `folder`, or of a FilePart, in `dtype`; returns it hollow, to write graphs from.

    Raises BadInputs if a weight is greater than `dtype` can hold.
    """
    model = load(kind, folder, dtype, variant)
    for name, weight in model.state_dict().items():
        if not torch.isfinite(weight).all():
            hint = "Give --dtype fp32." if dtype == torch.float16 else "Get the model anew."
            as_what = str(dtype).removeprefix("torch.")
            raise BadInputs([f"{folder}: {name} is not finite as {as_what}. {hint}"])
    model.save_pretrained(out, max_shard_size="100GB")
    config = json.loads((out / "config.json").read_text())
    config.pop("_name_or_path", None)  # where it happened to lie on this machine
    write_json(out / "config.json", config)
    del model, weight
    give_back()
    return hollow(skeleton(kind, out))


def copy(folder, out):
    shutil.copytree(folder, out, dirs_exist_ok=True)


def write_scheduler(source, out):
    """`source`: a folder, or the config itself. Says that latents are not clipped, where it says nothing: diffusers'
    StableDiffusionPipeline has it so as well, and its schedulers by themselves clip them as if they were pixels."""
    if isinstance(source, dict):
        write_json(out / CONFIG, source)
        return
    copy(source, out)
    write_json(out / CONFIG, {"clip_sample": False, **json.loads((out / CONFIG).read_text())})


def add_to_config(folder, **settings):
    """Settings of ours beside those of the model's own config."""
    path = folder / "config.json"
    write_json(path, {**json.loads(path.read_text()), **settings})


def open_to_readers(folder):
    """Gives every file of `folder` the mode that a new file has here: safetensors (0.8.0) leaves its own
    to their owner alone, and workers often are another user."""
    umask = os.umask(0o077)
    os.umask(umask)
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o666 & ~umask)


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n")
