"""What a single file is, by its names of weights, if it is not what its flag takes."""

import re

UNET, CONTROL = "model.diffusion_model.", "control_model."
FOLDER = "Give its folder in diffusers' layout"
# Endings of files that are refused unread.
NO_SAFETENSORS = {
    **dict.fromkeys(
        (".ckpt", ".pt", ".pth", ".bin"),
        ("is a pickle, and reading one could run a program", "Get the model as .safetensors."),
    ),
    ".gguf": ("has quantised weights (GGUF)", "Get the model as .safetensors."),
}
GIVE = {UNET: "Give a checkpoint that has UNet, VAE and text encoder.", CONTROL: "Give a ControlNet."}
_FIRST_TWO = "Such are not exported: take Stable Diffusion 1 or 2."
# What a name of a weight tells of its file, and what to do if that is not what GIVE says.
_NEVER = (
    (
        r"conditioner\.embedders\.|.*label_emb\.",
        "is of Stable Diffusion XL, or of another model that takes more than a text",
        f"{FOLDER} by --xl.",
    ),
    (
        r".*\b(joint_blocks|double_blocks|double_layers|patchify_proj|clip_txt_mapper)\b",
        "is of another architecture than Stable Diffusion 1 and 2 (Stable Diffusion 3, Flux ...)",
        _FIRST_TWO,
    ),
    (r"lora_controlnet$", "is a Control-LoRA, which changes a UNet and is no ControlNet", None),
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
    (r"(first_stage_model\.|vae\.)?(encoder|decoder)\.(conv_in|mid)\b", "is a VAE alone", None),
    (r"(cond_stage_model\.|text_model\.|transformer\.resblocks\.)", "is a text encoder alone", None),
)


def misfit(shapes, wanted):
    """What and a hint if the file is not of the `wanted` kind, UNET or CONTROL, else None."""
    found = _first(_NEVER, shapes, wanted)
    if found or _has(shapes, wanted):
        return found
    if _has(shapes, UNET):
        return "is a checkpoint without a ControlNet", "Give it by --image."
    say = f", {min(shapes)} say" if shapes else ""
    return _first(_ALONE, shapes, wanted) or (f"has no weights that are known{say}", GIVE[wanted])


def _has(shapes, wanted):
    if wanted == CONTROL:
        return any(f"{prefix}input_hint_block.0.weight" in shapes for prefix in (CONTROL, ""))
    return any(name.startswith(UNET) for name in shapes)


def _first(marks, shapes, wanted):
    for mark, what, hint in marks:
        known = re.compile(mark)
        if any(known.match(name) for name in shapes):
            return what, hint or GIVE[wanted]
    return None
