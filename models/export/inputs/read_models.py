"""Reads what the flags of `python -m export models` name into a Source, if all of it is sound."""

import re
from pathlib import Path

from diffusers import MotionAdapter, T2IAdapter, UNet3DConditionModel
from google.protobuf.message import DecodeError
from transformers import CLIPTextModel

from video import vidrd

from .. import videos
from ..annotators import KINDS, weight_files_of
from ..layout import Source
from . import fit
from .model_folders import Folders, Model
from .problems import Problems, like
from .read_image import read_controlnet, read_image
from .read_xl import read_xl
from .weight_files import shapes_in

SIZE_MULTIPLE = 64  # of the card
NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
VIDEO_LAYOUTS = (
    "Give a motion adapter (config.json), a pipeline as ZeroScope's (unet/config.json), or VidRD's"
    " ModelT2V.pth beside one folder of Stable Diffusion 2.1."
)


def read_models(options):
    """The Source that the parsed `options` name. Raises BadInputs with all that is wrong."""
    problems = Problems()
    folders = Folders(problems, options.variant)
    _check_words(problems, options)
    named = {
        flag: _named(problems, flag, getattr(options, flag[2:].replace("-", "_")))
        for flag in ("--controlnet", "--t2i-adapter", "--annotator", "--video", "--motion-adapter")
    }
    adapters = named["--t2i-adapter"]
    image = read_image(folders, options)
    unet = image.unet
    further, drawing = read_xl(folders, options)
    if options.xl is None:
        drawing = unet
    elif not named["--controlnet"]:
        hint = "Give one for Stable Diffusion XL by --controlnet."
        problems.add(f"--xl {options.xl}", "ControlNets draw with it, and there is none", hint)
    controlnets = {
        name: read_controlnet(folders, name, at, drawing)
        for name, at in named["--controlnet"].items()
    }
    for name, folder in adapters.items():
        adapter = folders.model(f"--t2i-adapter {name}=", folder, T2IAdapter)
        if adapter and unet:
            fit.fit_adapter(problems, adapter, unet)
    sources = {}
    for flag in ("--video", "--motion-adapter"):
        for name, folder in named[flag].items():
            if name in sources:
                where = f"{flag} {name}={folder}"
                problems.add(where, f"{name} is a video model already", "Give each its own name.")
            sources[name] = _read_video(folders, f"{flag} {name}=", folder, options, unet)
    _check_annotators(problems, named["--annotator"])
    _check_variant(folders)
    source = Source(
        **image.places,
        controlnets=controlnets,
        fused=_fused(problems, options.fuse, controlnets),
        windows=tuple(controlnets) if options.xl is None else (),
        xl=further,
        adapters=adapters,
        annotators=named["--annotator"],
        videos=sources,
        variant=options.variant,
    )
    problems.end()
    return source


def _check_words(problems, options):
    size = re.fullmatch(r"(\d+)x(\d+)", options.size)
    if not size or any(int(side) % SIZE_MULTIPLE or not int(side) for side in size.groups()):
        what = f"is no width and height in multiples of {SIZE_MULTIPLE}"
        problems.add(f"--size {options.size}", what, "Give one as 512x512.")
    if options.window is not None and options.window < 1:
        problems.add(f"--window {options.window}", "is less than a frame", "Give 1 or more.")
    if not options.name.strip():
        problems.add("--name", "is empty", "Give the set's name.")
    out = options.out
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        problems.add(f"--out {out}", "is there already", "Give another, or delete it.")
    if not options.video and not options.motion_adapter:
        hint = "A set has a video model: give one of them."
        problems.add("--video, --motion-adapter", "are both missing", hint)


def _named(problems, flag, entries):
    """Name to path of all NAME=PATH that are sound."""
    found = {}
    for entry in entries:
        name, _, path = entry.partition("=")
        if not path or not NAME.fullmatch(name):
            hint = "NAME begins with a letter or digit; letters, digits and any of . _ - follow."
            problems.add(f"{flag} {entry}", "is not NAME=PATH", hint)
        elif name in found:
            problems.add(f"{flag} {entry}", f"{name} is given twice", "Give each its own name.")
        else:
            found[name] = Path(path)
    return found


