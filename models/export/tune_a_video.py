"""`python -m export.tune_a_video`: a set with a video model that was tuned on one clip.

Tune-A-Video (arXiv 2212.11565): the set's image UNet, with attention to other frames, learns the motion
of a clip by a caption of it, in a few hundred steps. What it draws of the inverted clip by another
prompt has that motion. Copies the set to `--out`, or adds to one that is there.
"""

import argparse
import json
import re
import shutil
import tempfile
from pathlib import Path

import av
import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from PIL import Image
from transformers import CLIPTextModel, CLIPTokenizer

from train.loop import Plan
from train.tune_a_video import tune
from video.tune_a_video import save_tuned

from . import videos
from .__main__ import DEMO
from .files import open_to_readers, write_json
from .layout import DTYPES


def main():
    parser = argparse.ArgumentParser(
        prog="python -m export.tune_a_video",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--clip", type=Path, required=True, help="the video to tune on")
    parser.add_argument("--prompt", required=True, help="what it shows")
    parser.add_argument("--out", type=Path, required=True, help="the set to write")
    parser.add_argument("--models", type=Path, default=DEMO, help="the set to begin with")
    parser.add_argument("--name", default="tuned", help="of the video model in the set")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--stride", type=int, default=4, help="frames from one to the next")
    parser.add_argument("--size", help="WIDTHxHEIGHT to tune at (default: the set's own)")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--rate", type=float, default=3e-4, help="3e-5 for Stable Diffusion")
    parser.add_argument(
        "--guidance", type=float, default=1.5, help="that suits it; 12.5 for Stable Diffusion"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--threads", type=int, default=1, help="with one, equal runs give equal weights"
    )
    parser.add_argument("--dtype", choices=DTYPES, default="fp16", help="of the stored weights")
    options = parser.parse_args()
    _check(options)
    begun = options.out if options.out.exists() else options.models
    card = json.loads((begun / "card.json").read_text())
    if options.name in card["videos"]:
        raise SystemExit(f"--name {options.name}: {begun} has a video model of that name")
    torch.set_num_threads(options.threads)
    frames = _frames(options, options.size or card["defaults"]["size"])
    model = _tuned(begun / card["image"], frames, options)
    if begun is options.models:
        shutil.copytree(options.models, options.out)
    with tempfile.TemporaryDirectory() as scratch:
        save_tuned(model, Path(scratch))
        # Its clip is inverted by itself alone.
        defaults = {"videoGuidanceScale": options.guidance, "mixingRatio": 0}
        source = videos.TemporalSource(Path(scratch), options.frames, defaults)
        videos.write_video(options.name, source, options.out, DTYPES[options.dtype])
    card["videos"][options.name] = videos.card_entry(options.name, source)
    open_to_readers(options.out)
    write_json(options.out / "card.json", card)


def _check(options):
    """All that is wrong, before anything is written."""
    problems = []
    if not options.clip.is_file():
        problems.append(f"--clip {options.clip}: there is no such file")
    if not (options.models / "card.json").is_file():
        problems.append(f"--models {options.models}: it has no card.json, so it is no model set")
    if options.out.exists() and not (options.out / "card.json").is_file():
        problems.append(f"--out {options.out}: it is there, and no model set")
    if min(options.frames, options.stride, options.steps, options.threads) < 1:
        problems.append("--frames, --stride, --steps and --threads are 1 or more")
    if options.size is not None and not re.fullmatch(r"[1-9]\d*x[1-9]\d*", options.size):
        problems.append(f"--size {options.size}: is WIDTHxHEIGHT, 128x128 say")
    if not options.prompt.strip():
        problems.append("--prompt: has no words; it says what the clip shows")
    if problems:
        raise SystemExit("\n".join(problems))


def _frames(options, size):
    """uint8 (F, H, W, 3), stretched to `size`, "WIDTHxHEIGHT"."""
    size = tuple(map(int, size.split("x")))
    wanted, frames = options.frames * options.stride, []
    with av.open(str(options.clip)) as file:
        for index, frame in enumerate(file.decode(video=0)):
            if index % options.stride == 0 and index < wanted:
                picture = Image.fromarray(frame.to_ndarray(format="rgb24"))
                frames.append(np.asarray(picture.resize(size, Image.Resampling.BICUBIC)))
    if len(frames) < options.frames:
        raise SystemExit(
            f"--clip {options.clip}: {len(frames)} frames at --stride {options.stride}, fewer than"
            f" --frames {options.frames}"
        )
    return np.stack(frames)


def _tuned(image, frames, options):
    load = {"torch_dtype": torch.float32}
    vae = AutoencoderKL.from_pretrained(image / "vae", **load)
    words = CLIPTokenizer.from_pretrained(image / "tokenizer")(
        options.prompt, padding="max_length", max_length=77, truncation=True, return_tensors="pt"
    )
    with torch.no_grad():
        pixels = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1
        latents = vae.encode(pixels).latent_dist.mode() * vae.config.scaling_factor
        encoder = CLIPTextModel.from_pretrained(image / "text_encoder", **load)
        text = encoder(words.input_ids).last_hidden_state
    return tune(
        UNet2DConditionModel.from_pretrained(image / "unet", **load),
        latents.transpose(0, 1).unsqueeze(0),
        text,
        DDIMScheduler.from_pretrained(image / "scheduler"),
        Plan(options.name, steps=options.steps, rate=options.rate, seed=options.seed),
    )


if __name__ == "__main__":
    main()
