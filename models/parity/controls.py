"""`python -m parity.controls`, from models/: what diffusers' own pipelines draw along controls, for the
tests of the TypeScript side.

Writes controls/, small random models of the real classes with their graphs (the text encoder and the
scheduler are the demo's), and goldens/controls.safetensors: noise (F, 4, h, w), the control pictures
outlines and depth, uint8 (F, H, W), and latents (F, 4, h, w) of each of RUNS. F = 2.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DDIMScheduler,
    MultiAdapter,
    MultiControlNetModel,
    PNDMScheduler,
    StableDiffusionAdapterPipeline,
    StableDiffusionControlNetPipeline,
    T2IAdapter,
    UNet2DConditionModel,
)
from safetensors.torch import save_file
from transformers import CLIPTextModel, CLIPTokenizer

from export import graphs
from train import data

from .canny import canny
from .goldens import HERE

FRAMES, STEPS, GUIDANCE, SEED = 2, 50, 3.0, 20260718
PROMPT, NEGATIVE = "a cyan square moving right on a white background", "a red circle"
WIDTHS, TEXT_WIDTH = (8, 16), 64
CONTROLS = HERE / "controls"
# By name: pictures, weights, and the shares of the steps between which each counts.
RUNS = {
    "one": (("outlines",), (0.8,), (0.0,), (1.0,)),
    "one_between": (("outlines",), (0.8,), (0.1,), (0.71,)),
    "two": (("outlines", "depth"), (0.9, 0.5), (0.0, 0.0), (1.0, 1.0)),
    "two_between": (("outlines", "depth"), (0.9, 0.5), (0.0, 0.3), (0.55, 1.0)),
    # Its loop has one step more than are asked for, and shares count that.
    "two_between_pndm": (("outlines", "depth"), (0.9, 0.5), (0.0, 0.3), (0.55, 1.0)),
    "adapter": (("outlines",), (0.7,), None, None),
    "two_adapters": (("outlines", "depth"), (0.7, 0.4), None, None),
}


def main():
    parser = argparse.ArgumentParser(prog="python -m parity.controls", description=__doc__)
    parser.add_argument("--folder", type=Path, default=HERE.parent / "demo")
    options = parser.parse_args()
    models = write_models(CONTROLS)
    clip = data.draw("held-out", 2000)
    levels = np.round(255 * clip.depth[:FRAMES]).astype(np.uint8)
    outlines = np.stack([canny(frame) for frame in clip.frames[:FRAMES]])
    pictures = dict(outlines=torch.from_numpy(outlines), depth=torch.from_numpy(levels))
    generator = torch.Generator().manual_seed(SEED)
    noise = torch.randn(FRAMES, 4, data.SIZE // 8, data.SIZE // 8, generator=generator)
    image = options.folder / json.loads((options.folder / "card.json").read_text())["image"]
    drawn = {name: draw(name, models, pictures, noise, image) for name in RUNS}
    kept = {**pictures, "noise": noise, **drawn}
    save_file({k: v.contiguous() for k, v in kept.items()}, HERE / "goldens" / "controls.safetensors")


def write_models(folder):
    """Saves models of 16 bits and their graphs; returns what was stored, in float32."""
    torch.manual_seed(SEED)
    unet = UNet2DConditionModel(
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        block_out_channels=WIDTHS,
        layers_per_block=1,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=2,
        norm_num_groups=4,
        sample_size=data.SIZE // 8,
    )
    models = dict(unet=unet)
    for name in ("outlines", "depth"):
        models[f"controlnet-{name}"] = ControlNetModel.from_unet(
            unet, conditioning_embedding_out_channels=(4, 8, 8, 16)
        )
    # Of one channel alone; several in one graph take coloured pictures.
    for name, channels in (("outlines", 1), ("first", 3), ("second", 3)):
        models[f"t2iadapter-{name}"] = T2IAdapter(
            in_channels=channels, channels=list(WIDTHS), num_res_blocks=1, downscale_factor=8
        )
    stored = {name: _stored(model, folder / name) for name, model in models.items()}
    unet = stored["unet"]
    nets = {name: stored[f"controlnet-{name}"] for name in ("outlines", "depth")}
    graphs.write_controlled_unet(unet, {"outlines": nets["outlines"]}, folder)
    graphs.write_controlled_unet(unet, nets, folder)
    adapters = {name: stored[f"t2iadapter-{name}"] for name in ("outlines", "first", "second")}
    graphs.write_adapted_unet(unet, {"outlines": adapters.pop("outlines")}, folder)
    graphs.write_adapted_unet(unet, adapters, folder)
    return stored


def _stored(model, folder):
    for weight in model.parameters():
        # Layers that start at zero would hide what they add, and equal ones which is which.
        torch.nn.init.normal_(weight, std=0.12) if weight.dim() > 1 else None
    model.half().save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config.pop("_name_or_path", None)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    return type(model).from_pretrained(folder, torch_dtype=torch.float32).eval()


@torch.no_grad()
def draw(name, models, pictures, noise, image):
    """Latents of one of RUNS, by the pipeline for it; `image` is the demo's image model."""
    wanted, scales, starts, ends = RUNS[name]
    scheduler = PNDMScheduler if name.endswith("pndm") else DDIMScheduler
    parts = dict(
        vae=AutoencoderKL.from_pretrained(image / "vae", torch_dtype=torch.float32),
        text_encoder=CLIPTextModel.from_pretrained(
            image / "text_encoder", torch_dtype=torch.float32
        ),
        tokenizer=CLIPTokenizer.from_pretrained(image / "tokenizer"),
        unet=models["unet"],
        scheduler=scheduler.from_pretrained(image / "scheduler"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    if name.endswith("pndm"):
        parts["scheduler"].register_to_config(skip_prk_steps=True)
    told = dict(
        prompt=[PROMPT] * FRAMES,
        negative_prompt=[NEGATIVE] * FRAMES,
        height=data.SIZE,
        width=data.SIZE,
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        latents=noise,
        output_type="latent",
    )
    coloured = [pictures[one].float()[:, None].repeat(1, 3, 1, 1) / 255 for one in wanted]
    if starts is not None:
        return _by_controlnets(parts, models, wanted, told, coloured, scales, starts, ends)
    if len(wanted) == 1:
        adapter, shown, scale = models["t2iadapter-outlines"], coloured[0][:, :1], scales[0]
    else:
        adapter = MultiAdapter([models[f"t2iadapter-{one}"] for one in ("first", "second")])
        shown, scale = coloured, list(scales)
    pipeline = StableDiffusionAdapterPipeline(adapter=adapter, **parts)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline(image=shown, adapter_conditioning_scale=scale, **told).images


def _by_controlnets(parts, models, wanted, told, coloured, scales, starts, ends):
    nets = [models[f"controlnet-{one}"] for one in wanted]
    is_one = len(nets) == 1
    pipeline = StableDiffusionControlNetPipeline(
        controlnet=nets[0] if is_one else MultiControlNetModel(nets), **parts
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline(
        image=coloured[0] if is_one else coloured,
        controlnet_conditioning_scale=scales[0] if is_one else list(scales),
        control_guidance_start=starts[0] if is_one else list(starts),
        control_guidance_end=ends[0] if is_one else list(ends),
        **told,
    ).images


if __name__ == "__main__":
    main()
