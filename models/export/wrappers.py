"""One torch module per graph: positional tensors in, the contract's tensors out.

Each holds the diffusers or transformers model under a name that also prefixes the weights of its
graph, so that graph.py can find every weight in the model's own safetensors file.
B batch, F frames, h and w latent height and width, H and W eight times those, D text width.
"""

import types

import torch
from torch import nn
from torch.nn import functional


# What Stable Diffusion XL is told of sizes, in pixels: the original's height and width, where it was cut from above and
# from the left, the picture's own height and width.
XL_SIZES = 6


class TextEncoder(nn.Module):
    """input_ids int64 (B, 77) to last_hidden_state (B, 77, D) and pooler_output (B, D)."""

    def __init__(self, model):
        super().__init__()
        self.text_encoder = model

    def forward(self, input_ids):
        out = self.text_encoder(input_ids)
        return out.last_hidden_state, out.pooler_output


class VaeEncoder(nn.Module):
    """sample (B, 3, H, W) in -1..1 to mean and log-variance, unscaled, (B, 8, h, w)."""

    def __init__(self, model):
        super().__init__()
        self.vae = model

    def forward(self, sample):
        return self.vae.encode(sample).latent_dist.parameters


class VaeDecoder(nn.Module):
    """latent_sample (B, 4, h, w), already divided by the scaling factor, to (B, 3, H, W)."""

    def __init__(self, model):
        super().__init__()
        self.vae = model

    def forward(self, latent_sample):
        return self.vae.decode(latent_sample).sample


def told(unet, sample, encoder_hidden_states):
    """What a UNet or ControlNet is told: the text, and by keyword what else it takes. Of Stable Diffusion XL's the
    last token is the text as a whole, see xl.py."""
    config = unet.config
    if config.addition_embed_type != "text_time":
        return encoder_hidden_states, {}
    width = config.projection_class_embeddings_input_dim - XL_SIZES * config.addition_time_embed_dim
    whole = encoder_hidden_states[:, -1, :width]
    # Counted, not asked of the shape, which the trace would take for a constant.
    ones = torch.ones_like(sample[0, 0])
    height, width = 8 * ones[:, 0].sum(), 8 * ones[0].sum()
    none = 0 * height
    sizes = torch.stack([height, width, none, none, height, width])
    sizes = sizes + torch.zeros_like(whole[:, :1])
    return encoder_hidden_states[:, :-1], {
        "added_cond_kwargs": {"text_embeds": whole, "time_ids": sizes}
    }


class Unet(nn.Module):
    """sample (B, C, h, w) or (B, 4, F, h, w), timestep of rank 0, text (B, 77, D) to the noise."""

    def __init__(self, model):
        super().__init__()
        self.unet = model

    def forward(self, sample, timestep, encoder_hidden_states):
        return self.unet(sample, timestep, encoder_hidden_states).sample


class VideoUnet(Unet):
    """The same for a video UNet, its temporal convolutions done row by row. Changes `model`'s.

    A convolution over (B, C, F, h, w) has one sample for each clip, and onnxruntime's CPU provider
    cuts a lone sample into as many pieces as it has threads, which changes the last bits. As rows
    (B * h, C, F, w) there are many samples, so threads share the work and change no bits.
    """

    def __init__(self, model):
        super().__init__(model)
        for module in model.modules():
            if isinstance(module, nn.Conv3d):
                assert module.kernel_size[1:] == (1, 1), "only temporal convolutions are known"
                module.forward = types.MethodType(_convolve_rows, module)


class InflatedUnet(nn.Module):
    """The image UNet over a window (1, 4, F, h, w), its ResNet statistics pooled over the frames.

    BIVDiff inverts with the image UNet inflated in this way: GroupNorms of the ResNet blocks and
    of the output see all frames, everything else one frame at a time. Changes `model`'s norms.
    """

    def __init__(self, model):
        super().__init__()
        self.unet = pool_norms(model)

    def forward(self, sample, timestep, encoder_hidden_states):
        frames = sample.squeeze(0).transpose(0, 1)
        text = encoder_hidden_states.expand(sample.shape[2], -1, -1)
        return self.unet(frames, timestep, text).sample.transpose(0, 1).unsqueeze(0)


