"""What a card says of the generators that draw by controls."""

# The demo's thresholds.
CANNY = {"annotator": "canny", "low": 60, "high": 150}


def control_generators(controlnets, fused, adapters, windows, adapter_scale=None, parts=None):
    """Entries of `generators` for ControlNets, for combinations of them, for those by which the frames of a
    window are drawn together, and for T2I-Adapters, by name; a name is also that of its annotator.
    `adapter_scale`: the weight that suits these adapters, where it is not 1; `parts`: what ControlNets draw
    with where that is not the image model."""
    names = [(name,) for name in controlnets] + list(fused)
    own = {} if parts is None else {"folder": f"{parts['vae']}/", **parts}
    return {
        **{"+".join(each): _entry("controlnet", "controlnet", each, **own) for each in names},
        **{
            f"controlvideo-{name}": _entry(
                "controlnet", "controlvideo", (name,), method="controlvideo"
            )
            for name in windows
        },
        **{
            f"t2i-{name}": _entry("t2i-adapter", "t2iadapter", (name,), scale=adapter_scale)
            for name in adapters
        },
    }


def _entry(task, graph, names, scale=None, folder="", **own):
    suited = {} if scale is None else {"scale": scale}
    return {
        "task": task,
        **own,
        "unet": f"{folder}unet_{graph}-{'+'.join(names)}",
        "conditions": [
            {**(CANNY if name == "canny" else {"annotator": name}), **suited} for name in names
        ],
    }
