"""Reads the image model, and the UNets and ControlNets for it, from folders or from single files."""

from dataclasses import dataclass

from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from transformers import CLIPTextModel

from ..single_file.configs import SCHEDULER
from ..single_file.kinds import CONTROL, UNET
from ..single_file.part import FilePart, said_prediction_type
from . import fit
from .weight_files import Unreadable

MODELS = {"text_encoder": CLIPTextModel, "unet": UNet2DConditionModel, "vae": AutoencoderKL}
TOKENIZERS = (
    "A single file has none: give by --tokenizer the `tokenizer` folder of any download of the same family"
    " (vocab.json and merges.txt; Stable Diffusion 1 has that of openai/clip-vit-large-patch14)."
)
PREDICTIONS = ("epsilon", "v_prediction")


@dataclass(frozen=True)
class Image:
    """Places of the image model's parts, and its UNet if that is sound."""

    places: dict  # fields of a Source
    unet: object


def read_image(folders, options):
    """The Image that `options` name. Adds what is wrong to the problems of `folders`."""
    at = options.image
    places = {part: place(at, part, kind) for part, kind in MODELS.items()}
    is_file = at.is_file()
    if is_file:
        places |= {"tokenizer": options.tokenizer, "scheduler": _scheduler(folders, options)}
    else:
        given = {"--tokenizer": options.tokenizer, "--prediction-type": options.prediction_type}
        check_flags_of_files(folders.problems, "--image", given, at)
        places |= {part: at / part for part in ("tokenizer", "scheduler")}
    unet = text = None
    if is_file or folders.exists(f"--image {at}", at):
        unet = folders.model("--image ", places["unet"], UNet2DConditionModel)
        text = folders.model("--image ", places["text_encoder"], CLIPTextModel)
        vae = folders.model("--image ", places["vae"], AutoencoderKL)
        tokens = _tokens(folders, options, places["tokenizer"])
        if not is_file:
            folders.scheduler("--image ", places["scheduler"])
        fit.fit_image(folders.problems, unet, text, tokens, vae)
    for flag, other in (("inpaint", options.inpaint), ("instruct", options.instruct)):
        places[flag] = other and _read_other(folders, f"--{flag}", other, text)
    return Image(places, unet)


def read_controlnet(folders, name, at, unet):
    """The place of a ControlNet for the image UNet, which may be None."""
    found = place(at, "", ControlNetModel)
    net = folders.model(f"--controlnet {name}=", found, ControlNetModel)
    if net and unet:
        fit.fit_controlnet(folders.problems, net, unet)
    return found


def place(at, part, kind):
    """Where a model of class `kind` lies: in the folder `part` of `at`, or inside `at`, if that is a file."""
    if not at.is_file():
        return at / part
    return FilePart(at, kind, CONTROL if kind is ControlNetModel else UNET)


def _read_other(folders, flag, at, text):
    """The place of an image UNet that sees more than noise."""
    found = place(at, "unet", UNet2DConditionModel)
    if at.is_file() or folders.exists(f"{flag} {at}", at):
        unet = folders.model(f"{flag} ", found, UNet2DConditionModel)
        if unet:
            fit.fit_unet(folders.problems, unet, text, flag)
    return found


def _tokens(folders, options, tokenizer):
    """How many the tokenizer has, or None."""
    if not options.image.is_file():
        return folders.tokenizer("--image ", tokenizer)
    if tokenizer is None:
        folders.problems.add("--tokenizer", "is missing", TOKENIZERS)
        return None
    return folders.tokenizer("--tokenizer ", tokenizer)


def check_flags_of_files(problems, whose, given, folder):
    """`given`: flags and values that tell what a single file does not, where `whose` flag named a `folder`, or None."""
    for flag, value in given.items():
        if value is not None:
            hint = f"The folder of {whose} has its own: leave the flag away."
            if folder is None:
                hint = f"There is no {whose}: leave the flag away."
            problems.add(f"{flag} {value}", f"is for an {whose} that is a single file", hint)


def _scheduler(folders, options):
    """The config of a single file's scheduler, of which the file has nothing, or None."""
    predicts = options.prediction_type
    try:
        is_second = FilePart(options.image, CLIPTextModel).is_open_clip()
    except Unreadable:
        return None  # its models tell
    if predicts is None:
        predicts = said_prediction_type(options.image) or (None if is_second else "epsilon")
    if predicts is None:
        what = "is missing: models of Stable Diffusion 2 have one or the other, and the file does not say"
        hint = "Give v_prediction for one of 768 pixels (768-v), epsilon for one of 512 (base)."
        folders.problems.add("--prediction-type", what, hint)
    return {**SCHEDULER, "prediction_type": predicts}
