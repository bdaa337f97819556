"""Puts models and the files beside them into a set."""

import json
import os
import shutil

import torch


def store(kind, folder, out, dtype):
    """Saves the model of `folder` in `dtype`; returns what was stored, in float32."""
    kind.from_pretrained(folder, torch_dtype=dtype).save_pretrained(out, max_shard_size="100GB")
    config = json.loads((out / "config.json").read_text())
    config.pop("_name_or_path", None)  # where it happened to lie on this machine
    write_json(out / "config.json", config)
    return kind.from_pretrained(out, torch_dtype=torch.float32).eval().requires_grad_(False)


def copy(folder, out):
    shutil.copytree(folder, out, dirs_exist_ok=True)


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
