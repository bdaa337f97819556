"""Reads a pipeline folder of Stable Diffusion XL."""

from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTokenizer

from ..xl import ENCODERS, XlSource
from . import fit


def read_xl(folders, at):
    """The XlSource of the folder `at`, or None if it is not sound; and its UNet, or None if that is not."""
    flag, problems = "--xl ", folders.problems
    if at.is_file():
        problems.add(f"{flag}{at}", "is a file", "Give the folder of a diffusers pipeline.")
        return None, None
    if not folders.exists(f"{flag}{at}", at):
        return None, None
    before = len(problems.lines)
    unet = folders.model(flag, at / "unet", UNet2DConditionModel)
    texts = [folders.model(flag, at / name, kind) for name, kind in ENCODERS.items()]
    vae = folders.model(flag, at / "vae", AutoencoderKL)
    tokens = [folders.tokenizer(flag, at / name) for name in ("tokenizer", "tokenizer_2")]
    folders.scheduler(flag, at / "scheduler")
    for text, count in zip(texts, tokens):
        if text and count:
            fit.fit_tokens(problems, text, count)
    if unet:
        fit.fit_xl(problems, unet, texts)
    fit.fit_vae(problems, vae)
    if not unet or unet.config.get("addition_embed_type") != "text_time":
        unet = None  # what fits another model says nothing of it
    if len(problems.lines) > before:
        return None, unet
    return XlSource(at, CLIPTokenizer.from_pretrained(at / "tokenizer_2").pad_token_id), unet
