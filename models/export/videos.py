"""Video models of a set: which kind a user's folder is of, and how each kind is written.

Whole models (UNet3DConditionModel, VidRD) get a folder of their own, `video/NAME`. Those that are
layers over the set's image UNet (AnimateDiff's adapter, VidRD's layers alone, what Tune-A-Video tunes)
are written as `image/motion-NAME`, their graphs over both weights as `image/unet_motion-NAME.onnx`.
"""

import json
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import diffusers
import torch
from accelerate import init_empty_weights
from diffusers import MotionAdapter, UNet2DConditionModel, UNet3DConditionModel
from transformers import CLIPTextModel

from video import tune_a_video, vidrd
from video.animatediff import AnimateDiffUnet

from . import graphs
from .files import add_to_config, copy, load, store, write_json
from .graphs import WEIGHTS
from .unmapped import fill, hollow, skeleton, weights_in


@dataclass(frozen=True)
class VideoSource:
    """Folders of a whole video model. It has no VAE: BIVDiff decodes with the image model's."""

    text_encoder: Path
    tokenizer: Path
    unet: Path
    scheduler: Path | None  # how it was trained, to compare with the image model; not sampled with
    window: int  # frames of one pass, as trained
    variant: str | None = None  # of the files that are read, where a folder has such
    checkpoint: Path | None = None  # VidRD's, whose weights replace those of the folders


@dataclass(frozen=True)
class TemporalSource:
    """A folder of layers: a motion adapter, VidRD's, or Tune-A-Video's."""

    layers: Path
    window: int
    defaults: dict | None = None  # of the card, where they are not the set's
    variant: str | None = None


# Frames that the published models of each kind were trained on: cerspense/zeroscope_v2_576w, AnimateDiff's
# motion modules, VidRD's own settings.
ZEROSCOPE_WINDOW, ADAPTER_WINDOW, VIDRD_WINDOW = 24, 16, 8


def read_folder(folder, window, variant=None):
    """The source that a user's folder is, or None if it is none that is known. `window`: None for that which
    its kind was trained on."""
    if (folder / "config.json").is_file():
        return TemporalSource(folder, window or _layers_window(folder), variant=variant)
    checkpoints = sorted(folder.glob("*.pth"))
    bases = [base.parent for base in folder.glob("*/unet")]
    if len(checkpoints) == 1 and len(bases) == 1:
        return _whole(bases[0], window or VIDRD_WINDOW, variant, checkpoints[0])
    if (folder / "unet" / "config.json").is_file():
        is_vidrd = _told(folder / "unet").get("add_temp_conv")
        return _whole(folder, window or (VIDRD_WINDOW if is_vidrd else ZEROSCOPE_WINDOW), variant)
    return None


def _layers_window(folder):
    config = _told(folder)
    if not is_adapter(config):
        return VIDRD_WINDOW
    most = config.get("motion_max_seq_length")
    return min(ADAPTER_WINDOW, most) if isinstance(most, int) else ADAPTER_WINDOW


def _told(folder):
    """What its config says; nothing if it is broken, which is told when the model is read."""
    try:
        config = _config(folder)
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def card_entry(name, source):
    """What the card says of it."""
    if isinstance(source, VideoSource):
        return f"video/{name}"
    entry = {"unet": f"unet_motion-{name}", "temporal": f"motion-{name}"}
    return {**entry, "defaults": source.defaults} if source.defaults else entry


def write_video(name, source, out, dtype):
    """Writes it into the set `out`, whose image model is there already."""
    if isinstance(source, VideoSource):
        _write_whole(source, out / "video" / name, dtype)
    else:
        _write_temporal(name, source, out / "image", dtype)


def load_video_unet(folder, name):
    """The torch model of a set's video UNet, in float32."""
    model, files = _video_skeleton(folder, name)
    # The image UNet's first, of which some are replaced.
    fill(_inner(model), weights_in(*reversed(files)))
    return model.eval()


def hollow_video_unet(folder, name):
    """The same to write a graph from."""
    return hollow(_video_skeleton(folder, name)[0])


def _video_skeleton(folder, name):
    """The model without values, and the files that have them, as in temporal_graph."""
    said = json.loads((folder / "card.json").read_text())["videos"][name]
    if "temporal" in said:
        image, layers = folder / "image", said["temporal"]
        return _temporal_skeleton(image / "unet", image / layers), _temporal_files(image, layers)
    unet = folder / (said if isinstance(said, str) else said["folder"]) / "unet"
    return _whole_skeleton(unet), (unet / WEIGHTS,)


def _whole_skeleton(unet):
    if _config(unet).get("add_temp_conv"):
        return _vidrd_skeleton(unet)
    return skeleton(UNet3DConditionModel, unet)


def _vidrd_skeleton(unet):
    with init_empty_weights():
        return vidrd.model_of(_config(unet))


