"""VidRD's video UNet: an image UNet of Stable Diffusion 2.1's kind, inflated over frames.

After Reuse and Diffuse (arXiv 2309.03549). Beside the image UNet it has, after each ResNet block, four
convolutions over time, and in each transformer block, after the attention to the text, an attention
over time. Its group norms of ResNet blocks and of the output see all frames of a call. Weights have
the names of its published checkpoint, ModelT2V.pth, after the prefix `unet.`: the image UNet's, and
`temp_convs`, `temp_norm`, `temp_attn`. Knows nothing of training or ONNX.

B batch, F frames, h and w latent height and width, C channels, D text width. Frames are held as one
batch (B * F, C, h, w), a clip's one after another.
"""

import json
import math

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from diffusers.models.unets.unet_3d_condition import UNet3DConditionOutput
from safetensors.torch import load_file, save_file
from torch import nn

CONVOLUTIONS = 4  # over time, in a row
LONGEST_WAVE = 10_000  # of the positions, in units of 2 pi frames
WEIGHTS = "diffusion_pytorch_model.safetensors"
# What its class adds to an image UNet's config; all published weights were trained so.
SETTINGS = dict(
    _class_name="UNet3DConditionModel",
    mid_block_type="UNetMidBlock3DCrossAttn",
    add_temp_conv=True,
    add_temp_embed=True,
)


class VidrdUnet(nn.Module):
    """sample (B, 4, F, h, w), timestep of rank 0, text (B, 77, D) to the noise, like the sample.

    Takes over the parts of `image_unet`. The fresh temporal layers change nothing but that positions
    are added to the features, as VidRD does.
    """

    def __init__(self, image_unet):
        super().__init__()
        self.config = image_unet.config
        for name, part in image_unet.named_children():
            setattr(self, name, part)
        groups = self.config.norm_num_groups
        for block in self._blocks():
            widths = [resnet.out_channels for resnet in block.resnets]
            block.temp_convs = nn.ModuleList(TemporalConvolutions(width, groups) for width in widths)
            for transformer in getattr(block, "attentions", ()):
                for layer in transformer.transformer_blocks:
                    add_temporal_attention(layer)

    def _blocks(self):
        return [*self.down_blocks, self.mid_block, *self.up_blocks]

    def forward(self, sample, timestep, encoder_hidden_states):
        batch, _, count = sample.shape[:3]
        time = self.time_embedding(self.time_proj(timestep.expand(batch)).to(sample.dtype))
        clip = _Clip(count, time.repeat_interleave(count, 0), _repeat(encoder_hidden_states, count))
        frames = self.conv_in(sample.transpose(1, 2).flatten(0, 1))
        skips = [frames]
        for block in self.down_blocks:
            attentions = getattr(block, "attentions", [None] * len(block.resnets))
            for resnet, convs, attention in zip(block.resnets, block.temp_convs, attentions):
                frames = _transform(attention, _resnet(resnet, convs, frames, clip), clip)
                skips.append(frames)
            for downsampler in block.downsamplers or ():
                frames = downsampler(frames)
                skips.append(frames)
        middle = self.mid_block
        frames = _resnet(middle.resnets[0], middle.temp_convs[0], frames, clip)
        for attention, resnet, convs in zip(
            middle.attentions, middle.resnets[1:], middle.temp_convs[1:]
        ):
            frames = _resnet(resnet, convs, _transform(attention, frames, clip), clip)
        for block in self.up_blocks:
            attentions = getattr(block, "attentions", [None] * len(block.resnets))
            for resnet, convs, attention in zip(block.resnets, block.temp_convs, attentions):
                joined = torch.cat([frames, skips.pop()], 1)
                frames = _transform(attention, _resnet(resnet, convs, joined, clip), clip)
            for upsampler in block.upsamplers or ():
                frames = upsampler(frames, skips[-1].shape[-2:])
        frames = self.conv_out(self.conv_act(_norm_over_clip(self.conv_norm_out, frames, clip)))
        return UNet3DConditionOutput(sample=_clips(frames, count).transpose(1, 2))


class _Clip:
    """What the layers of one call are told: how many frames, their time and their text."""

    def __init__(self, count, time, text):
        self.count, self.time, self.text = count, time, text
        # Of a single frame the temporal layers say nothing.
        self.gate = torch.as_tensor(count > 1).to(text.dtype)

    def split(self, frames):
        """(B * F, ...) to (B, F, ...)."""
        return _clips(frames, self.count)


class TemporalConvolutions(nn.Module):
    """Norm, SiLU and a convolution over three frames, four times, added to the clip (B, C, F, h, w)."""

    def __init__(self, width, groups):
        super().__init__()
        self.convs = nn.Sequential()
        for _ in range(CONVOLUTIONS):
            conv = nn.Conv3d(width, width, (3, 1, 1), padding=(1, 0, 0))
            # In the third place VidRD has a dropout.
            self.convs.extend([nn.GroupNorm(groups, width), nn.SiLU(), nn.Identity(), conv])
        nn.init.zeros_(conv.weight)
        nn.init.zeros_(conv.bias)

    def forward(self, clip, gate):
        return clip + gate * self.convs(clip)


