"""Small random models in folders laid out as downloads of the real ones are, to try `models` on.

Block types, layers, norms, schedulers and names of weights are Stable Diffusion 1.5's, its ControlNets',
its T2I-Adapters' and ZeroScope's; only widths and vocabularies are small. They draw noise. Annotators
are ONNX files: a depth model with the preprocessor_config.json of its kind beside it, and a pose model
that gives two lines of scores for each of 133 joints, as RTMPose's and DWPose's do.
"""

import json
import shutil
import warnings
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DDIMScheduler,
    EulerDiscreteScheduler,
    MotionAdapter,
    PNDMScheduler,
    T2IAdapter,
    UNet2DConditionModel,
    UNet3DConditionModel,
)
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from train.annotators import PREPARING
from video import vidrd

from .files import write_json
from .forms import FORMS, rewrite
from .graph import OPSET
from .inputs.weight_files import OLD_ATTENTION

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
XL = {
    "text_encoder": "CLIPTextModel",
    "text_encoder_2": "CLIPTextModelWithProjection",
    "tokenizer": "CLIPTokenizer",
    "tokenizer_2": "CLIPTokenizer",
    "unet": "UNet2DConditionModel",
    "vae": "AutoencoderKL",
    "scheduler": "EulerDiscreteScheduler",
}
# What the libraries save today is not named as what was published with older ones, which they load.
PUBLISHED_NAMES = {
    "text_encoder": lambda name: f"text_model.{name}",
    "vae": lambda name: _published_in_vae(name),
}


def write_folders(out, form="safetensors"):
    """Writes into `out` what `--image`, `--controlnet`, `--t2i-adapter`, `--annotator`, `--video` (two
    of them) and `--motion-adapter` take; weights lie in files of `form`, one of FORMS."""
    torch.manual_seed(0)
    unet = _image_unet()
    image = {"vae": vae(), "unet": unet, "text_encoder": _text("sd1", IMAGE_TEXT)}
    save(image, out / "image")
    PNDMScheduler(skip_prk_steps=True, **SCHEDULE).save_pretrained(out / "image" / "scheduler")
    shutil.copytree(TOKENIZERS / "sd1", out / "image" / "tokenizer", dirs_exist_ok=True)
    nets = {f"controlnet-{name}": ControlNetModel.from_unet(unet) for name in ("canny", "depth")}
    save({**nets, "t2iadapter-canny": _adapter()}, out)
    _write_annotators(out)
    save({"unet": _video_unet(), "text_encoder": _text("sd2", VIDEO_TEXT)}, out / "video")
    DDIMScheduler(clip_sample=False, **SCHEDULE).save_pretrained(out / "video" / "scheduler")
    shutil.copytree(TOKENIZERS / "sd2", out / "video" / "tokenizer", dirs_exist_ok=True)
    save({"motion-adapter": MotionAdapter(block_out_channels=WIDTHS)}, out)
    _write_vidrd(out / "vidrd")
    _write_xl(out)
    if form != "safetensors":
        rewrite(out, form)


def _write_vidrd(out):
    """The Stable Diffusion 2.1 that VidRD began as, and its checkpoint beside it."""
    base = out / "stable-diffusion-2-1-base"
    unet = _image_unet(attention_head_dim=(1, 2, 2, 2), use_linear_projection=True, text=VIDEO_TEXT)
    save({"unet": unet, "text_encoder": _text("sd2", VIDEO_TEXT)}, base)
    DDIMScheduler(clip_sample=False, **SCHEDULE).save_pretrained(base / "scheduler")
    shutil.copytree(TOKENIZERS / "sd2", base / "tokenizer", dirs_exist_ok=True)
    model, words = vidrd.VidrdUnet(unet), _text("sd2", VIDEO_TEXT)
    fill_silent(model)
    weights = {f"unet.{name}": weight for name, weight in model.state_dict().items()}
    published = {
        f"text_encoder.text_model.{name}": weight for name, weight in words.state_dict().items()
    }
    torch.save({"state_dict": {**weights, **published}}, out / "ModelT2V.pth")


def _write_xl(out):
    """A pipeline of Stable Diffusion XL, and a ControlNet of it."""
    texts = (IMAGE_TEXT, VIDEO_TEXT)
    unet = xl_unet(WIDTHS[:3], sum(texts), texts[1])
    at = out / "xl"
    second = _text("sd2", texts[1], CLIPTextModelWithProjection)
    save({"unet": unet, "text_encoder": _text("sd1", texts[0]), "text_encoder_2": second}, at)
    save({"vae": vae(scaling_factor=0.13025)}, at)
    write_xl_index(at)
    save({"controlnet-xl-canny": ControlNetModel.from_unet(unet)}, out)


