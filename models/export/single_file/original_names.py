"""Names that the original code has for weights of diffusers' and transformers' models, to rehearse with.

Written from the original modules (CompVis/stable-diffusion, ldm/modules/diffusionmodules/openaimodel.py and
model.py; lllyasviel/ControlNet, cldm.py; Stability-AI/generative-models, sgm/modules; OpenCLIP's transformer), as
the way back of what part.py does.
"""

import torch

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "controlnet_mid_block": "middle_block_out.0",
    "controlnet_cond_embedding.conv_in": "input_hint_block.0",
    "controlnet_cond_embedding.conv_out": "input_hint_block.14",
}
OPEN_CLIP = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}


def of_unet(weights, layers):
    """Of UNet2DConditionModel or ControlNetModel, with that many layers in a block; no prefix."""
    return {_in_unet(name, layers): weight for name, weight in weights.items()}


def _in_unet(name, layers):
    stem, kind = name.rsplit(".", 1)
    if stem in UNET_ENDS:
        return f"{UNET_ENDS[stem]}.{kind}"
    where, number, *rest = name.split(".")
    if where == "controlnet_down_blocks":
        return f"zero_convs.{number}.0.{kind}"
    if where == "controlnet_cond_embedding":
        return f"input_hint_block.{2 * (int(rest[0]) + 1)}.{kind}"
    if where == "mid_block":
        place = {("resnets", "0"): 0, ("attentions", "0"): 1, ("resnets", "1"): 2}[number, rest[0]]
        return f"middle_block.{place}.{_in_layer(number, rest[1:])}"
    what, index, *inner = rest
    first = int(number) * (layers + 1)
    if where == "down_blocks":
        if what == "downsamplers":
            return f"input_blocks.{first + layers + 1}.0.op.{kind}"
        return f"input_blocks.{first + int(index) + 1}.{_place(what)}.{_in_layer(what, inner)}"
    if what == "upsamplers":
        # After the attention of the last layer, if that has one: as many are above it as below.
        return f"output_blocks.{first + layers}.{{after}}.conv.{kind}"
    return f"output_blocks.{first + int(index)}.{_place(what)}.{_in_layer(what, inner)}"


def _place(what):
    return {"resnets": 0, "attentions": 1}[what]


def _in_layer(what, inner):
    if what == "attentions":
        return ".".join(inner)
    return ".".join([RESNET[inner[0]], *inner[1:]])


def with_upsamplers(weights):
    """Numbers them: the block of a level without attention has its upsampler second, the others third."""
    numbered = {}
    for name, weight in weights.items():
        block = ".".join(name.split(".")[:2])
        after = 2 if f"{block}.1.norm.weight" in weights else 1
        numbered[name.replace("{after}", str(after))] = weight
    return numbered


def of_vae(weights, levels):
    """Of AutoencoderKL with that many levels; no prefix."""
    return dict(_in_vae(name, weight, levels) for name, weight in weights.items())


def _in_vae(name, weight, levels):
    name = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    half, where, *rest = name.split(".")
    if where == "mid_block" and rest[0] == "resnets":
        return f"{half}.mid.block_{int(rest[1]) + 1}.{'.'.join(rest[2:])}", weight
    if where == "mid_block":
        *inner, kind = rest[2:]
        called = VAE_ATTENTION[".".join(inner)]
        # Its linear layers were convolutions over one pixel.
        is_linear = called != "norm" and kind == "weight"
        return f"{half}.mid.attn_1.{called}.{kind}", weight[:, :, None, None] if is_linear else weight
    if where not in ("down_blocks", "up_blocks"):
        return name, weight
    level, what, index, *inner = rest
    way = where.removesuffix("_blocks")
    # The original decoder counts its levels from the finest.
    level = int(level) if way == "down" else levels - 1 - int(level)
    between = f"block.{index}" if what == "resnets" else f"{way}sample"
    return f"{half}.{way}.{level}.{between}.{'.'.join(inner)}", weight


def of_clip(weights):
    """Of CLIPTextModel in the names that transformers published it under; no prefix. With the positions
    that files of before 2023 have."""
    named = {f"text_model.{name.removeprefix('text_model.')}": one for name, one in weights.items()}
    count = named["text_model.embeddings.position_embedding.weight"].shape[0]
    return {**named, "text_model.embeddings.position_ids": torch.arange(count).unsqueeze(0)}


def of_open_clip(weights, layers):
    """Of a CLIPTextModel of so many layers; no prefix. With the last layer and the projection that OpenCLIP has
    beyond it, in Stable Diffusion 2's files too."""
    named = _of_open_clip(weights, layers)
    width = named["ln_final.weight"].shape[0]
    named["text_projection"] = torch.randn(width, width)
    last = _open_clip_layer(_plain(weights), "encoder.layers.0.", f"transformer.resblocks.{layers}.")
    return named | {name: torch.randn_like(weight) for name, weight in last.items()}


def of_projecting_open_clip(weights, layers):
    """Of a CLIPTextModelWithProjection of so many layers, which are all that OpenCLIP has; no prefix."""
    # There a matrix by which states are multiplied from the left, here a linear layer.
    return _of_open_clip(weights, layers) | {"text_projection": weights["text_projection.weight"].T}


def _of_open_clip(weights, layers):
    plain = _plain(weights)
    named = {
        "token_embedding.weight": plain["embeddings.token_embedding.weight"],
        "positional_embedding": plain["embeddings.position_embedding.weight"],
        "ln_final.weight": plain["final_layer_norm.weight"],
        "ln_final.bias": plain["final_layer_norm.bias"],
        "logit_scale": torch.tensor(100.0),
    }
    for layer in range(layers):
        named |= _open_clip_layer(plain, f"encoder.layers.{layer}.", f"transformer.resblocks.{layer}.")
    return named


def _plain(weights):
    return {name.removeprefix("text_model."): weight for name, weight in weights.items()}


def _open_clip_layer(plain, before, after):
    named = {
        f"{after}{there}.{kind}": plain[f"{before}{here}.{kind}"]
        for here, there in OPEN_CLIP.items()
        for kind in ("weight", "bias")
    }
    for kind in ("weight", "bias"):
        three = [plain[f"{before}self_attn.{one}_proj.{kind}"] for one in "qkv"]
        named[f"{after}attn.in_proj_{kind}"] = torch.cat(three)
    return named
