"""Rewrites folders of models into the other forms that weights are published in, to rehearse with."""

import json

import torch
from safetensors.torch import load_file, save_file

# In parts, with an index, of which two are so few that every model has them.
PARTS = 2


def rewrite(folder, form):
    """Gives all models below `folder`, which have plain safetensors files, the form of that name."""
    for file in sorted(folder.rglob("*.safetensors")):
        weights = load_file(file)
        file.unlink()
        FORMS[form](weights, file)


def _save(weights, file):
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".bin":
        torch.save(weights, file)
    else:
        save_file(weights, file, metadata={"format": "pt"})


def _pickle(file):
    """transformers calls its pickles otherwise than its safetensors files, diffusers does not."""
    stem = "pytorch_model" if file.stem == "model" else file.stem
    return file.with_name(f"{stem}.bin")


def _split(weights, file, mark=""):
    names, where = sorted(weights), {}
    for part in range(PARTS):
        own = names[part::PARTS]
        path = file.with_name(f"{file.stem}{mark}-{part + 1:05}-of-{PARTS:05}{file.suffix}")
        _save({name: weights[name] for name in own}, path)
        where.update({name: path.name for name in own})
    size = sum(weight.nbytes for weight in weights.values())
    index = {"metadata": {"total_size": size}, "weight_map": where}
    file.with_name(f"{file.name}.index{mark}.json").write_text(json.dumps(index, indent=2))


def _as(weights, dtype):
    return {
        name: weight.to(dtype) if weight.is_floating_point() else weight
        for name, weight in weights.items()
    }


FORMS = {
    "safetensors": _save,
    "bin": lambda weights, file: _save(weights, _pickle(file)),
    "sharded": _split,
    "sharded-bin": lambda weights, file: _split(weights, _pickle(file)),
    # Files of that variant alone.
    "fp16": lambda weights, file: _save(
        _as(weights, torch.float16), file.with_suffix(".fp16.safetensors")
    ),
    "sharded-fp16": lambda weights, file: _split(_as(weights, torch.float16), file, ".fp16"),
    "bf16": lambda weights, file: _save(_as(weights, torch.bfloat16), file),
}
