"""One model of a single file: its config, what it holds, and the model itself.

Names are turned into diffusers' by diffusers' own functions; configs come from shapes, so nothing is fetched.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from diffusers.loaders import single_file_utils
from safetensors import safe_open
from transformers import CLIPTextConfig, CLIPTextModel

from ..inputs.weight_files import Unreadable, shapes_in
from ..safetensors_file import stored_tensors
from . import configs
from .kinds import CONTROL, GIVE, NO_SAFETENSORS, UNET, misfit

VAE, CLIP, OPEN_CLIP = "first_stage_model.", "cond_stage_model.transformer.", "cond_stage_model.model."
READABLE = ("F16", "BF16", "F32", "F64", "I64", "I32")  # whole numbers: positions, which nothing reads
CALLED = {
    UNet2DConditionModel: "UNet",
    AutoencoderKL: "VAE",
    CLIPTextModel: "text encoder",
    ControlNetModel: "ControlNet",
}
UNKNOWN = "It is of another architecture than Stable Diffusion 1 and 2, or was not saved whole."


@dataclass(frozen=True)
class FilePart:
    """The model of class `kind` in a single file."""

    file: Path
    kind: type

    def __str__(self):
        return str(self.file)

    def config(self):
        """That of its class in diffusers or transformers. Raises Unreadable."""
        stored = _stored(self.file)
        wrong = misfit(stored, CONTROL if self.kind is ControlNetModel else UNET)
        if wrong:
            raise Unreadable(*wrong)
        called, prefix = CALLED[self.kind], self._prefix()
        own = {name: one for name, one in stored.items() if name.startswith(prefix)}
        if not own:
            raise Unreadable(f"has no {called}: no name begins with {prefix.removesuffix('.')}", GIVE[UNET])
        strange = sorted({one.dtype for one in own.values()} - set(READABLE))
        if strange:
            what = f"has weights of its {called} as {strange[0]}, of which scales may lie elsewhere"
            raise Unreadable(what, "Get the model as float16, bfloat16 or float32.")
        try:
            return self._config({name.removeprefix(prefix): one.shape for name, one in own.items()})
        except (KeyError, IndexError, ValueError) as reason:
            what = f"has a {called} of no kind that is known: it has no {prefix}{reason.args[0]}"
            raise Unreadable(what, UNKNOWN) from reason

    def shapes(self):
        """Name to shape of all weights, named as diffusers or transformers name them."""
        stored, prefix = _stored(self.file), self._prefix()
        own = {
            name: torch.empty(one.shape, device="meta")
            for name, one in stored.items()
            if name.startswith(prefix)
        }
        return {name: tuple(weight.shape) for name, weight in self._renamed(own).items()}

    def on_meta(self):
        """The model without weights."""
        with torch.device("meta"):
            if self.kind is CLIPTextModel:
                return CLIPTextModel(CLIPTextConfig(**self.config()))
            return self.kind.from_config(self.config())

    def load(self, dtype):
        """The model. Reads its own weights only."""
        with safe_open(self.file, "pt") as stream:
            mine = [name for name in stream.keys() if name.startswith(self._prefix())]
            own = {name: stream.get_tensor(name) for name in mine}
        model = self.on_meta()
        known, weights = model.state_dict(), self._renamed(own)
        del own
        if self.kind is not CLIPTextModel:
            model.load_state_dict({name: weights[name] for name in known}, assign=True)
            return model.to(dtype)
        weights = {n: one for n, one in weights.items() if n.removeprefix("text_model.") in known}
        config = CLIPTextConfig(**self.config())
        # As of a folder: it keeps, and saves, the names that these have.
        return CLIPTextModel.from_pretrained(None, config=config, state_dict=weights, dtype=dtype)

    def is_open_clip(self):
        """Whether the file's text encoder is Stable Diffusion 2's."""
        return any(name.startswith(OPEN_CLIP) for name in _stored(self.file))

    def _prefix(self):
        """Of the names of this model; some ControlNets have none."""
        stored = _stored(self.file)
        if self.kind is ControlNetModel:
            return CONTROL if f"{CONTROL}input_hint_block.0.weight" in stored else ""
        if self.kind is CLIPTextModel:
            return OPEN_CLIP if self.is_open_clip() else CLIP
        return UNET if self.kind is UNet2DConditionModel else VAE

    def _config(self, shapes):
        if self.kind is CLIPTextModel:
            read = configs.open_clip_config if self.is_open_clip() else configs.clip_config
            return read(shapes)
        return {
            UNet2DConditionModel: configs.unet_config,
            ControlNetModel: configs.controlnet_config,
            AutoencoderKL: configs.vae_config,
        }[self.kind](shapes)

    def _renamed(self, own):
        """`own`: this model's tensors by their names in the file."""
        if self.kind is AutoencoderKL:
            return single_file_utils.convert_ldm_vae_checkpoint(own, self.config())
        if self.kind is UNet2DConditionModel:
            return single_file_utils.convert_ldm_unet_checkpoint(own, self.config())
        if self.kind is ControlNetModel:
            return single_file_utils.convert_controlnet_checkpoint(own, self.config())
        if self.is_open_clip():
            like = SimpleNamespace(config=SimpleNamespace(**self.config()))
            return single_file_utils.convert_open_clip_checkpoint(like, own, prefix=OPEN_CLIP)
        return single_file_utils.convert_ldm_clip_checkpoint(own)


def said_prediction_type(file):
    """What a file's own header says that its model predicts (`modelspec.prediction_type`), or None."""
    with safe_open(file, "pt") as stream:
        said = (stream.metadata() or {}).get("modelspec.prediction_type")
    return {"epsilon": "epsilon", "v": "v_prediction"}.get(said)


@cache
def _stored(file):
    """Name to Stored. Raises Unreadable."""
    if file.suffix in NO_SAFETENSORS:
        raise Unreadable(*NO_SAFETENSORS[file.suffix])
    shapes_in([file])  # says what is wrong with a file that cannot be read
    return stored_tensors(file)
