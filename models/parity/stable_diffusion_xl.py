"""Graphs of Stable Diffusion XL beside the diffusers pipeline that draws with the same weights along the same control.

    python -m parity.stable_diffusion_xl PIPELINE CONTROLNET SET [--steps 50] [--mistake whole|padding|sizes]

PIPELINE and CONTROLNET: folders that `python -m export models` made SET of, with `--xl` and `--controlnet canny=`. Prints the
greatest difference of the latents, and ends with exit code 1 where it is above 1e-3. With a mistake the graphs are run wrongly:
without the text as a whole, the first text encoder's padding for both, or frames said to be twice as wide.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from diffusers import ControlNetModel, DDIMScheduler, StableDiffusionXLControlNetPipeline
from transformers import CLIPTokenizer

BOUND = 1e-3
PROMPTS = ("", "a red square moving right on a gray background")
SIDE = 128
GUIDANCE, SCALE = 5.0, 0.8


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pipeline", type=Path)
    parser.add_argument("controlnet", type=Path)
    parser.add_argument("set", type=Path)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--mistake", choices=("whole", "padding", "sizes"))
    options = parser.parse_args()
    torch.manual_seed(0)
    control = (torch.rand(1, 3, SIDE, SIDE) > 0.8).float()
    noise = torch.randn(1, 4, SIDE // 8, SIDE // 8)
    pipeline = StableDiffusionXLControlNetPipeline.from_pretrained(
        options.pipeline, controlnet=ControlNetModel.from_pretrained(options.controlnet), add_watermarker=False
    )
    pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config, clip_sample=False)
    pipeline.set_progress_bar_config(disable=True)
    if options.mistake == "sizes":
        sizes = {"original_size": (SIDE, 2 * SIDE), "target_size": (SIDE, 2 * SIDE)}
    else:
        sizes = {}
    expected = pipeline(
        PROMPTS[1],
        image=control,
        negative_prompt=PROMPTS[0],
        num_inference_steps=options.steps,
        guidance_scale=GUIDANCE,
        controlnet_conditioning_scale=SCALE,
        latents=noise,
        output_type="latent",
        **sizes,
    ).images
    worst = float((_drawn(options, pipeline.scheduler, noise, control) - expected).abs().max())
    print(f"{options.steps} steps: differ by at most {worst:.1e} (bound {BOUND:.0e}), largest {expected.abs().max():.1f}")
    sys.exit(not worst <= BOUND)


def _drawn(options, scheduler, noise, control):
    """Latents by the graphs of the set."""
    at = options.set / "image" / "xl"
    tokenizer = CLIPTokenizer.from_pretrained(at / "tokenizer")
    if options.mistake == "padding":
        tokenizer.pad_token = "a</w>"
    ids = tokenizer(list(PROMPTS), padding="max_length", max_length=77).input_ids
    (text,) = _session(at / "text_encoders" / "model.onnx").run(None, {"input_ids": np.array(ids, np.int64)})
    if options.mistake == "whole":
        text[:, -1] = 0
    unet = _session(at / "unet_controlnet-canny.onnx")
    scheduler.set_timesteps(options.steps)
    latents = noise
    for time in scheduler.timesteps:
        feeds = {
            "sample": latents.repeat(2, 1, 1, 1).numpy(),
            "timestep": np.array(float(time), np.float32),
            "encoder_hidden_states": text,
            "controlnet_conds": control.repeat(2, 1, 1, 1)[None].numpy(),
            "conditioning_scales": np.array([SCALE], np.float32),
        }
        without, told = torch.from_numpy(unet.run(None, feeds)[0]).chunk(2)
        latents = scheduler.step(without + GUIDANCE * (told - without), time, latents).prev_sample
    return latents


def _session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    main()