class ControlledUnet(nn.Module):
    """The image UNet with n ControlNets fused in.

    Beside the UNet's inputs: controlnet_conds (n, B, 3, H, W) in 0..1, conditioning_scales (n).
    """

    def __init__(self, model, controlnets):
        super().__init__()
        self.unet = model
        self.names = [f"controlnet_{i}" for i in range(len(controlnets))]
        for name, controlnet in zip(self.names, controlnets, strict=True):
            setattr(self, name, controlnet)

    def forward(
        self, sample, timestep, encoder_hidden_states, controlnet_conds, conditioning_scales
    ):
        down, mid = None, None
        text, further = told(self.unet, sample, encoder_hidden_states)
        for i, name in enumerate(self.names):
            more_down, more_mid = getattr(self, name)(
                sample, timestep, text, controlnet_conds[i], return_dict=False, **further
            )
            scale = conditioning_scales[i]
            more_down = [residual * scale for residual in more_down]
            more_mid = more_mid * scale
            down = more_down if down is None else [a + b for a, b in zip(down, more_down)]
            mid = more_mid if mid is None else mid + more_mid
        return self.unet(
            sample,
            timestep,
            text,
            down_block_additional_residuals=down,
            mid_block_additional_residual=mid,
            **further,
        ).sample


class AdaptedUnet(nn.Module):
    """The image UNet with n T2I-Adapters fused in.

    Beside the UNet's inputs: adapter_conds (n, B, C, H, W) in 0..1, conditioning_scales (n).
    """

    def __init__(self, model, adapters):
        super().__init__()
        self.unet = model
        self.names = [f"adapter_{i}" for i in range(len(adapters))]
        for name, adapter in zip(self.names, adapters, strict=True):
            setattr(self, name, adapter)

    def forward(self, sample, timestep, encoder_hidden_states, adapter_conds, conditioning_scales):
        features = None
        for i, name in enumerate(self.names):
            scale = conditioning_scales[i]
            more = [feature * scale for feature in getattr(self, name)(adapter_conds[i])]
            features = more if features is None else [a + b for a, b in zip(features, more)]
        return self.unet(
            sample,
            timestep,
            encoder_hidden_states,
            down_intrablock_additional_residuals=features,
        ).sample


class DepthAnnotator(nn.Module):
    """pixel_values (B, 3, H, W), normalised, to relative inverse depth (B, H, W)."""

    def __init__(self, model):
        super().__init__()
        self.annotator = model

    def forward(self, pixel_values):
        return self.annotator(pixel_values).squeeze(1)


class PoseAnnotator(DepthAnnotator):
    """pixel_values (B, 3, H, W), normalised, to heatmaps of K joints (B, K, H / 4, W / 4)."""

    def forward(self, pixel_values):
        return self.annotator(pixel_values)


def _convolve_rows(conv, clip):
    """A convolution of (B, C, F, h, w) along F alone."""
    frames, height, width = clip.shape[2:]
    rows = clip.permute(0, 3, 1, 2, 4).reshape(-1, conv.in_channels, frames, width)
    padding = (conv.padding[0], 0)
    out = functional.conv2d(rows, conv.weight.squeeze(-1), conv.bias, padding=padding)
    out = out.reshape(-1, height, conv.out_channels, frames, width)
    return out.permute(0, 2, 3, 1, 4)


def pool_norms(unet):
    """Lets the ResNet and output GroupNorms of `unet` take their statistics over the batch, which
    is then the frames of one window; returns it."""
    for name, module in unet.named_modules():
        is_resnet_norm = ".resnets." in name and name.rsplit(".", 1)[-1] in ("norm1", "norm2")
        if isinstance(module, nn.GroupNorm) and (is_resnet_norm or name == "conv_norm_out"):
            module.forward = types.MethodType(_pooled_group_norm, module)
    return unet


def _pooled_group_norm(norm, frames):
    """GroupNorm of (F, C, h, w) with one mean and deviation per group for all frames."""
    window = frames.transpose(0, 1).unsqueeze(0)
    out = functional.group_norm(window, norm.num_groups, norm.weight, norm.bias, norm.eps)
    return torch.transpose(out[0], 0, 1)
