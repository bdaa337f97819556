"""`python -m parity.video_models`: what the temporal video models give, for the tests of the graphs.

AnimateDiff's is diffusers' own UNetMotionModel. VidRD's is written out below from the paper's facts and
the names of the weights, every operation in plain sums; it shares no code with video/vidrd.py. Records
into goldens/video-models.safetensors one call of each, and what it gives with a mistake planted.
"""

import argparse
import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import MotionAdapter, UNet2DConditionModel, UNetMotionModel
from safetensors.torch import load_file, save_file

HERE = Path(__file__).resolve().parent
WEIGHTS = "diffusion_pytorch_model.safetensors"
FRAMES, HEIGHT, WIDTH, TIME, SEED = 5, 8, 16, 321, 20230907
# Each of which a wrong implementation might make.
VIDRD_MISTAKES = ("positions_go_on", "time_before_text", "kernel_reversed", "norms_of_a_frame")
ANIMATEDIFF_MISTAKES = ("positions_go_on", "norms_of_a_frame")
LATER = 4  # frames by which positions that are not restarted are off


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(prog="python -m parity.video_models", description=__doc__)
    parser.add_argument("--folder", type=Path, default=HERE.parent / "demo")
    parser.add_argument("--out", type=Path, default=HERE / "goldens")
    options = parser.parse_args()
    image = options.folder / "image"
    config = json.loads((image / "unet" / "config.json").read_text())
    generator = torch.Generator().manual_seed(SEED)
    inputs = dict(
        sample=torch.randn(2, 4, FRAMES, HEIGHT, WIDTH, generator=generator),
        timestep=torch.tensor(float(TIME)),
        encoder_hidden_states=torch.randn(2, 77, config["cross_attention_dim"], generator=generator),
    )
    layers = load_file(image / "motion-vidrd" / WEIGHTS)
    weights = {**load_file(image / "unet" / WEIGHTS), **layers}
    vidrd = Vidrd(config, {name: weight.float() for name, weight in weights.items()})
    tensors = {**inputs, "vidrd": vidrd(*inputs.values())}
    for mistake in VIDRD_MISTAKES:
        vidrd.mistake = mistake
        tensors[f"vidrd.{mistake}"] = vidrd(*inputs.values())
    tensors["animatediff"] = animatediff(image, *inputs.values())
    for mistake in ANIMATEDIFF_MISTAKES:
        tensors[f"animatediff.{mistake}"] = animatediff(image, *inputs.values(), mistake)
    ready = {name: tensor.contiguous() for name, tensor in tensors.items()}
    save_file(ready, options.out / "video-models.safetensors")
    for name, tensor in tensors.items():
        if "." in name:
            off = (tensor - tensors[name.split(".")[0]]).abs().max()
            print(f"{name}: off by {float(off):.2g}")


def animatediff(image, sample, timestep, text, mistake=None):
    unet = UNet2DConditionModel.from_pretrained(image / "unet", torch_dtype=torch.float32)
    adapter = MotionAdapter.from_pretrained(
        image / "motion-animatediff", torch_dtype=torch.float32
    )
    model = UNetMotionModel.from_unet2d(unet, adapter).eval()
    if mistake == "positions_go_on":
        for name, table in model.named_buffers():
            if name.endswith("pos_embed.pe"):
                table.copy_(table.roll(-LATER, 1))
    if mistake == "norms_of_a_frame":
        for name, module in model.named_modules():
            if ".motion_modules." in name and isinstance(module, torch.nn.GroupNorm):
                module.forward = _norm_each(module)
    return model(sample, timestep, text.repeat_interleave(sample.shape[2], 0)).sample


def _norm_each(norm):
    def forward(clip):
        return torch.cat([torch.nn.GroupNorm.forward(norm, f) for f in clip.split(1, 2)], 2)

    return forward


