"""Tune-A-Video's video UNet: an image UNet that is tuned on one clip (arXiv 2212.11565).

Self-attention of a frame sees the clip's first frame and the one before it, in place of its own; after
each transformer block there is an attention over the frames of each pixel; group norms of ResNet blocks
and of the output see all frames. Tuned are the queries of the image UNet's attentions and the attention
over time; all else is the image UNet's. Knows nothing of training or ONNX.

B batch, F frames, h and w latent height and width, P pixels, C channels, D text width. Frames are held
as one batch (B * F, C, h, w), a clip's one after another.
"""

import json
import types

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from diffusers.models.unets.unet_3d_condition import UNet3DConditionOutput
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

WEIGHTS = "diffusion_pytorch_model.safetensors"
CLASS = "TuneAVideoUnet"


class TuneAVideoUnet(nn.Module):
    """sample (B, 4, F, h, w), timestep of rank 0, text (B, 77, D) to the noise, like the sample.

    Takes over `image_unet`. The fresh attention over time changes nothing.
    """

    def __init__(self, image_unet):
        super().__init__()
        self.unet, self.config = image_unet, image_unet.config
        self.clip = _Clip()
        processors = image_unet.attn_processors
        near = {name: _NearFrames(self.clip) for name in processors if ".attn1." in name}
        image_unet.set_attn_processor({**processors, **near})
        for name, module in image_unet.named_modules():
            is_resnet_norm = ".resnets." in name and name.rsplit(".", 1)[-1] in ("norm1", "norm2")
            if isinstance(module, BasicTransformerBlock):
                _add_attention_over_time(module, self.clip)
            elif is_resnet_norm or name == "conv_norm_out":
                module.forward = types.MethodType(_norm_over_clip(self.clip), module)

    def forward(self, sample, timestep, encoder_hidden_states):
        self.clip.frames = count = sample.shape[2]
        text = encoder_hidden_states.unsqueeze(1).expand(-1, count, -1, -1).flatten(0, 1)
        out = self.unet(sample.transpose(1, 2).flatten(0, 1), timestep, text).sample
        return UNet3DConditionOutput(sample=self.clip.split(out).transpose(1, 2))


class _Clip:
    """What the layers of one call are told: how many frames a clip has."""

    def split(self, frames):
        """(B * F, ...) to (B, F, ...)."""
        # Not unflatten: traced, that makes a constant of the count.
        return frames.reshape(-1, self.frames, *frames.shape[1:])


class _NearFrames:
    """Attention of each frame to the first of its clip and to the one before it."""

    def __init__(self, clip):
        self.clip, self.attend = clip, AttnProcessor2_0()

    def __call__(self, attn, hidden_states, **_):
        frames = self.clip.split(hidden_states)
        first = frames[:, :1]
        before = torch.cat([first, frames[:, :-1]], 1)
        seen = torch.cat([first.expand_as(frames), before], 2).flatten(0, 1)
        return self.attend(attn, hidden_states, seen)


def _add_attention_over_time(block, clip):
    near = block.attn1
    width = near.to_q.in_features
    block.norm_temp = nn.LayerNorm(width)
    block.attn_temp = Attention(width, heads=near.heads, dim_head=width // near.heads)
    nn.init.zeros_(block.attn_temp.to_out[0].weight)
    nn.init.zeros_(block.attn_temp.to_out[0].bias)
    inside = block.forward

    def forward(self, hidden_states, *told, **named):
        tracks = clip.split(inside(hidden_states, *told, **named)).transpose(1, 2)
        rows = tracks.flatten(0, 1)
        tracks = tracks + self.attn_temp(self.norm_temp(rows)).reshape(tracks.shape)
        return tracks.transpose(1, 2).flatten(0, 1)

    block.forward = types.MethodType(forward, block)


def _norm_over_clip(clip):
    def forward(self, frames):
        """One mean and deviation per group for all frames of a clip."""
        together = clip.split(frames).transpose(1, 2)
        out = functional.group_norm(together, self.num_groups, self.weight, self.bias, self.eps)
        return out.transpose(1, 2).flatten(0, 1)

    return forward


def is_tuned(name):
    """Whether a weight of that name differs from the image UNet's after tuning."""
    return ".attn_temp." in name or ".norm_temp." in name or ".to_q." in name


def save_tuned(model, folder):
    """Writes config and tuned weights; the rest of the image UNet's stay where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {key: value for key, value in model.config.items() if not key.startswith("_")}
    config = {**said, "_class_name": CLASS}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    weights = {k: v.contiguous() for k, v in model.unet.state_dict().items() if is_tuned(k)}
    save_file(weights, folder / WEIGHTS)
