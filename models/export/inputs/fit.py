"""Checks that models fit together: one takes what the other gives. Knows configs, not files."""

from ..wrappers import XL_SIZES

SAME = "Take one of the same family (Stable Diffusion 1.5, say)."
# What a UNet sees that has as many channels as these, and the flag for it.
CHANNELS = {4: ("noise alone", "--image"), 8: ("a picture to edit", "--instruct"), 9: ("a mask", "--inpaint")}
# Settings of UNets that take more than latents, a time and one text, as Stable Diffusion XL's do.
FURTHER_INPUTS = ("addition_embed_type", "class_embed_type", "encoder_hid_dim_type", "num_class_embeds")


def fit_image(problems, unet, text, tokens, vae):
    """The parts of the image model; each may be None, and `tokens` is a count."""
    if unet:
        fit_unet(problems, unet, text, "--image")
    if text and tokens:
        fit_tokens(problems, text, tokens)
    fit_vae(problems, vae)


def fit_vae(problems, vae):
    """A VAE, or None."""
    channels = vae and vae.config["latent_channels"]
    if vae and channels != 4:
        problems.add(vae.where, f"makes latents of {channels} channels, not 4", SAME)


def fit_tokens(problems, text, tokens):
    """A tokenizer of so many `tokens` for a text encoder."""
    known = text.config["vocab_size"]
    if tokens > known:
        what = f"knows {known} tokens, its tokenizer makes {tokens}"
        problems.add(text.where, what, "Copy both from one download.")


def fit_unet(problems, unet, text, flag):
    """An image UNet that was given by `flag`, for a text encoder that may be None."""
    channels = unet.config["in_channels"]
    sees, its_flag = CHANNELS.get(channels, (None, None))
    if its_flag != flag:
        wanted = next(count for count, (_, own) in CHANNELS.items() if own == flag)
        what = f"takes {channels} channels, not {wanted}"
        hint = f"It sees {sees}: give it by {its_flag}." if sees else "No flag takes such a UNet."
        problems.add(unet.where, what, hint)
    further = [key for key in FURTHER_INPUTS if unet.config.get(key) is not None]
    if further:
        what = f"takes more than a text ({further[0]} {unet.config[further[0]]})"
        hint = "Stable Diffusion 1 or 2 goes here; Stable Diffusion XL draws beside it: give that by --xl."
        problems.add(unet.where, what, hint)
    elif text:
        fit_text(problems, unet, text)


def fit_xl(problems, unet, texts):
    """The UNet of Stable Diffusion XL for its two text encoders, which may be None. Whether it is of that kind."""
    kind, channels = unet.config.get("addition_embed_type"), unet.config["in_channels"]
    if kind == "text_time" and channels != 4 and channels in CHANNELS:
        what = f"takes {channels} channels, not 4: it sees {CHANNELS[channels][0]}"
        problems.add(unet.where, what, "Take Stable Diffusion XL's base model, or one made of it.")
    elif kind != "text_time" or channels != 4:
        what = f"is of another kind (addition_embed_type {kind}, in_channels {channels}, not text_time and 4)"
        problems.add(unet.where, what, "Take Stable Diffusion XL's base model, or one made of it.")
    elif all(texts):
        widths = [text.config["hidden_size"] for text in texts]
        sizes = XL_SIZES * unet.config["addition_time_embed_dim"]
        given = {
            "cross_attention_dim": sum(widths),
            "projection_class_embeddings_input_dim": texts[1].config["projection_dim"] + sizes,
        }
        for key, value in given.items():
            if unet.config[key] != value:
                what = f"has {key} {unet.config[key]}, its text encoders make {value}"
                problems.add(unet.where, what, SAME)
    return kind == "text_time" and channels == 4


def fit_text(problems, unet, text):
    """A UNet, of images or of clips, for its text encoder."""
    wanted, given = unet.config["cross_attention_dim"], text.config["hidden_size"]
    if wanted != given:
        what = f"takes texts of width {wanted} (cross_attention_dim), its text encoder gives {given}"
        problems.add(unet.where, what, SAME)


def fit_controlnet(problems, net, unet):
    """A ControlNet's residuals go into the image UNet's blocks."""
    keys = (
        *("cross_attention_dim", "block_out_channels", "layers_per_block", "in_channels"),
        "addition_embed_type",
    )
    _fit_keys(problems, net, unet, {key: net.config.get(key) for key in keys})


def fit_adapter(problems, adapter, unet):
    """A T2I-Adapter's features go into the image UNet's levels."""
    if adapter.config.get("adapter_type") == "full_adapter_xl":
        hint = "Take one for Stable Diffusion 1 or 2."
        problems.add(adapter.where, "is an adapter for Stable Diffusion XL", hint)
        return
    widths = list(adapter.config.get("channels", ()))
    if adapter.config.get("adapter_type") == "light_adapter":
        widths += widths[-1:]
    _fit_keys(problems, adapter, unet, {"block_out_channels": widths})


def fit_temporal(problems, layers, unet, window):
    """Temporal layers over the image UNet, for `window` frames a pass."""
    config = layers.config
    count = config.get("motion_layers_per_block", config.get("layers_per_block"))
    given = {"block_out_channels": config.get("block_out_channels"), "layers_per_block": count}
    if config.get("conv_in_channels"):
        what = f"wants a picture beside noise (conv_in_channels {config['conv_in_channels']})"
        problems.add(layers.where, what, "Take an adapter that is of a text alone.")
    if unet:
        _fit_keys(problems, layers, unet, given)
    most = config.get("motion_max_seq_length")
    if most is not None and window > most:
        what = f"knows positions of {most} frames, fewer than --window {window}"
        problems.add(layers.where, what, f"Give --window {most} or less.")


def _fit_keys(problems, model, unet, given):
    """`given`: what the model has, by the key under which the image UNet has the same."""
    differ = [
        f"{key} {_plain(value)} (the image UNet {_plain(unet.config.get(key))})"
        for key, value in given.items()
        if _plain(value) != _plain(unet.config.get(key))
    ]
    if differ:
        problems.add(model.where, f"does not fit the image model: {', '.join(differ)}", SAME)


def _plain(value):
    return list(value) if isinstance(value, (list, tuple)) else value
