"""Small random models as single files, each beside the diffusers folder of the same weights.

Named and laid out as Stable Diffusion 1, 2 and XL, their inpainting model, InstructPix2Pix and ControlNets were first
published, and as sites for models have them. Widths are the least from which an export can tell the heads.
"""

import shutil

import torch
from diffusers import ControlNetModel, MotionAdapter, PNDMScheduler, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from .rehearse import SCHEDULE, TOKENIZERS, WIDTHS, save, vae, write_xl_index, xl_unet
from .single_file import original_names
from .single_file.configs import HEAD_WIDTH

TEXT = 2 * HEAD_WIDTH
LAYERS = 2  # of blocks and of text encoders
SECOND = dict(
    block_out_channels=(64, 128, 128, 128),
    attention_head_dim=(1, 2, 2, 2),
    use_linear_projection=True,
)


def write_files(out):
    """`sd1`, `sd2` and `xl` are pipelines, `inpaint`, `instruct`, `controlnet-canny` and `-depth` go with `sd1`,
    `controlnet-xl-canny`, a folder alone, with `xl`."""
    torch.manual_seed(0)
    first, second = _pipeline("sd1", "quick_gelu"), _pipeline("sd2", "gelu", **SECOND)
    for name, models in (("sd1", first), ("sd2", second)):
        save(models, out / name)
        PNDMScheduler(skip_prk_steps=True, **SCHEDULE).save_pretrained(out / name / "scheduler")
        shutil.copytree(TOKENIZERS / name, out / name / "tokenizer", dirs_exist_ok=True)
        adapter = MotionAdapter(block_out_channels=models["unet"].config.block_out_channels)
        save({f"motion-{name}": adapter}, out)
        _write_checkpoint(models, _words(models), out / f"{name}.safetensors")
    for name, channels in (("inpaint", 9), ("instruct", 8)):
        models = {**first, "unet": _unet(in_channels=channels)}
        save({"unet": models["unet"]}, out / name)
        _write_checkpoint(models, _words(models), out / f"{name}.safetensors")
    for name, prefix in (("controlnet-canny", "control_model."), ("controlnet-depth", "")):
        net = ControlNetModel.from_unet(first["unet"])
        save({name: net}, out)
        weights = original_names.of_unet(net.state_dict(), LAYERS)
        _write({f"{prefix}{key}": weight for key, weight in weights.items()}, out / f"{name}.safetensors")
    _write_xl(out)


def _write_xl(out):
    first = _text("sd1", "quick_gelu")
    # The width of the whole is another than that of the states, so that a projection the wrong way round is told.
    second = _text("sd2", "gelu", CLIPTextModelWithProjection, 3 * HEAD_WIDTH, projection_dim=TEXT)
    unet = xl_unet(SECOND["block_out_channels"][:3], TEXT + 3 * HEAD_WIDTH, TEXT)
    models = {"text_encoder": first, "text_encoder_2": second, "unet": unet, "vae": vae(scaling_factor=0.13025)}
    save(models, out / "xl")
    write_xl_index(out / "xl")
    save({"controlnet-xl-canny": ControlNetModel.from_unet(unet)}, out)
    words = {
        "conditioner.embedders.0.transformer.": original_names.of_clip(first.state_dict()),
        "conditioner.embedders.1.model.": original_names.of_projecting_open_clip(second.state_dict(), LAYERS),
        "": {"denoiser.sigmas": torch.linspace(15, 0, 1000)},
    }
    _write_checkpoint(models, words, out / "xl.safetensors")


def _pipeline(tokenizer, activation, **own):
    return {"text_encoder": _text(tokenizer, activation), "unet": _unet(**own), "vae": vae()}


def _unet(**own):
    config = dict(block_out_channels=WIDTHS, attention_head_dim=8, layers_per_block=LAYERS)
    return UNet2DConditionModel(
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        cross_attention_dim=TEXT,
        **{**config, **own},
    )


def _text(tokenizer, activation, kind=CLIPTextModel, width=TEXT, **own):
    config = CLIPTextConfig(
        vocab_size=len(CLIPTokenizer.from_pretrained(TOKENIZERS / tokenizer)),
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=LAYERS,
        num_attention_heads=width // HEAD_WIDTH,
        hidden_act=activation,
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=1,
        **own,
    )
    return kind(config)


def _words(models):
    """The text encoder of Stable Diffusion 1 or 2, and what training left in such files, each by its prefix."""
    text = models["text_encoder"].state_dict()
    is_second = models["unet"].config.use_linear_projection
    words = original_names.of_open_clip(text, LAYERS) if is_second else original_names.of_clip(text)
    return {
        "cond_stage_model.model." if is_second else "cond_stage_model.transformer.": words,
        "model_ema.": {"decay": torch.tensor(0.9999), "num_updates": torch.tensor(875000)},
        "": {"alphas_cumprod": torch.linspace(1, 0, 1000)},
    }


def _write_checkpoint(models, others, file):
    """As float16, which is what the set stores. `others`: what is in it beside UNet and VAE, each by its prefix."""
    unet, coder = models["unet"].state_dict(), models["vae"]
    parts = {
        "model.diffusion_model.": original_names.with_upsamplers(original_names.of_unet(unet, LAYERS)),
        "first_stage_model.": original_names.of_vae(
            coder.state_dict(), len(coder.config.block_out_channels)
        ),
        **others,
    }
    _write(
        {f"{prefix}{name}": one for prefix, part in parts.items() for name, one in part.items()}, file
    )


def _write(weights, file):
    halved = {
        name: (one.half() if one.is_floating_point() else one).contiguous()
        for name, one in weights.items()
    }
    save_file(halved, file)