class Vidrd:
    """VidRD's UNet over named weights. Clips are (B, C, F, h, w) throughout."""

    def __init__(self, config, weights):
        self.config, self.weights, self.mistake = config, weights, None

    def __call__(self, sample, timestep, text):
        blocks = len(self.config["block_out_channels"])
        time = self._time(timestep, len(sample))
        clip = self._convolve("conv_in", sample)
        skips = [clip]
        for i in range(blocks):
            for j in range(self.config["layers_per_block"]):
                clip = self._layer(f"down_blocks.{i}", j, j, clip, time, text)
                skips.append(clip)
            if i < blocks - 1:
                clip = self._convolve(f"down_blocks.{i}.downsamplers.0.conv", clip, stride=2)
                skips.append(clip)
        clip = self._layer("mid_block", 0, None, clip, time, text)
        clip = self._transformer("mid_block.attentions.0", clip, text)
        clip = self._layer("mid_block", 1, None, clip, time, text)
        for i in range(blocks):
            for j in range(self.config["layers_per_block"] + 1):
                joined = torch.cat([clip, skips.pop()], 1)
                clip = self._layer(f"up_blocks.{i}", j, j, joined, time, text)
            if i < blocks - 1:
                wide = clip.repeat_interleave(2, 3).repeat_interleave(2, 4)
                clip = self._convolve(f"up_blocks.{i}.upsamplers.0.conv", wide)
        clip = self._group_norm("conv_norm_out", clip, self.config["norm_eps"], self._spread())
        return self._convolve("conv_out", _silu(clip))

    def _spread(self):
        """Over which axes of (B, group, C / group, F, h, w) norms of ResNet blocks go."""
        return (2, 4, 5) if self.mistake == "norms_of_a_frame" else (2, 3, 4, 5)

    def _time(self, timestep, batch):
        half = self.config["block_out_channels"][0] // 2
        waves = torch.tensor([10_000 ** (-i / half) for i in range(half)])
        angles = timestep * waves
        row = torch.cat([angles.cos(), angles.sin()]).expand(batch, -1)
        return self._linear("time_embedding.linear_2", _silu(self._linear("time_embedding.linear_1", row)))

    def _layer(self, block, resnet, attention, clip, time, text):
        clip = self._resnet(f"{block}.resnets.{resnet}", clip, time)
        clip = self._temporal_convolutions(f"{block}.temp_convs.{resnet}", clip)
        name = f"{block}.attentions.{attention}"
        return self._transformer(name, clip, text) if f"{name}.norm.weight" in self.weights else clip

    def _resnet(self, name, clip, time):
        eps, axes = self.config["norm_eps"], self._spread()
        hidden = _silu(self._group_norm(f"{name}.norm1", clip, eps, axes))
        hidden = self._convolve(f"{name}.conv1", hidden)
        hidden = hidden + self._linear(f"{name}.time_emb_proj", _silu(time))[:, :, None, None, None]
        hidden = _silu(self._group_norm(f"{name}.norm2", hidden, eps, axes))
        hidden = self._convolve(f"{name}.conv2", hidden)
        if f"{name}.conv_shortcut.weight" in self.weights:
            clip = self._convolve(f"{name}.conv_shortcut", clip)
        return clip + hidden

    def _temporal_convolutions(self, name, clip):
        hidden = clip
        for place in range(0, 16, 4):
            norm, conv = f"{name}.convs.{place}", f"{name}.convs.{place + 3}"
            hidden = _silu(self._group_norm(norm, hidden, 1e-5, (2, 3, 4, 5)))
            taps = self.weights[f"{conv}.weight"][..., 0, 0].unbind(-1)
            if self.mistake == "kernel_reversed":
                taps = taps[::-1]
            padded = F.pad(hidden, (0, 0, 0, 0, 1, 1))
            count = hidden.shape[2]
            hidden = self.weights[f"{conv}.bias"][:, None, None, None] + sum(
                torch.einsum("oc,bcfhw->bofhw", tap, padded[:, :, i : i + count])
                for i, tap in enumerate(taps)
            )
        return clip + hidden

    def _transformer(self, name, clip, text):
        hidden = self._group_norm(f"{name}.norm", clip, 1e-6, (2, 4, 5))
        hidden = self._linear(f"{name}.proj_in", hidden.movedim(1, -1))  # (B, F, h, w, C)
        block = f"{name}.transformer_blocks.0"
        near = self._layer_norm(f"{block}.norm1", hidden).flatten(2, 3)
        hidden = hidden + self._attend(f"{block}.attn1", near, near).reshape(hidden.shape)
        steps = [self._look_at_text, self._look_over_time]
        for step in reversed(steps) if self.mistake == "time_before_text" else steps:
            hidden = step(block, hidden, text)
        gate = self._linear(f"{block}.ff.net.0.proj", self._layer_norm(f"{block}.norm3", hidden))
        value, gate = gate.chunk(2, -1)
        hidden = hidden + self._linear(f"{block}.ff.net.2", value * F.gelu(gate))
        return clip + self._linear(f"{name}.proj_out", hidden).movedim(-1, 1)

    def _look_at_text(self, block, hidden, text):
        query = self._layer_norm(f"{block}.norm2", hidden).flatten(2, 3)
        return hidden + self._attend(f"{block}.attn2", query, text[:, None]).reshape(hidden.shape)

    def _look_over_time(self, block, hidden, _text):
        width = hidden.shape[-1]
        for frame in range(hidden.shape[1]):
            number = frame + (LATER if self.mistake == "positions_go_on" else 0)
            angles = [number / 10_000 ** (2 * (i // 2) / width) for i in range(width)]
            place = [math.sin(a) if i % 2 == 0 else math.cos(a) for i, a in enumerate(angles)]
            hidden = hidden.index_add(1, torch.tensor([frame]), _like(place, hidden[:, :1]))
        tracks = self._layer_norm(f"{block}.temp_norm", hidden).movedim(1, 3)  # (B, h, w, F, C)
        return hidden + self._attend(f"{block}.temp_attn", tracks, tracks).movedim(3, 1)

    def _attend(self, name, query, source):
        """Attention along the last axis but one."""
        query, key, value = (
            self._linear(f"{name}.to_{part}", rows)
            for part, rows in (("q", query), ("k", source), ("v", source))
        )
        heads = self._heads(query.shape[-1])
        query, key, value = (
            rows.unflatten(-1, (heads, -1)).movedim(-2, -3) for rows in (query, key, value)
        )
        weight = (query @ key.mT / query.shape[-1] ** 0.5).softmax(-1)
        return self._linear(f"{name}.to_out.0", (weight @ value).movedim(-3, -2).flatten(-2))

    def _heads(self, width):
        """diffusers' image UNet calls the number of heads `attention_head_dim`."""
        widths, heads = self.config["block_out_channels"], self.config["attention_head_dim"]
        return heads if isinstance(heads, int) else heads[widths.index(width)]

    def _linear(self, name, rows):
        bias = self.weights.get(f"{name}.bias", 0)
        return rows @ self.weights[f"{name}.weight"].T + bias

    def _convolve(self, name, clip, stride=1):
        """Each frame on its own."""
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        frames = [
            F.conv2d(frame, weight, bias, stride, padding=weight.shape[-1] // 2)
            for frame in clip.unbind(2)
        ]
        return torch.stack(frames, 2)

    def _group_norm(self, name, clip, eps, axes):
        grouped = clip.unflatten(1, (self.config["norm_num_groups"], -1))
        variance, mean = torch.var_mean(grouped, axes, correction=0, keepdim=True)
        even = ((grouped - mean) / (variance + eps).sqrt()).flatten(1, 2)
        return self._scaled(name, even.movedim(1, -1)).movedim(-1, 1)

    def _layer_norm(self, name, rows):
        variance, mean = torch.var_mean(rows, -1, correction=0, keepdim=True)
        return self._scaled(name, (rows - mean) / (variance + 1e-5).sqrt())

    def _scaled(self, name, rows):
        return rows * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]


def _silu(values):
    return values * values.sigmoid()


def _like(row, values):
    return torch.tensor(row).expand_as(values)


if __name__ == "__main__":
    main()
