"""Small random models in folders laid out as downloads of the real ones are, to try `models` on.

Block types, layers, norms, schedulers and names of weights are Stable Diffusion 1.5's, its canny
ControlNet's and ZeroScope's; only widths and vocabularies are small. They draw noise.
"""

import shutil
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DDIMScheduler,
    MotionAdapter,
    PNDMScheduler,
    UNet2DConditionModel,
    UNet3DConditionModel,
)
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from video import vidrd

WIDTHS = (32, 64, 64, 64)
IMAGE_TEXT, VIDEO_TEXT = 48, 64
TOKENIZERS = Path(__file__).resolve().parents[1] / "parity" / "tokenizer"
SCHEDULE = dict(
    num_train_timesteps=1000,
    beta_start=0.00085,
    beta_end=0.012,
    beta_schedule="scaled_linear",
    set_alpha_to_one=False,
    steps_offset=1,
)
# What the libraries save today is not named as what was published with older ones, which they load.
OLD_ATTENTION = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
PUBLISHED_NAMES = {
    "text_encoder": lambda name: f"text_model.{name}",
    "vae": lambda name: _published_in_vae(name),
}


def write_folders(out):
    """Writes `image`, `controlnet-canny`, `video`, `vidrd` and `motion-adapter` into `out`, as `--image`,
    `--controlnet`, `--video` (these two) and `--motion-adapter` take them."""
    torch.manual_seed(0)
    unet = _image_unet()
    image = {"vae": _vae(), "unet": unet, "text_encoder": _text("sd1", IMAGE_TEXT)}
    _save(image, out / "image")
    PNDMScheduler(skip_prk_steps=True, **SCHEDULE).save_pretrained(out / "image" / "scheduler")
    shutil.copytree(TOKENIZERS / "sd1", out / "image" / "tokenizer", dirs_exist_ok=True)
    _save({"controlnet-canny": ControlNetModel.from_unet(unet)}, out)
    _save({"unet": _video_unet(), "text_encoder": _text("sd2", VIDEO_TEXT)}, out / "video")
    DDIMScheduler(clip_sample=False, **SCHEDULE).save_pretrained(out / "video" / "scheduler")
    shutil.copytree(TOKENIZERS / "sd2", out / "video" / "tokenizer", dirs_exist_ok=True)
    _save({"motion-adapter": MotionAdapter(block_out_channels=WIDTHS)}, out)
    _write_vidrd(out / "vidrd")


def _write_vidrd(out):
    """The Stable Diffusion 2.1 that VidRD began as, and its checkpoint beside it."""
    base = out / "stable-diffusion-2-1-base"
    unet = _image_unet(attention_head_dim=(1, 2, 2, 2), use_linear_projection=True, text=VIDEO_TEXT)
    _save({"unet": unet, "text_encoder": _text("sd2", VIDEO_TEXT)}, base)
    DDIMScheduler(clip_sample=False, **SCHEDULE).save_pretrained(base / "scheduler")
    shutil.copytree(TOKENIZERS / "sd2", base / "tokenizer", dirs_exist_ok=True)
    model, words = vidrd.VidrdUnet(unet), _text("sd2", VIDEO_TEXT)
    _fill_silent(model)
    weights = {f"unet.{name}": weight for name, weight in model.state_dict().items()}
    published = {
        f"text_encoder.text_model.{name}": weight for name, weight in words.state_dict().items()
    }
    torch.save({"state_dict": {**weights, **published}}, out / "ModelT2V.pth")


def _image_unet(attention_head_dim=8, use_linear_projection=False, text=IMAGE_TEXT):
    return UNet2DConditionModel(
        block_out_channels=WIDTHS,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        attention_head_dim=attention_head_dim,
        use_linear_projection=use_linear_projection,
        cross_attention_dim=text,
    )


def _video_unet():
    return UNet3DConditionModel(
        block_out_channels=WIDTHS,
        down_block_types=("CrossAttnDownBlock3D",) * 3 + ("DownBlock3D",),
        up_block_types=("UpBlock3D",) + ("CrossAttnUpBlock3D",) * 3,
        attention_head_dim=32,
        cross_attention_dim=VIDEO_TEXT,
    )


def _vae():
    return AutoencoderKL(
        block_out_channels=WIDTHS,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=4,
        scaling_factor=0.18215,
    )


def _text(tokenizer, width):
    tokens = CLIPTokenizer.from_pretrained(TOKENIZERS / tokenizer)
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokens),
            hidden_size=width,
            intermediate_size=2 * width,
            num_hidden_layers=2,
            num_attention_heads=4,
            projection_dim=width,
            bos_token_id=tokens.bos_token_id,
            eos_token_id=tokens.eos_token_id,
            pad_token_id=tokens.pad_token_id,
        )
    )


def _save(models, out):
    for name, model in models.items():
        _fill_silent(model)
        model.save_pretrained(out / name)
        if name in PUBLISHED_NAMES:
            _rename(next((out / name).glob("*.safetensors")), PUBLISHED_NAMES[name])


def _fill_silent(model):
    """Layers that start at zero would hide errors of the export behind their silence."""
    for weight in model.parameters():
        if not weight.detach().any():
            nn.init.normal_(weight, std=0.02)


def _rename(file, published):
    """Gives the weights of `file` the names that they have in downloads."""
    weights = {published(name): weight for name, weight in load_file(file).items()}
    if "text_model.embeddings.position_embedding.weight" in weights:
        # No weight, and nothing of today's reads it; downloads of before 2023 have it.
        positions = weights["text_model.embeddings.position_embedding.weight"].shape[0]
        weights["text_model.embeddings.position_ids"] = torch.arange(positions).unsqueeze(0)
    save_file(weights, file, metadata={"format": "pt"})


def _published_in_vae(name):
    """Attention before diffusers 0.13."""
    for today, before in OLD_ATTENTION.items():
        name = name.replace(f".attentions.0.{today}.", f".attentions.0.{before}.")
    return name
