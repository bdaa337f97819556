"""Configs of the models in a single file of Stable Diffusion XL, out of the shapes of their weights; as in configs.py.

Here, too, stands what shapes do not tell and all that was published has in common.
"""

from ..wrappers import XL_SIZES
from . import configs

# Of the embedding of each size in pixels, where the second text encoder, by which the shapes tell it, is not there.
SIZE_WIDTH = 256
# What OpenCLIP's tokenizer fills texts up with, and so the second text encoder was trained with: `!` in the vocabulary.
PADDING = 0
SCHEDULER = {
    "_class_name": "EulerDiscreteScheduler",
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "trained_betas": None,
    "interpolation_type": "linear",
    "timestep_spacing": "leading",
    "steps_offset": 1,
    "use_karras_sigmas": False,
    "clip_sample": False,
}


def unet_config(shapes, whole):
    """Of UNet2DConditionModel. `whole`: the width of the embedding of a whole text, or None if nothing tells it."""
    missing = [name for name in _ADDED if name not in shapes]
    if missing:
        raise KeyError(missing[0])
    added = shapes[_ADDED[0]][1]
    return {
        **configs.unet_config(shapes),
        "transformer_layers_per_block": [_depth(shapes, start) for start in configs.level_starts(shapes)],
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": SIZE_WIDTH if whole is None else (added - whole) // XL_SIZES,
        "projection_class_embeddings_input_dim": added,
        "sample_size": 128,
    }


# What goes beside a text into the UNet.
_ADDED = [f"label_emb.0.{layer}.{kind}" for layer in (0, 2) for kind in ("weight", "bias")]


def _depth(shapes, block):
    """How many transformer blocks an input block's attention has; 1 where it has none, as in published configs."""
    start = f"input_blocks.{block}.1.transformer_blocks."
    return len({name.removeprefix(start).split(".")[0] for name in shapes if name.startswith(start)}) or 1


def vae_config(shapes):
    """Of AutoencoderKL."""
    return {
        **configs.vae_config(shapes),
        "scaling_factor": 0.13025,
        "sample_size": 1024,
        "force_upcast": True,
    }


def second_text_config(shapes):
    """Of the CLIPTextConfig of the second encoder: all of OpenCLIP's layers, and its projection of a whole text."""
    config = configs.open_clip_config(shapes)
    return {
        **config,
        "architectures": ["CLIPTextModelWithProjection"],
        "num_hidden_layers": config["num_hidden_layers"] + 1,
        "projection_dim": shapes["text_projection"][1],
    }
