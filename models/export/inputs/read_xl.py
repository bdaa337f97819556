"""Reads Stable Diffusion XL, from a pipeline folder or from a single file."""

from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTokenizer

from ..single_file.kinds import XL
from ..single_file.part import FilePart, ends_in_noise, said_prediction_type
from ..single_file.xl_configs import PADDING, SCHEDULER
from ..xl import ENCODERS, XlSource
from . import fit
from .read_image import check_flags_of_files
from .weight_files import Unreadable

FLAG = "--xl "
MODELS = {"unet": UNet2DConditionModel, **ENCODERS, "vae": AutoencoderKL}
TOKENIZER = (
    "A single file has none: give by --xl-tokenizer the `tokenizer` folder of any download of Stable Diffusion XL, or"
    " of 1, which has the same (vocab.json and merges.txt; that of openai/clip-vit-large-patch14)."
)


def read_xl(folders, options):
    """The XlSource that `options` name, or None if it is not sound, or there is none; and its UNet, or None if that
    is not."""
    at, problems = options.xl, folders.problems
    if at is None or not at.is_file():
        given = {
            "--xl-tokenizer": options.xl_tokenizer,
            "--xl-prediction-type": options.xl_prediction_type,
        }
        check_flags_of_files(problems, "--xl", given, at)
    if at is None or not (at.is_file() or folders.exists(f"{FLAG}{at}", at)):
        return None, None
    before = len(problems.lines)
    if at.is_file():
        places = {name: FilePart(at, kind, XL) for name, kind in MODELS.items()}
    else:
        places = {name: at / name for name in MODELS}
    unet, *texts, vae = (folders.model(FLAG, places[name], kind) for name, kind in MODELS.items())
    read = _beside_in_file if at.is_file() else _beside_in_folder
    beside, counts = read(folders, options)
    for text, count in zip(texts, counts):
        if text and count:
            fit.fit_tokens(problems, text, count)
    if unet and not fit.fit_xl(problems, unet, texts):
        unet = None  # what fits another model says nothing of it
    fit.fit_vae(problems, vae)
    if len(problems.lines) > before:
        return None, unet
    return XlSource(**places, **beside), unet


def _beside_in_folder(folders, options):
    """What an XlSource has beside models, and how many tokens each text encoder's tokenizer has, or None."""
    at = options.xl
    counts = [folders.tokenizer(FLAG, at / name) for name in ("tokenizer", "tokenizer_2")]
    folders.scheduler(FLAG, at / "scheduler")
    padding = counts[1] and CLIPTokenizer.from_pretrained(at / "tokenizer_2").pad_token_id
    return {"tokenizer": at / "tokenizer", "scheduler": at / "scheduler", "padding": padding}, counts


def _beside_in_file(folders, options):
    """The same of a file, which has nothing beside models."""
    folder, problems = options.xl_tokenizer, folders.problems
    count = None
    if folder is None:
        problems.add("--xl-tokenizer", "is missing", TOKENIZER)
    else:
        count = folders.tokenizer("--xl-tokenizer ", folder)
    if count:
        tokens = CLIPTokenizer.from_pretrained(folder)
        if tokens.pad_token_id != tokens.eos_token_id:
            what = f"fills texts up with {tokens.pad_token}, as the second text encoder has them, not with their end"
            hint = "Give that of the first: `tokenizer`, not `tokenizer_2`, or Stable Diffusion 1's."
            problems.add(f"--xl-tokenizer {folder}", what, hint)
    beside = {"tokenizer": folder, "scheduler": _scheduler(options), "padding": PADDING}
    # Both encoders have one vocabulary.
    return beside, (count, count)


def _scheduler(options):
    """The config of a single file's scheduler, or None."""
    predicts = options.xl_prediction_type
    try:
        predicts = predicts or said_prediction_type(options.xl) or "epsilon"
        # Noise alone cannot be told from a picture by the noise in it.
        is_zero = predicts == "v_prediction" and ends_in_noise(options.xl)
    except Unreadable:
        return None  # its models tell
    return {**SCHEDULER, "prediction_type": predicts, "rescale_betas_zero_snr": is_zero}