def _read_video(folders, flag, folder, options, unet):
    """The source of a video model, or None if it is not sound."""
    problems = folders.problems
    if not folders.exists(f"{flag}{folder}", folder):
        return None
    source = videos.read_folder(folder, options.window, options.variant)
    if source is None:
        problems.add(f"{flag}{folder}", "is no video model that is known", VIDEO_LAYOUTS)
    elif isinstance(source, videos.TemporalSource):
        layers = _temporal(folders, flag, source)
        if layers:
            fit.fit_temporal(problems, layers, unet, source.window)
    else:
        tokens = folders.tokenizer(flag, source.tokenizer)
        text = folders.model(flag, source.text_encoder, CLIPTextModel)
        if text and tokens:
            fit.fit_tokens(problems, text, tokens)
        model = _whole(folders, flag, source)
        if model and text:
            fit.fit_text(problems, model, text)
    return source


def _temporal(folders, flag, source):
    """The Model of temporal layers, or None."""
    where = f"{flag}{source.layers}"
    config = folders.config(where, source.layers / "config.json")
    if not config or not config.get("add_temp_conv"):
        return config and folders.model(flag, source.layers, MotionAdapter)
    shapes = folders.read(where, lambda: shapes_in([source.layers / vidrd.WEIGHTS]))
    return shapes and Model(where, config)


def _whole(folders, flag, source):
    """The Model of a video UNet, or None."""
    where = f"{flag}{source.checkpoint or source.unet}"
    config = folders.config(where, source.unet / "config.json")
    if not config or (not source.checkpoint and not config.get("add_temp_conv")):
        return config and folders.model(flag, source.unet, UNet3DConditionModel)
    file = source.checkpoint or source.unet / vidrd.WEIGHTS
    model = folders.plan(where, lambda: vidrd.model_of(config))
    stored = folders.read(where, lambda: shapes_in([file]))
    if model is None or stored is None:
        return None
    if source.checkpoint:
        own = (name for name in stored if name.startswith("unet."))
        stored = {name.removeprefix("unet."): stored[name] for name in own}
    expected = {name: tuple(one.shape) for name, one in model.state_dict().items()}
    return Model(where, dict(model.config)) if folders.weights(where, expected, stored) else None


def _check_annotators(problems, paths):
    for kind, path in paths.items():
        where = f"--annotator {kind}={path}"
        if kind not in KINDS:
            problems.add(where, f"{kind} is no kind of them", f"Give {' or '.join(KINDS)}.")
        elif path.suffix != ".onnx" or not path.is_file():
            what = "is no ONNX file" if path.exists() else "there is no such file"
            problems.add(where, what, "Give the .onnx file." if path.exists() else like(path))
        else:
            _check_graph(problems, where, path)


def _check_graph(problems, where, path):
    try:
        files = weight_files_of(path)
    except DecodeError:
        problems.add(where, "is no ONNX file", "It was cut off: copy it again.")
        return
    for file in files:
        if not file.is_file():
            problems.add(where, f"its weights {file} are missing", "Copy them there.")
        elif not file.resolve().is_relative_to(path.parent.resolve()):
            problems.add(where, f"its weights {file} lie outside its folder", "Save them beside it.")


def _check_variant(folders):
    """No folder having it, a variant is a typing error; some may well lack it."""
    wanted = folders.variant
    if wanted and not folders.has_variant and not folders.problems.lines:
        found = " and ".join(sorted(folders.variants))
        hint = f"There is {found}." if found else "Leave the flag away."
        folders.problems.add(f"--variant {wanted}", "no folder has weights of it", hint)


def _fused(problems, entries, controlnets):
    """Tuples of names of the ControlNets that draw together."""
    for entry in entries:
        names = entry.split("+")
        if not set(names) <= set(controlnets) or len(names) < 2 or len(set(names)) < len(names):
            known = ", ".join(controlnets) or "none"
            hint = f"Give two or more different names of --controlnet, joined by '+': {known}."
            problems.add(f"--fuse {entry}", "names no ControlNets that can be fused", hint)
    return tuple(tuple(entry.split("+")) for entry in entries)
