"""The whole method in plain diffusers and torch: what the TypeScript stages are compared with.

Loads a model set's safetensors (never its ONNX graphs), computes in float32 and shares no code
with the exporter. F frames; h, w latent sizes; latents are scaled by the VAE's factor.
"""

import copy
import json

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DDIMInverseScheduler,
    DDIMScheduler,
    UNet2DConditionModel,
    UNet3DConditionModel,
)
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer


class Reference:
    """The models of a set and the stages of a ControlNet job over one window of frames."""

    def __init__(self, folder, steps=50):
        card = json.loads((folder / "card.json").read_text())
        image = folder / card["image"]
        video = folder / card["videos"][card["defaultVideo"]]
        self.text = _Text(image)
        self.video_text = _Text(video)
        self.vae = _load(AutoencoderKL, image / "vae")
        self.unet = _load(UNet2DConditionModel, image / "unet")
        self.inflated = pool_over_window(copy.deepcopy(self.unet))
        self.controlnet = _load(ControlNetModel, image / "controlnet-canny")
        self.video_unet = _load(UNet3DConditionModel, video / "unet")
        self.scheduler = DDIMScheduler.from_pretrained(image / "scheduler")
        self.scheduler.set_timesteps(steps)
        self.inverse = DDIMInverseScheduler.from_config(self.scheduler.config)
        self.inverse.set_timesteps(steps)

    @torch.no_grad()
    def generate(self, control, noise, prompt, negative, guidance):
        """Latents (F, 4, h, w) from noise of that shape and outlines (F, 3, H, W) in 0..1; each
        frame on its own."""
        count = len(noise)
        text = torch.cat(
            [self.text(negative).repeat(count, 1, 1), self.text(prompt).repeat(count, 1, 1)]
        )
        control = control.repeat(2, 1, 1, 1)

        def predict(latents, time):
            both = latents.repeat(2, 1, 1, 1)
            down, mid = self.controlnet(both, time, text, control, return_dict=False)
            out = self.unet(
                both,
                time,
                text,
                down_block_additional_residuals=down,
                mid_block_additional_residual=mid,
            ).sample
            without, with_text = out.chunk(2)
            return without + guidance * (with_text - without)

        return self.sample(noise, predict)

    @torch.no_grad()
    def encode(self, frames):
        """uint8 (F, H, W, 3) to the posterior's mean and log-variance, unscaled, (F, 8, h, w)."""
        pixels = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1
        return self.vae.encode(pixels).latent_dist.parameters

    @torch.no_grad()
    def decode(self, latents):
        """Scaled latents (F, 4, h, w) to pixels, float32 (F, 3, H, W) in about -1..1."""
        return self.vae.decode(latents / self.vae.config.scaling_factor).sample

    @torch.no_grad()
    def invert_image(self, latents, negative, mode="ddim", scope="window"):
        """Noise (F, 4, h, w) of the image model; norms over the `window` or over each `frame`."""
        unet = self.inflated if scope == "window" else self.unet
        text = self.text(negative).repeat(len(latents), 1, 1)
        return self.invert(latents, lambda x, time: unet(x, time, text).sample, mode)

    @torch.no_grad()
    def invert_video(self, latents, negative, mode="ddim"):
        """Noise (F, 4, h, w) of the video model."""
        text = self.video_text(negative)
        noise = self.invert(
            to_clip(latents), lambda x, time: self.video_unet(x, time, text).sample, mode
        )
        return to_frames(noise)

    @torch.no_grad()
    def smooth(self, noise, prompt, negative, guidance):
        """Latents (F, 4, h, w) drawn by the video model from noise of that shape."""
        positive = self.video_text(prompt)
        text = torch.cat([self.video_text(negative), positive])

        def predict(latents, time):
            if guidance == 1:
                return self.video_unet(latents, time, positive).sample
            both = self.video_unet(latents.repeat(2, 1, 1, 1, 1), time, text).sample
            without, with_text = both.chunk(2)
            return without + guidance * (with_text - without)

        return to_frames(self.sample(to_clip(noise), predict))

    def sample(self, latents, predict):
        for time in self.scheduler.timesteps:
            latents = self.scheduler.step(predict(latents, time), time, latents).prev_sample
        return latents

    def invert(self, latents, predict, mode):
        for time in self.inverse.timesteps:
            noise = predict(latents, time)
            if mode == "ddim":
                latents = self.inverse.step(noise, time, latents).prev_sample
            else:
                latents = self._official_step(noise, int(time), latents)
        return latents

    def _official_step(self, noise, time, latents):
        """BIVDiff's own inversion: the latents count as being at `time` already, and go on to the
        next level, the last to two short of the table's end."""
        alphas = self.scheduler.alphas_cumprod
        jump = len(alphas) // self.scheduler.num_inference_steps
        here, there = alphas[time], alphas[min(len(alphas) - 2, time + jump)]
        clean = (latents - (1 - here).sqrt() * noise) / here.sqrt()
        return there.sqrt() * clean + (1 - there).sqrt() * noise


def mix(image_noise, video_noise, ratio):
    """The bridge: once, after both inversions; ratio 1 is the image model's noise alone."""
    return ratio * image_noise + (1 - ratio) * video_noise


def to_clip(frames):
    """(F, 4, h, w) to (1, 4, F, h, w)."""
    return frames.transpose(0, 1).unsqueeze(0)


def to_frames(clip):
    """(1, 4, F, h, w) to (F, 4, h, w)."""
    return clip.squeeze(0).transpose(0, 1).contiguous()


def to_pixels(decoded):
    """Float pixels (F, 3, H, W) in -1..1 to uint8 (F, H, W, 3), rounded half to even."""
    levels = ((decoded / 2 + 0.5).clamp(0, 1) * 255).round()
    return levels.byte().permute(0, 2, 3, 1).contiguous().numpy()


def pool_over_window(unet):
    """Replaces the ResNet and output GroupNorms of an image UNet, or a ControlNet, by ones over all its frames."""
    resnets = [module for name, module in unet.named_modules() if _is_resnet(name)]
    for resnet in resnets:
        resnet.norm1, resnet.norm2 = WindowNorm(resnet.norm1), WindowNorm(resnet.norm2)
    if hasattr(unet, "conv_norm_out"):
        unet.conv_norm_out = WindowNorm(unet.conv_norm_out)
    return unet


class WindowNorm(nn.Module):
    """GroupNorm of (F, C, h, w) with statistics over the F frames of a window together."""

    def __init__(self, norm):
        super().__init__()
        self.norm = norm

    def forward(self, frames):
        grouped = frames.unflatten(1, (self.norm.num_groups, -1))
        variance, mean = torch.var_mean(grouped, dim=(0, 2, 3, 4), correction=0, keepdim=True)
        even = ((grouped - mean) / (variance + self.norm.eps).sqrt()).flatten(1, 2)
        return even * self.norm.weight[:, None, None] + self.norm.bias[:, None, None]


class _Text:
    """Prompt to embedding (1, 77, D)."""

    def __init__(self, folder):
        self.tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        self.encoder = _load(CLIPTextModel, folder / "text_encoder")

    @torch.no_grad()
    def __call__(self, prompt):
        tokens = self.tokenizer(
            prompt, padding="max_length", max_length=77, truncation=True, return_tensors="pt"
        )
        return self.encoder(tokens.input_ids).last_hidden_state


def _is_resnet(name):
    return name.rsplit(".", 2)[-2:-1] == ["resnets"]


def _load(kind, folder):
    return kind.from_pretrained(folder, torch_dtype=torch.float32).eval().requires_grad_(False)
