"""Random models of the real size, in float16: Stable Diffusion 1.5, a ControlNet of it and ZeroScope; Stable Diffusion
XL and a ControlNet of it.

Architectures, numbers of parameters, files and names of weights are those of the published ones; only
tokenizers are small, of whose words the embeddings hold many more. 7 and 10 GB on disk; the largest model takes
3 and 5 GB of memory while it is written.
"""

import shutil
from contextlib import contextmanager

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DDIMScheduler,
    PNDMScheduler,
    UNet2DConditionModel,
    UNet3DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from .rehearse import SCHEDULE, TOKENIZERS, save, write_xl_index

WIDTHS = (320, 640, 1280, 1280)
# Of the text encoders: CLIP's ViT-L/14, and OpenCLIP's ViT-H/14 without its last layer.
FIRST_TEXT = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
SECOND_TEXT = dict(
    hidden_size=1024,
    intermediate_size=4096,
    num_hidden_layers=23,
    num_attention_heads=16,
    hidden_act="gelu",
)
# OpenCLIP's ViT-bigG/14.
THIRD_TEXT = dict(
    hidden_size=1280,
    intermediate_size=5120,
    num_hidden_layers=32,
    num_attention_heads=20,
    hidden_act="gelu",
)
WORDS = dict(vocab_size=49408, projection_dim=768, bos_token_id=49406, eos_token_id=49407)


def write_full(out):
    """Writes into `out` what `--image`, `--controlnet` and `--video` take, one model at a time."""
    with _halves():
        unet = image_unet()
        save({"unet": unet}, out / "image")
        save({"controlnet-canny": ControlNetModel.from_unet(unet)}, out)
        del unet
        save({"vae": vae(), "text_encoder": _text(FIRST_TEXT)}, out / "image")
        save({"unet": video_unet()}, out / "video")
        save({"text_encoder": _text(SECOND_TEXT)}, out / "video")
    PNDMScheduler(skip_prk_steps=True, **SCHEDULE).save_pretrained(out / "image" / "scheduler")
    DDIMScheduler(clip_sample=False, **SCHEDULE).save_pretrained(out / "video" / "scheduler")
    for tokenizer, at in (("sd1", "image"), ("sd2", "video")):
        shutil.copytree(TOKENIZERS / tokenizer, out / at / "tokenizer", dirs_exist_ok=True)


def write_full_xl(out):
    """Writes into `out` what `--xl` and `--controlnet` take."""
    at = out / "xl"
    with _halves():
        unet = xl_unet()
        save({"unet": unet}, at)
        save({"controlnet-xl-canny": ControlNetModel.from_unet(unet)}, out)
        del unet
        save({"vae": vae(scaling_factor=0.13025), "text_encoder": _text(FIRST_TEXT)}, at)
        second = {**THIRD_TEXT, "projection_dim": 1280}
        save({"text_encoder_2": _text(second, CLIPTextModelWithProjection)}, at)
    write_xl_index(at)


@contextmanager
def _halves():
    """While it lasts, models are made of float16, and alike at each call."""
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float16)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def xl_unet():
    """Stable Diffusion XL's: 2.6 billion parameters."""
    return UNet2DConditionModel(
        sample_size=128,
        block_out_channels=WIDTHS[:3],
        down_block_types=("DownBlock2D",) + ("CrossAttnDownBlock2D",) * 2,
        up_block_types=("CrossAttnUpBlock2D",) * 2 + ("UpBlock2D",),
        transformer_layers_per_block=(1, 2, 10),
        attention_head_dim=(5, 10, 20),
        use_linear_projection=True,
        cross_attention_dim=2048,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816,
    )


def image_unet():
    """Stable Diffusion 1.5's: 860 million parameters."""
    return UNet2DConditionModel(
        block_out_channels=WIDTHS,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        attention_head_dim=8,
        cross_attention_dim=768,
    )


def video_unet():
    """ZeroScope's: 1.4 billion parameters."""
    return UNet3DConditionModel(
        block_out_channels=WIDTHS,
        down_block_types=("CrossAttnDownBlock3D",) * 3 + ("DownBlock3D",),
        up_block_types=("UpBlock3D",) + ("CrossAttnUpBlock3D",) * 3,
        attention_head_dim=64,
        cross_attention_dim=1024,
    )


def vae(scaling_factor=0.18215):
    return AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=4,
        sample_size=512,
        scaling_factor=scaling_factor,
    )


def _text(size, kind=CLIPTextModel):
    return kind(CLIPTextConfig(**{**WORDS, **size}))
