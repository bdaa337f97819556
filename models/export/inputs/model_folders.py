"""Checks single folders: a model's config and weights, a tokenizer's files, a scheduler's config; and the
models inside single files."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    MotionAdapter,
    T2IAdapter,
    UNet2DConditionModel,
    UNet3DConditionModel,
)
from transformers import CLIPTextConfig

from ..single_file.part import CALLED, TEXTS, UNKNOWN, FilePart
from .problems import like
from .weight_files import Unreadable, find_weights, name_today, shapes_in, variants_in

DIFFUSERS = (
    AutoencoderKL,
    ControlNetModel,
    MotionAdapter,
    T2IAdapter,
    UNet2DConditionModel,
    UNet3DConditionModel,
)
# Which flag takes models of a class that is often given by another.
FLAGS = {
    "ControlNetModel": "--controlnet",
    "MotionAdapter": "--motion-adapter",
    "T2IAdapter": "--t2i-adapter",
    "UNet3DConditionModel": "--video",
}
ANEW = "Copy the folder again."


@dataclass(frozen=True)
class Model:
    """A model's folder that is sound by itself."""

    where: str  # typed: flag and folder
    config: dict  # with the defaults of its class


class Folders:
    """Reads folders, adds what is wrong with them to `problems`, and notes which variants there are."""

    def __init__(self, problems, variant):
        self.problems, self.variant = problems, variant
        self.variants, self.has_variant = set(), False

    def exists(self, where, folder):
        """Whether there is such a folder."""
        if folder.is_dir():
            return True
        if folder.is_file():
            hint = "Give a folder in diffusers' layout."
            self.problems.add(where, "is a file, not a folder", hint)
        else:
            kind = "file" if folder.suffix == ".safetensors" else "folder"
            self.problems.add(where, f"there is no such {kind}", like(folder))
        return False

    def model(self, flag, folder, kind):
        """The Model of class `kind` that `folder`, or a FilePart, holds, or None if it is not sound. `flag`
        is what was typed before it."""
        if isinstance(folder, FilePart):
            return self._model_of_file(f"{flag}{folder}", folder)
        where = f"{flag}{folder}"
        config = self.exists(where, folder) and self.config(where, folder / "config.json")
        if not config or not self._is_of(where, config, kind.__name__):
            return None
        model = self.plan(where, lambda: _on_meta(kind, config))
        stored = self._stored(where, folder, kind)
        if model is None or stored is None:
            return None
        expected = {name: tuple(one.shape) for name, one in model.state_dict().items()}
        if not self.weights(where, expected, stored):
            return None
        return Model(where, model.config.to_dict() if kind in TEXTS else dict(model.config))

    def _model_of_file(self, where, part):
        config = self.read(where, part.config)
        stored = config and self.read(where, part.shapes)
        model = stored and self.plan(where, part.on_meta)
        if model is None:
            return None
        expected = {name: tuple(one.shape) for name, one in model.state_dict().items()}
        there = {name_today(name, expected): shape for name, shape in stored.items()}
        bad = [name for name, shape in expected.items() if there.get(name) != shape]
        if bad:
            what = f"{len(bad)} of {len(expected)} weights of its {CALLED[part.kind]} are missing, or of other shapes"
            self.problems.add(where, f"{what}, {bad[0]} say", UNKNOWN[part.taken])
            return None
        more = [name for name in there if name not in expected]
        if more and part.kind is UNet2DConditionModel:
            what = f"has {len(more)} weights that are of no such UNet as its others, {more[0]} say"
            self.problems.add(where, what, UNKNOWN[part.taken])
            return None
        return Model(where, config)

    def config(self, where, path):
        """The JSON object in `path`, or None."""
        if not path.is_file():
            self.problems.add(where, f"has no {path.name}", _whole_pipeline(path.parent))
            return None
        try:
            value = json.loads(path.read_text(encoding="utf-8-sig"))
        except ValueError:
            value = None
        if not isinstance(value, dict):
            self.problems.add(where, f"{path.name} is no JSON object", ANEW)
            return None
        return value

    def plan(self, where, make):
        """What `make` builds out of a config, without weights, or None."""
        try:
            with torch.device("meta"):
                return make()
        except Exception as reason:  # of many classes: the config is a stranger's
            said = str(reason).strip().splitlines() or [type(reason).__name__]
            self.problems.add(where, f"config.json makes no model: {said[0].rstrip('.')}", ANEW)
            return None

    def weights(self, where, expected, stored):
        """Whether the `stored` weights are those `expected`; both map a name to a shape."""
        there = {name_today(name, expected): shape for name, shape in stored.items()}
        missing = [name for name in expected if name not in there]
        other = [name for name, shape in expected.items() if there.get(name, shape) != shape]
        if missing:
            what = f"{len(missing)} of {len(expected)} weights are missing, {missing[0]} say"
            self.problems.add(where, what, "The weights are of another model than config.json.")
        elif other:
            name = other[0]
            what = f"{name} is of shape {there[name]}, by config.json {expected[name]}"
            self.problems.add(where, what, "The weights are of another model than config.json.")
        return not missing and not other

    def read(self, where, look):
        """What `look` finds in files of weights, or None if they cannot be read."""
        try:
            return look()
        except Unreadable as reason:
            self.problems.add(where, reason.what, reason.hint)
            return None

    def tokenizer(self, flag, folder):
        """How many tokens a tokenizer has, or None if it is not sound."""
        where = f"{flag}{folder}"
        if not self.exists(where, folder):
            return None
        if (folder / "tokenizer.json").is_file():
            saved = self.config(where, folder / "tokenizer.json")
            vocabulary = saved and saved.get("model", {}).get("vocab")
        elif all((folder / name).is_file() for name in ("vocab.json", "merges.txt")):
            vocabulary = self.config(where, folder / "vocab.json")
        else:
            what = "has neither tokenizer.json nor both vocab.json and merges.txt"
            inside = folder / "tokenizer"
            hint = "Copy the model's tokenizer folder again."
            self.problems.add(where, what, f"Did you mean {inside}?" if inside.is_dir() else hint)
            return None
        return vocabulary and len(vocabulary)

    def scheduler(self, flag, folder):
        """Checks that there is a scheduler's config."""
        where = f"{flag}{folder}"
        if self.exists(where, folder):
            self.config(where, folder / "scheduler_config.json")

    def _is_of(self, where, config, kind):
        named = config.get("_class_name") or " or ".join(config.get("architectures") or ())
        if kind in (named, *(config.get("architectures") or ())):
            return True
        hint = f"Give it by {FLAGS[named]}." if named in FLAGS else f"Give the folder of a {kind}."
        what = f"config.json is of {named}" if named else "config.json names no class"
        self.problems.add(where, f"{what}, not {kind}", hint)
        return False

    def _stored(self, where, folder, kind):
        library = "diffusers" if kind in DIFFUSERS else "transformers"
        found = self.read(where, lambda: find_weights(folder, library, self.variant) or ())
        if found is None:
            return None
        variants = variants_in(folder, library)
        self.variants.update(variants)
        if not found:
            what = "has no weights"
            hint = "Download its .safetensors files, too."
            if variants:
                what = f"has weights of the variant {' and '.join(variants)} alone"
                hint = f"Give --variant {variants[0]}."
            self.problems.add(where, what, hint)
            return None
        self.has_variant |= found.variant is not None
        return self.read(where, lambda: shapes_in(found.files))


def _on_meta(kind, config):
    if kind in TEXTS:
        return kind(CLIPTextConfig(**config))
    return kind.from_config(config)


def _whole_pipeline(folder):
    """A hint where a config is missing."""
    inside = sorted(path.parent for path in Path(folder).glob("*/config.json"))
    if len(inside) > 1:
        return "It holds several models: give the folder of one."
    return f"Did you mean {inside[0]}?" if inside else ANEW