def xl_unet(widths, text, whole):
    """For texts of width `text`, and embeddings of width `whole` of them as a whole."""
    return UNet2DConditionModel(
        block_out_channels=widths,
        down_block_types=("DownBlock2D",) + ("CrossAttnDownBlock2D",) * 2,
        up_block_types=("CrossAttnUpBlock2D",) * 2 + ("UpBlock2D",),
        transformer_layers_per_block=(1, 2, 3),
        attention_head_dim=(1, 2, 2),
        use_linear_projection=True,
        cross_attention_dim=text,
        addition_embed_type="text_time",
        addition_time_embed_dim=32,
        projection_class_embeddings_input_dim=whole + 6 * 32,
    )


def write_xl_index(at):
    """What an XL pipeline's folder `at` has beside its models."""
    schedule = {key: value for key, value in SCHEDULE.items() if key != "set_alpha_to_one"}
    EulerDiscreteScheduler(timestep_spacing="leading", **schedule).save_pretrained(at / "scheduler")
    ours = ("unet", "vae", "scheduler")
    index = {name: ["diffusers" if name in ours else "transformers", kind] for name, kind in XL.items()}
    write_json(at / "model_index.json", {"_class_name": "StableDiffusionXLPipeline", **index})
    for name, folder in (("sd1", "tokenizer"), ("sd2", "tokenizer_2")):
        shutil.copytree(TOKENIZERS / name, at / folder, dirs_exist_ok=True)


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


def _adapter():
    return T2IAdapter(
        in_channels=1,
        channels=list(WIDTHS),
        num_res_blocks=2,
        downscale_factor=8,
        adapter_type="full_adapter",
    )


class _Depth(nn.Module):
    """pixel_values (B, 3, H, W) to predicted_depth (B, H, W)."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 3, padding=1)

    def forward(self, pixel_values):
        return self.conv(pixel_values).squeeze(1)


class _Pose(nn.Module):
    """input (B, 3, 384, 288) to simcc_x (B, 133, 576) and simcc_y (B, 133, 768): two places a pixel."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 133, 3, padding=1)

    def forward(self, input):
        maps = nn.functional.interpolate(self.conv(input), scale_factor=2.0)
        return maps.mean(2), maps.mean(3)


def _write_annotators(out):
    (out / "annotators" / "depth").mkdir(parents=True, exist_ok=True)
    _export(
        _Depth(),
        torch.randn(1, 3, 64, 64),
        out / "annotators" / "depth" / "model.onnx",
        pixel_values={0: "batch", 2: "height", 3: "width"},
        predicted_depth={0: "batch", 1: "height", 2: "width"},
    )
    said = {**PREPARING, "size": {"height": 64, "width": 64}, "ensure_multiple_of": 14}
    (out / "annotators" / "depth" / "preprocessor_config.json").write_text(json.dumps(said))
    _export(
        _Pose(),
        torch.randn(1, 3, 384, 288),
        out / "annotators" / "pose.onnx",
        input={0: "batch"},
        simcc_x={0: "batch"},
        simcc_y={0: "batch"},
    )


def _export(module, example, path, **axes):
    """Writes a graph with its weights inside; `axes` name its input and then its outputs."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in graph.py
        torch.onnx.export(
            module.eval(),
            (example,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(axes)[:1],
            output_names=list(axes)[1:],
            dynamic_axes=axes,
        )


def vae(scaling_factor=0.18215):
    return AutoencoderKL(
        block_out_channels=WIDTHS,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=4,
        scaling_factor=scaling_factor,
    )


def _text(tokenizer, width, kind=CLIPTextModel):
    tokens = CLIPTokenizer.from_pretrained(TOKENIZERS / tokenizer)
    return kind(
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


def save(models, out):
    for name, model in models.items():
        fill_silent(model)
        model.save_pretrained(out / name)
        if name in PUBLISHED_NAMES:
            _rename(next((out / name).glob("*.safetensors")), PUBLISHED_NAMES[name])


def fill_silent(model):
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
    for before, today in OLD_ATTENTION.items():
        name = name.replace(f".attentions.0.{today}.", f".attentions.0.{before}.")
    return name
