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
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from ..inputs.weight_files import Unreadable, name_today, shapes_in
from ..safetensors_file import stored_tensors
from . import configs, xl_configs
from .kinds import CONTROL, GIVE, NO_SAFETENSORS, UNET, XL, misfit

VAE, CLIP, OPEN_CLIP = "first_stage_model.", "cond_stage_model.transformer.", "cond_stage_model.model."
XL_CLIP, XL_OPEN_CLIP = f"{XL}0.transformer.", f"{XL}1.model."
# Tensors that hold nothing: their names say it.
V_PREDICTION, ZERO_SNR = "v_pred", "ztsnr"
READABLE = ("F16", "BF16", "F32", "F64", "I64", "I32")  # whole numbers: positions, which nothing reads
CALLED = {
    UNet2DConditionModel: "UNet",
    AutoencoderKL: "VAE",
    CLIPTextModel: "text encoder",
    CLIPTextModelWithProjection: "second text encoder",
    ControlNetModel: "ControlNet",
}
TEXTS = (CLIPTextModel, CLIPTextModelWithProjection)
# What may have become of a file of which weights are missing, by what its flag takes.
UNKNOWN = {
    taken: f"It is of another architecture than {known}, or was not saved whole."
    for taken, known in (
        (UNET, "Stable Diffusion 1 and 2"),
        (CONTROL, "Stable Diffusion 1 and 2"),
        (XL, "Stable Diffusion XL's base model"),
    )
}


@dataclass(frozen=True)
class FilePart:
    """The model of class `kind` in a single file."""

    file: Path
    kind: type
    taken: str = UNET  # what the flag takes that the file was given by: UNET, CONTROL or XL

    def __str__(self):
        return str(self.file)

    def config(self):
        """That of its class in diffusers or transformers. Raises Unreadable."""
        stored = _stored(self.file)
        wrong = misfit(stored, self.taken)
        if wrong:
            raise Unreadable(*wrong)
        called, prefix = CALLED[self.kind], self._prefix()
        own = {name: one for name, one in stored.items() if name.startswith(prefix)}
        if not own:
            raise Unreadable(f"has no {called}: no name begins with {prefix.removesuffix('.')}", GIVE[self.taken])
        strange = sorted({one.dtype for one in own.values()} - set(READABLE))
        if strange:
            what = f"has weights of its {called} as {strange[0]}, of which scales may lie elsewhere"
            raise Unreadable(what, "Get the model as float16, bfloat16 or float32.")
        try:
            return self._config({name.removeprefix(prefix): one.shape for name, one in own.items()})
        except (KeyError, IndexError, ValueError) as reason:
            what = f"has a {called} of no kind that is known: it has no {prefix}{reason.args[0]}"
            raise Unreadable(what, UNKNOWN[self.taken]) from reason

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
            if self.kind in TEXTS:
                return self.kind(CLIPTextConfig(**self.config()))
            return self.kind.from_config(self.config())

    def load(self, dtype):
        """The model. Reads its own weights only."""
        with safe_open(self.file, "pt") as stream:
            mine = [name for name in stream.keys() if name.startswith(self._prefix())]
            own = {name: stream.get_tensor(name) for name in mine}
        model = self.on_meta()
        known, weights = model.state_dict(), self._renamed(own)
        del own
        if self.kind not in TEXTS:
            model.load_state_dict({name: weights[name] for name in known}, assign=True)
            return model.to(dtype)
        weights = {name: one for name, one in weights.items() if name_today(name, known) in known}
        config = CLIPTextConfig(**self.config())
        # As of a folder: it keeps, and saves, the names that these have.
        return self.kind.from_pretrained(None, config=config, state_dict=weights, dtype=dtype)

    def is_open_clip(self):
        """Whether the file's text encoder is Stable Diffusion 2's."""
        return any(name.startswith(OPEN_CLIP) for name in _stored(self.file))

    def _prefix(self):
        """Of the names of this model; some ControlNets have none."""
        stored = _stored(self.file)
        if self.kind is ControlNetModel:
            return CONTROL if f"{CONTROL}input_hint_block.0.weight" in stored else ""
        if self.kind is CLIPTextModel and self.taken != XL:
            return OPEN_CLIP if self.is_open_clip() else CLIP
        return {
            UNet2DConditionModel: UNET,
            AutoencoderKL: VAE,
            CLIPTextModel: XL_CLIP,
            CLIPTextModelWithProjection: XL_OPEN_CLIP,
        }[self.kind]

    def _config(self, shapes):
        if self.taken == XL:
            return self._xl_config(shapes)
        if self.kind is CLIPTextModel:
            read = configs.open_clip_config if self.is_open_clip() else configs.clip_config
            return read(shapes)
        return {
            UNet2DConditionModel: configs.unet_config,
            ControlNetModel: configs.controlnet_config,
            AutoencoderKL: configs.vae_config,
        }[self.kind](shapes)

    def _xl_config(self, shapes):
        if self.kind is UNet2DConditionModel:
            projection = _stored(self.file).get(f"{XL_OPEN_CLIP}text_projection")
            return xl_configs.unet_config(shapes, projection and projection.shape[1])
        return {
            AutoencoderKL: xl_configs.vae_config,
            CLIPTextModel: configs.clip_config,
            CLIPTextModelWithProjection: xl_configs.second_text_config,
        }[self.kind](shapes)

    def _renamed(self, own):
        """`own`: this model's tensors by their names in the file."""
        if self.kind is AutoencoderKL:
            return single_file_utils.convert_ldm_vae_checkpoint(own, self.config())
        if self.kind is UNet2DConditionModel:
            return single_file_utils.convert_ldm_unet_checkpoint(own, self.config())
        if self.kind is ControlNetModel:
            return single_file_utils.convert_controlnet_checkpoint(own, self.config())
        if self._prefix() in (OPEN_CLIP, XL_OPEN_CLIP):
            like = SimpleNamespace(config=SimpleNamespace(**self.config()))
            return single_file_utils.convert_open_clip_checkpoint(like, own, prefix=self._prefix())
        return single_file_utils.convert_ldm_clip_checkpoint(own)


def said_prediction_type(file):
    """What a file says that its model predicts, in its header or by a tensor named so, or None. Raises Unreadable."""
    stored = _stored(file)
    with safe_open(file, "pt") as stream:
        header = stream.metadata() or {}
    said = [header.get(f"modelspec.{key}") for key in ("prediction_type", "predict_key")]
    said += ["v"] if V_PREDICTION in stored else []
    known = {"epsilon": "epsilon", "v": "v_prediction"}
    return next((known[one] for one in said if one in known), None)


def ends_in_noise(file):
    """Whether a file says, by a tensor named so, that its last timestep is noise alone. Raises Unreadable."""
    return ZERO_SNR in _stored(file)


@cache
def _stored(file):
    """Name to Stored. Raises Unreadable."""
    if file.suffix in NO_SAFETENSORS:
        raise Unreadable(*NO_SAFETENSORS[file.suffix])
    shapes_in([file])  # says what is wrong with a file that cannot be read
    return stored_tensors(file)
