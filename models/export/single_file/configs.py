"""Configs of the models in a single file, out of the shapes of their weights.

The original code keeps them in yaml files elsewhere. What shapes do not tell is the same in all that was
published of a family, and stands here: how wide heads are, activations, the VAE's scale.
`shapes` map names, without the model's prefix, to shapes. Raises KeyError with a name that is missing.
"""

# Of CLIP's text encoders and of the UNets that have linear projections (Stable Diffusion 2).
HEAD_WIDTH = 64
# Of the UNets that have not (Stable Diffusion 1), however wide.
HEADS = 8
SCHEDULER = {
    "_class_name": "PNDMScheduler",
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "trained_betas": None,
    "skip_prk_steps": True,
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "clip_sample": False,
}


def unet_config(shapes):
    """Of UNet2DConditionModel."""
    down, config = _down_blocks(shapes)
    up = [kind.replace("Down", "Up") for kind in reversed(down)]
    return {
        **config,
        "up_block_types": up,
        "out_channels": shapes["out.2.weight"][0],
        # As the pipelines of diffusers have it, which ask for it.
        "sample_size": 64,
    }


def controlnet_config(shapes):
    """Of ControlNetModel."""
    _, config = _down_blocks(shapes)
    # Convolutions are every other layer; every second one of them has the width of the next level.
    levels = [shapes[f"input_hint_block.{layer}.weight"][0] for layer in (0, 4, 8, 12)]
    return {
        **config,
        "conditioning_channels": shapes["input_hint_block.0.weight"][1],
        "conditioning_embedding_out_channels": levels,
    }


def _down_blocks(shapes):
    """The kinds of blocks, and the keys of a config that a UNet and a ControlNet have both."""
    starts = level_starts(shapes)
    layers = starts[1] - 2
    projections = [shapes.get(f"input_blocks.{start}.1.proj_in.weight") for start in starts]
    widths = [shapes[f"input_blocks.{start}.0.out_layers.3.weight"][0] for start in starts]
    text = "transformer_blocks.0.attn2.to_k.weight"
    attending = next((i for i, one in zip(starts, projections, strict=True) if one), 1)
    linear = len(shapes[f"input_blocks.{attending}.1.proj_in.weight"]) == 2
    down = ["CrossAttnDownBlock2D" if one else "DownBlock2D" for one in projections]
    return down, {
        "in_channels": shapes["input_blocks.0.0.weight"][1],
        "down_block_types": down,
        "block_out_channels": widths,
        "layers_per_block": layers,
        "cross_attention_dim": shapes[f"input_blocks.{attending}.1.{text}"][1],
        "use_linear_projection": linear,
        "attention_head_dim": [width // HEAD_WIDTH for width in widths] if linear else HEADS,
    }


def level_starts(shapes):
    """The number of the first input block of each level of a UNet or a ControlNet."""
    ends = sorted(_number(name, 1) for name in shapes if name.endswith(".0.op.weight"))
    if not ends:
        raise KeyError("input_blocks.3.0.op.weight")
    return [1] + [end + 1 for end in ends]


def vae_config(shapes):
    """Of AutoencoderKL."""
    levels = 1 + max(_number(name, 2) for name in shapes if name.startswith("encoder.down."))
    firsts = [shapes[f"encoder.down.{level}.block.0.conv2.weight"] for level in range(levels)]
    blocks = {name.split(".")[4] for name in shapes if name.startswith("encoder.down.0.block.")}
    return {
        "block_out_channels": [shape[0] for shape in firsts],
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "layers_per_block": len(blocks),
        "latent_channels": shapes["post_quant_conv.weight"][0],
        "scaling_factor": 0.18215,
        "sample_size": 512,
    }


def clip_config(shapes):
    """Of the CLIPTextConfig of Stable Diffusion 1, whose names are transformers', maybe without `text_model.`."""
    plain = {name.removeprefix("text_model."): shape for name, shape in shapes.items()}
    layers = 1 + max((_number(name, 2) for name in plain if name.startswith("encoder.layers.")), default=0)
    return _text_config(
        plain["embeddings.token_embedding.weight"],
        plain["embeddings.position_embedding.weight"],
        plain["encoder.layers.0.mlp.fc1.weight"],
        num_hidden_layers=layers,
        hidden_act="quick_gelu",
    )


def open_clip_config(shapes):
    """Of the CLIPTextConfig of Stable Diffusion 2, which takes what goes into OpenCLIP's last layer."""
    blocks = "transformer.resblocks."
    layers = max((_number(name, 2) for name in shapes if name.startswith(blocks)), default=0)
    return _text_config(
        shapes["token_embedding.weight"],
        shapes["positional_embedding"],
        shapes[f"{blocks}0.mlp.c_fc.weight"],
        num_hidden_layers=layers,
        hidden_act="gelu",
    )


def _text_config(tokens, positions, inner, **own):
    return {
        "architectures": ["CLIPTextModel"],
        "vocab_size": tokens[0],
        "hidden_size": tokens[1],
        "intermediate_size": inner[0],
        "num_attention_heads": max(1, tokens[1] // HEAD_WIDTH),
        "max_position_embeddings": positions[0],
        "layer_norm_eps": 1e-5,
        "projection_dim": tokens[1],
        # As in the configs that were published: transformers takes 2 for "the greatest id".
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 1,
        **own,
    }


def _number(name, place):
    return int(name.split(".")[place])