def _temporal_skeleton(image_folder, layers):
    """An image UNet with temporal layers."""
    image_unet = skeleton(UNet2DConditionModel, image_folder)
    if is_adapter(_config(layers)):
        return _animatediff_skeleton(image_unet, skeleton(MotionAdapter, layers))
    with init_empty_weights():
        if _is_tuned(_config(layers)):
            return tune_a_video.TuneAVideoUnet(image_unet)
        return vidrd.VidrdUnet(image_unet)


def _animatediff_skeleton(*parts):
    # diffusers moves everything to where the image UNet is, also what is no parameter and has to have values. It
    # copies parameters into the new model, which has no room for them, as torch then warns.
    parts = [hollow(part) for part in parts]
    with init_empty_weights(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return AnimateDiffUnet(*parts)


def _inner(model):
    """That of whose weights the names are."""
    return model.unet if isinstance(model, graphs.OVER_ANOTHER) else model


def is_adapter(config):
    """Whether a config of temporal layers is a motion adapter's."""
    return config.get("_class_name") == "MotionAdapter"


def _is_tuned(config):
    return config.get("_class_name") == tune_a_video.CLASS


def _write_temporal(name, source, image, dtype):
    out = image / f"motion-{name}"
    if is_adapter(_config(source.layers)):
        store(MotionAdapter, source.layers, out, dtype, source.variant)
    else:
        vidrd.copy_layers(source.layers, out, dtype)
    add_to_config(out, window=source.window, rowwise_temporal_convs=True)
    model = hollow(_temporal_skeleton(image / "unet", out))
    graphs.write_video_unet(model, *temporal_graph(image, name))


def temporal_graph(image, name):
    """Files that store the weights of the temporal layers `name` and of what they lie over, and the graph's."""
    return _temporal_files(image, f"motion-{name}"), image / f"unet_motion-{name}.onnx"


def _temporal_files(image, layers):
    # Those that were tuned go before the image UNet's of the same name.
    return image / layers / WEIGHTS, image / "unet" / WEIGHTS


def _write_whole(source, folder, dtype):
    unet, text_encoder = _store_unet(source, folder / "unet", dtype)
    with tempfile.TemporaryDirectory() as scratch:
        at, variant = source.text_encoder, source.variant
        if text_encoder is not None:
            at, variant = Path(scratch), None
            text_encoder.save_pretrained(at)
        text_encoder = store(CLIPTextModel, at, folder / "text_encoder", dtype, variant)
    copy(source.tokenizer, folder / "tokenizer")
    if source.scheduler is not None:
        copy(source.scheduler, folder / "scheduler")
    write_json(folder / "model_index.json", _index(source.scheduler is not None))
    graphs.write_text_encoder(text_encoder, folder / "text_encoder")
    graphs.write_video_unet(unet, folder / "unet" / WEIGHTS, folder / "unet" / "model.onnx")
    add_to_config(folder / "unet", window=source.window, rowwise_temporal_convs=True)


def _store_unet(source, out, dtype):
    """What was stored, and the text encoder that came with it, maybe none."""
    if source.checkpoint is None and not _config(source.unet).get("add_temp_conv"):
        return store(UNet3DConditionModel, source.unet, out, dtype, source.variant), None
    text_encoder = None
    model = _vidrd_skeleton(source.unet)
    if source.checkpoint is None:
        fill(model, weights_in(source.unet / WEIGHTS), dtype)
    else:
        unet, words = vidrd.read_published(source.checkpoint)
        fill(model, unet.items(), dtype)
        del unet
        if words:
            text_encoder = load(CLIPTextModel, source.text_encoder, torch.float32, source.variant)
            _load_published_words(text_encoder, words)
    vidrd.save(model, out)
    return hollow(_whole_skeleton(out)), text_encoder


def _load_published_words(text_encoder, words):
    """Into a text encoder whose names may have lost `text_model.` since."""
    known = text_encoder.state_dict()
    plain = {name.removeprefix("text_model."): weight for name, weight in words.items()}
    text_encoder.load_state_dict(
        {name: plain[name.removeprefix("text_model.")].to(weight) for name, weight in known.items()}
    )


def _whole(folder, window, variant, checkpoint=None):
    scheduler = folder / "scheduler"
    return VideoSource(
        text_encoder=folder / "text_encoder",
        tokenizer=folder / "tokenizer",
        unet=folder / "unet",
        scheduler=scheduler if scheduler.is_dir() else None,
        window=window,
        variant=variant,
        checkpoint=checkpoint,
    )


def _config(folder):
    return json.loads((folder / "config.json").read_text())


def _index(has_scheduler):
    return {
        "_class_name": "TextToVideoSDPipeline",
        "_diffusers_version": diffusers.__version__,
        "scheduler": ["diffusers", "DDIMScheduler"] if has_scheduler else [None, None],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet3DConditionModel"],
    }