def add_temporal_attention(layer):
    """Gives a transformer block its attention over time."""
    near = layer.attn1
    width = near.to_q.in_features
    layer.temp_norm = nn.LayerNorm(width)
    layer.temp_attn = Attention(width, heads=near.heads, dim_head=width // near.heads)
    nn.init.zeros_(layer.temp_attn.to_out[0].weight)
    nn.init.zeros_(layer.temp_attn.to_out[0].bias)


def positions(count, width):
    """Sines and cosines of the frames' numbers from 0, (F, C)."""
    waves = torch.exp(torch.arange(0, width, 2) * (-math.log(LONGEST_WAVE) / width))
    angles = torch.arange(count).unsqueeze(1) * waves
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)


def _clips(frames, count):
    # Not unflatten: traced, that makes a constant of the count.
    return frames.reshape(-1, count, *frames.shape[1:])


def _repeat(text, count):
    """Each row as often as there are frames, (B * F, 77, D)."""
    return text.unsqueeze(1).expand(-1, count, -1, -1).flatten(0, 1)


def _norm_over_clip(norm, frames, clip):
    """A group norm with one mean and deviation per group for all frames of a clip."""
    return norm(clip.split(frames).transpose(1, 2)).transpose(1, 2).flatten(0, 1)


def _resnet(resnet, convs, frames, clip):
    """A ResNet block, then the convolutions over time."""
    hidden = resnet.conv1(resnet.nonlinearity(_norm_over_clip(resnet.norm1, frames, clip)))
    hidden = hidden + resnet.time_emb_proj(resnet.nonlinearity(clip.time))[:, :, None, None]
    hidden = resnet.conv2(resnet.nonlinearity(_norm_over_clip(resnet.norm2, hidden, clip)))
    if resnet.conv_shortcut is not None:
        frames = resnet.conv_shortcut(frames)
    frames = (frames + hidden) / resnet.output_scale_factor
    return convs(clip.split(frames).transpose(1, 2), clip.gate).transpose(1, 2).flatten(0, 1)


def _transform(transformer, frames, clip):
    """A transformer over the pixels (d of them) of each frame, and over each pixel's frames."""
    if transformer is None:
        return frames
    hidden = transformer.norm(frames)
    if transformer.use_linear_projection:
        hidden = transformer.proj_in(hidden.flatten(2).transpose(1, 2))
    else:
        hidden = transformer.proj_in(hidden).flatten(2).transpose(1, 2)
    for layer in transformer.transformer_blocks:
        hidden = hidden + layer.attn1(layer.norm1(hidden))
        hidden = hidden + layer.attn2(layer.norm2(hidden), encoder_hidden_states=clip.text)
        hidden = _attend_over_time(layer, hidden, clip)
        hidden = hidden + layer.ff(layer.norm3(hidden))
    if transformer.use_linear_projection:
        hidden = transformer.proj_out(hidden).transpose(1, 2).reshape(frames.shape)
    else:
        hidden = transformer.proj_out(hidden.transpose(1, 2).reshape(frames.shape))
    return frames + hidden


def _attend_over_time(layer, hidden, clip):
    """(B * F, d, C) likewise. The positions stay in what is passed on, as VidRD has it."""
    where = positions(clip.count, hidden.shape[-1]).to(hidden.dtype)
    tracks = (clip.split(hidden) + where.unsqueeze(1)).transpose(1, 2)
    rows = tracks.flatten(0, 1)
    attended = layer.temp_attn(layer.temp_norm(rows)).reshape(tracks.shape)
    return (tracks + clip.gate * attended).transpose(1, 2).flatten(0, 1)


def is_temporal(name):
    """Whether a weight of that name is VidRD's own, not the image UNet's."""
    return "temp_" in name


def save(model, folder):
    """Writes config and all weights of `model`."""
    _save(model, model.state_dict(), folder)


def save_temporal(model, folder):
    """Writes config and temporal layers of `model`; the image UNet's weights stay where they are."""
    weights = {name: weight for name, weight in model.state_dict().items() if is_temporal(name)}
    _save(model, weights, folder)


def copy_layers(folder, out, dtype):
    """Copies what `save_temporal` wrote, stored as `dtype`."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text((folder / "config.json").read_text())
    layers = load_file(folder / WEIGHTS)
    save_file({name: weight.to(dtype) for name, weight in layers.items()}, out / WEIGHTS)


def model_of(config):
    """A fresh one of a config: its own, or that of the image UNet which it began as."""
    return VidrdUnet(UNet2DConditionModel.from_config(_in_dimensions(config, "2D")))


def read_published(checkpoint):
    """The weights of a checkpoint as it is published, and those of its text encoder, maybe none, by name.

    A file of torch with `state_dict`, in which the UNet's names begin with `unet.`, the text encoder's
    with `text_encoder.`.
    """
    stored = torch.load(checkpoint, map_location="cpu", weights_only=True)
    stored = stored.get("state_dict", stored)
    return _under("unet.", stored), _under("text_encoder.", stored)


def _under(prefix, stored):
    return {
        name.removeprefix(prefix): weight
        for name, weight in stored.items()
        if name.startswith(prefix)
    }


def _save(model, weights, folder):
    folder.mkdir(parents=True, exist_ok=True)
    config = {**_in_dimensions(dict(model.config), "3D"), **SETTINGS}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file({name: weight.contiguous() for name, weight in weights.items()}, folder / WEIGHTS)


def _in_dimensions(config, dimensions):
    """A config in which the blocks are of so many dimensions, without what the class adds."""
    kept = {
        name: value
        for name, value in config.items()
        if name not in SETTINGS and not name.startswith("_")
    }
    for key in ("down_block_types", "up_block_types"):
        kept[key] = [kind[:-2] + dimensions for kind in config[key]]
    return kept
