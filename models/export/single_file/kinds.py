"""What a single file is, by its names of weights, if it is not what its flag takes."""

import re

# How names begin; and what flags take: an image model, a ControlNet, Stable Diffusion XL (by its text encoders).
UNET, CONTROL, XL = "model.diffusion_model.", "control_model.", "conditioner.embedders."
# How the first convolution of a UNet is called.
FIRST = f"{UNET}input_blocks.0.0.weight"
FOLDER = "Give its folder in diffusers' layout"
# Endings of files that are refused unread.
NO_SAFETENSORS = {
    **dict.fromkeys(
        (".ckpt", ".pt", ".pth", ".bin"),
        ("is a pickle, and reading one could run a program", "Get the model as .safetensors."),
    ),
    ".gguf": ("has quantised weights (GGUF)", "Get the model as .safetensors."),
}
GIVE = {
    UNET: "Give a checkpoint that has UNet, VAE and text encoder.",
    CONTROL: "Give a ControlNet.",
    XL: "Give a checkpoint that has UNet, VAE and both text encoders.",
}
# Of whole checkpoints that no flag takes.
INSTEAD = {
    **dict.fromkeys((UNET, CONTROL), "Such are not exported: take Stable Diffusion 1 or 2."),
    XL: "Such are not exported: take Stable Diffusion XL's base model, or one made of it.",
}
# What a name of a weight tells of its file, and what to do: one hint, or one for each thing that is wanted.
_NEVER = (
    (
        r".*\b(joint_blocks|double_blocks|double_layers|patchify_proj|clip_txt_mapper)\b",
        "is of another architecture than Stable Diffusion 1 and 2 (Stable Diffusion 3, Flux ...)",
        INSTEAD,
    ),
    (r".*\.time_(stack|mixer)\.", "is of Stable Video Diffusion, which animates a picture", INSTEAD),
    (
        r"edm_(mean|std|vpred\.sigma_(max|min))$",
        "counts noise as EDM does (Playground 2.5, CosXL), for which there is no sampler",
        INSTEAD,
    ),
    (
        r"conditioner\.embedders\.0\.model\.",
        "is Stable Diffusion XL's refiner, which goes over what the base model has drawn",
        "Give the base model by --xl.",
    ),
    (r"lora_controlnet$", "is a Control-LoRA, which changes a UNet and is no ControlNet", GIVE),
)
_ALONE = (
    (
        r".*(\blora_|\.lora\.|_lora\.|\.lora_|\bhada_w|\blokr_w)",
        "is a LoRA, which changes a model and is none",
        "Merge it into a checkpoint first, and give that.",
    ),
    (r".*motion_modules\.", "is a motion module", f"{FOLDER} by --motion-adapter."),
    (r"(adapter\.)?body\.\d", "is a T2I-Adapter", f"{FOLDER} by --t2i-adapter."),
    (r"(image_proj|ip_adapter)\b", "is an IP-Adapter, which is not exported", "Leave it away."),
    (
        r"(emb_params|string_to_param|clip_[lg]|<.*>)$",
        "is a textual inversion embedding, words for a model and none",
        "Leave it away.",
    ),
    (
        r"(down_blocks|mid_block|up_blocks|conv_in|(en|de)coder\.(down_blocks|up_blocks|conv_norm_out))\.",
        "has diffusers' names of weights",
        "Give the folder that it was in, with the config.json of each model.",
    ),
    (r"(control_model\.|input_hint_block\.)", "is a ControlNet", "Give it by --controlnet."),
    (r"(first_stage_model\.|vae\.)?(encoder|decoder)\.(conv_in|mid)\b", "is a VAE alone", GIVE),
    (r"(cond_stage_model\.|text_model\.|transformer\.resblocks\.)", "is a text encoder alone", GIVE),
)


def misfit(stored, wanted):
    """What and a hint if the file is not of the `wanted` kind, UNET, CONTROL or XL, else None. `stored`: name to
    Stored."""
    found = _first(_NEVER, stored, wanted)
    if found:
        return found
    if any(name.startswith(XL) or "label_emb." in name for name in stored):
        if wanted != XL:
            return _xl_elsewhere(stored)
        if _has(stored, XL) or _has(stored, UNET):
            return None
    elif wanted != XL and _has(stored, wanted):
        return None
    if _has(stored, UNET):
        what = "is a checkpoint of Stable Diffusion 1 or 2" if wanted == XL else "is a checkpoint without a ControlNet"
        return what, "Give it by --image."
    say = f", {min(stored)} say" if stored else ""
    return _first(_ALONE, stored, wanted) or (f"has no weights that are known{say}", GIVE[wanted])


def _xl_elsewhere(stored):
    """What a file that takes more than a text is, where that is not wanted."""
    if _has(stored, CONTROL):
        return "is a ControlNet of Stable Diffusion XL", f"{FOLDER} by --controlnet."
    if not any(name.startswith(XL) for name in stored):
        hint = "Of such only Stable Diffusion XL is exported, by --xl, if the file has its text encoders too."
        return "takes more than a text", hint
    channels = stored[FIRST].shape[1] if FIRST in stored else 4
    if channels == 4:
        return "is of Stable Diffusion XL, which draws beside an image model", "Give it by --xl."
    what = f"is of Stable Diffusion XL with {channels} channels, not 4"
    return what, "Such are not exported: take the like of Stable Diffusion 1 or 2."


def _has(stored, wanted):
    if wanted == CONTROL:
        return any(f"{prefix}input_hint_block.0.weight" in stored for prefix in (CONTROL, ""))
    return any(name.startswith(wanted) for name in stored)


def _first(marks, stored, wanted):
    for mark, what, hint in marks:
        known = re.compile(mark)
        if any(known.match(name) for name in stored):
            return what, hint if isinstance(hint, str) else hint[wanted]
    return None
