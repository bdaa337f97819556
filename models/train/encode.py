"""Draws the training clips once and keeps their latents, outlines and captions in one file."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import torch
from diffusers import AutoencoderKL

from parity.canny import canny

from . import data
from .loop import train_dir

CLIPS = 4000
SHARD = 100  # clips a task of the pool


def train(plan):
    """Writes latents.pt; `plan` only fits the stage into the list of stages."""
    torch.set_num_threads(1)
    starts = range(0, CLIPS, SHARD)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        shards = []
        for shard in pool.map(partial(_encode, str(train_dir() / "vae")), starts):
            shards.append(shard)
            print(f"{plan.name}: {len(shards) * SHARD} of {CLIPS} clips", flush=True)
    torch.save(
        dict(
            latents=torch.cat([s["latents"] for s in shards]),
            canny=np.concatenate([s["canny"] for s in shards]),
            edges=np.concatenate([s["edges"] for s in shards]),
            captions=[c for s in shards for c in s["captions"]],
        ),
        train_dir() / "latents.pt",
    )


@torch.no_grad()
def _encode(vae_folder, start):
    """Clips start..start+SHARD: scaled latents float16 (N, F, 4, 16, 16), outlines as packed bits
    (N, F, 2048) by canny and by the true mask, captions."""
    torch.set_num_threads(1)
    vae = AutoencoderKL.from_pretrained(vae_folder).eval()
    shard = dict(latents=[], canny=[], edges=[], captions=[])
    for index in range(start, start + SHARD):
        clip = data.draw("train", index)
        pixels = torch.from_numpy(clip.frames).permute(0, 3, 1, 2).float() / 127.5 - 1
        latents = vae.encode(pixels).latent_dist.mode() * vae.config.scaling_factor
        outlines = np.stack([canny(frame) > 0 for frame in clip.frames])
        shard["latents"].append(latents.half())
        shard["canny"].append(np.packbits(outlines.reshape(len(outlines), -1), axis=1))
        shard["edges"].append(np.packbits(clip.edges.reshape(len(outlines), -1), axis=1))
        shard["captions"].append(clip.spec.caption)
    return dict(
        latents=torch.stack(shard["latents"]),
        canny=np.stack(shard["canny"]),
        edges=np.stack(shard["edges"]),
        captions=shard["captions"],
    )
