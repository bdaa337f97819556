"""`python -m export COMMAND`, installed `bivdiff-export COMMAND`: writes model sets that the render system runs.

demo      the small models, from the folder they were trained in, into models/demo
temporal  of these the temporal layers over the image UNet alone, and their logs
models    models of your own (Stable Diffusion 1.5, ControlNets, ZeroScope ...), from diffusers folders
graphs    writes the graphs of a set anew, from the weights in it
check     runs the graphs of a set in onnxruntime against torch
rehearse  writes small random models, laid out as downloads are, to try `models` on
"""

import argparse
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

import diffusers
import transformers
from safetensors import SafetensorError

from train.loop import train_dir

from . import check, demo, regraph, rehearse, rehearse_files, rehearse_full, videos, xl
from .annotators import card_entries
from .attention import plain_attention
from .half import half_precision
from .generators import control_generators
from .inputs.problems import BadInputs
from .inputs.read_image import PREDICTIONS
from .inputs.read_models import SIZE_MULTIPLE, read_models
from .int8 import int8_weights
from .layout import (
    DTYPES,
    INPAINT,
    INSTRUCT,
    PROMPT2PROMPT,
    write_model_set,
)
from .memory import peak_of
from .whole_folder import whole_folder

COMMAND = "bivdiff-export"  # as the installed package calls it
DEMO = Path(__file__).resolve().parents[1] / "demo"


def main():
    parser = argparse.ArgumentParser(
        prog=COMMAND if Path(sys.argv[0]).stem == COMMAND else "python -m export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    small = commands.add_parser("demo")
    small.add_argument("--random", action="store_true", help="untrained weights, for development")
    small.add_argument("--out", type=Path, default=DEMO)
    layers = commands.add_parser("temporal")
    layers.add_argument("--out", type=Path, default=DEMO)
    own = commands.add_parser("models")
    own.add_argument("--image", type=Path, required=True, help="pipeline folder or .safetensors, say SD 1.5")
    own.add_argument("--tokenizer", type=Path, help="folder of it, for an --image that is a file")
    own.add_argument(
        "--prediction-type", choices=PREDICTIONS, help="for an --image that is a file of SD 2"
    )
    own.add_argument("--controlnet", action="append", default=[], metavar="NAME=PATH", help="folder or .safetensors")
    own.add_argument(
        "--xl",
        type=Path,
        help="pipeline folder or .safetensors of Stable Diffusion XL: ControlNets, which are of it then, draw with it",
    )
    own.add_argument(
        "--xl-tokenizer", type=Path, help="folder of its first tokenizer, for an --xl that is a file"
    )
    own.add_argument(
        "--xl-prediction-type",
        choices=PREDICTIONS,
        help="for an --xl that is a file; else what the file says, else epsilon",
    )
    own.add_argument(
        "--fuse",
        action="append",
        default=[],
        metavar="NAME+NAME",
        help="ControlNets that shall draw together",
    )
    own.add_argument("--t2i-adapter", action="append", default=[], metavar="NAME=FOLDER")
    own.add_argument(
        "--annotator",
        action="append",
        default=[],
        metavar="KIND=FILE",
        help="depth or pose, and the ONNX file that finds it",
    )
    own.add_argument("--inpaint", type=Path, help="inpainting pipeline folder or .safetensors, for its UNet")
    own.add_argument("--instruct", type=Path, help="the same of InstructPix2Pix")
    own.add_argument("--video", action="append", default=[], metavar="NAME=FOLDER")
    own.add_argument("--motion-adapter", action="append", default=[], metavar="NAME=FOLDER")
    own.add_argument(
        "--window", type=int, help="frames of one video pass; else those that models of its kind were trained on"
    )
    own.add_argument("--size", default="512x512", help="default width and height in pixels")
    own.add_argument(
        "--variant", help="of the files to read, fp16 say, where a folder has such; else the plain ones"
    )
    own.add_argument("--dtype", choices=DTYPES, default="fp16", help="of the stored weights")
    own.add_argument("--name", required=True)
    own.add_argument("--license", required=True, help="of the weights, SPDX or a name")
    own.add_argument("--out", type=Path, required=True)
    anew = commands.add_parser("graphs")
    anew.add_argument("folder", type=Path, nargs="?", default=DEMO)
    for command in (own, anew):
        command.add_argument(
            "--plain-attention",
            action="store_true",
            help="with ONNX's own operators alone: slower, larger in memory, for any provider",
        )
        command.add_argument(
            "--compute",
            choices=DTYPES,
            default="fp32",
            help="what graphs compute in; fp16 is for GPUs, and takes half the memory there",
        )
        command.add_argument(
            "--int8-weights",
            action="store_true",
            help="graphs over weights rounded to 8 bits: less disk and memory, slower, less exact",
        )
    checked = commands.add_parser("check")
    checked.add_argument("folder", type=Path, nargs="?", default=DEMO)
    tried = commands.add_parser("rehearse")
    tried.add_argument("out", type=Path)
    tried.add_argument(
        "--form",
        choices=(*rehearse.FORMS, "single", "full", "full-xl"),
        default="safetensors",
        help="of the weights' files; single: other models, each as one file and as a folder; full: some"
        " of the real size (7 GB); full-xl: Stable Diffusion XL of the real size (10 GB)",
    )
    options = parser.parse_args()
    if options.command in ("graphs", "check") and not (options.folder / "card.json").is_file():
        parser.error(f"{options.folder} is no model set: it has no card.json")
    verbs = {
        "demo": _demo,
        "temporal": _temporal,
        "models": _models,
        "graphs": _graphs,
        "check": _check,
        "rehearse": _rehearse,
    }
    verbs[options.command](options)


def _demo(options):
    source = demo.random_source() if options.random else demo.trained_source()
    write_model_set(source, demo.CARD, options.out, DTYPES["fp16"])
    if not options.random:
        demo.write_logs(options.out / "logs")


def _temporal(options):
    for name, source in demo.temporal_sources(train_dir()).items():
        videos.write_video(name, source, options.out, DTYPES["fp16"])
    demo.write_logs(options.out / "logs", demo.TEMPORAL_STAGES)


def _models(options):
    diffusers.utils.logging.set_verbosity_error()
    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        source = read_models(options)
        _write(source, _card(options, source), options)
    except BadInputs as reason:
        print(*reason.lines, sep="\n", file=sys.stderr)
        sys.exit(2)


def _write(source, card, options):
    try:
        with whole_folder(options.out) as out, _form(options):
            write_model_set(source, card, out, DTYPES[options.dtype])
    # Of a full disk safetensors (0.8.0) tells with an error of its own, which is no OSError.
    except (OSError, SafetensorError) as reason:
        sys.exit(f"--out {options.out}: could not be written: {reason}")


@contextmanager
def _form(options):
    """While it lasts, graphs are written as the options say."""
    with (
        plain_attention(options.plain_attention),
        half_precision(options.compute == "fp16"),
        int8_weights(options.int8_weights),
    ):
        yield


def _graphs(options):
    with _form(options):
        for path in regraph.write_graphs(options.folder):
            print(path, flush=True)


def _check(options):
    row = "{:<44} {:<8} {:>8} {:>8} {:>8} {:>9}  {}"
    print(row.format("graph", "form", "differs", "largest", "at most", "ran", "at"), flush=True)
    differences = []
    for one in check.check(options.folder):
        numbers = (f"{value:.1e}" for value in (one.worst, one.largest, one.bound))
        print(row.format(one.graph, one.form, *numbers, f"{one.seconds:.2f} s", one.shapes), flush=True)
        differences.append(one)
    print(peak_of(check.largest_model(options.folder)), flush=True)
    wrong = sorted({one.graph for one in differences if one.is_beyond})
    if wrong:
        sys.exit(f"{options.folder}: differ from torch by more than they may: {', '.join(wrong)}")


def _rehearse(options):
    if options.form == "single":
        rehearse_files.write_files(options.out)
    elif options.form == "full":
        rehearse_full.write_full(options.out)
    elif options.form == "full-xl":
        rehearse_full.write_full_xl(options.out)
    else:
        rehearse.write_folders(options.out, options.form)


def _card(options, source):
    """Settings to begin with; change them in the card to suit the models.

    The official code's: both guidance scales, steps, the mixing ratio (its own for ControlNet).
    Not the official code's: it draws with PNDM and a long negative prompt, and inverts by a step
    of its own. The size is the caller's, the thresholds are the demo's.
    """
    return {
        "apiVersion": "bivdiff/v1",
        "kind": "ModelSet",
        "name": options.name,
        "image": "image",
        "videos": {name: videos.card_entry(name, video) for name, video in source.videos.items()},
        "defaultVideo": next(iter(source.videos), ""),
        "generators": {
            **control_generators(
                source.controlnets,
                source.fused,
                source.adapters,
                source.windows,
                parts=xl.PARTS if source.xl else None,
            ),
            **({"inpaint": {"task": "inpainting", "unet": INPAINT}} if source.inpaint else {}),
            **(
                {"instruct": {"task": "instruct-pix2pix", "unet": INSTRUCT}}
                if source.instruct
                else {}
            ),
            "prompt2prompt": {"task": "prompt-to-prompt", "unet": PROMPT2PROMPT},
        },
        **({"annotators": card_entries(source.annotators)} if source.annotators else {}),
        "defaults": {
            "guidanceScale": 7.5,
            "videoGuidanceScale": 7.5,
            "mixingRatio": 1.0,
            "steps": 50,
            "size": options.size,
            "negativePrompt": "",
            "scheduler": "ddim",
            "inversion": "ddim",
        },
        "sizeMultiple": SIZE_MULTIPLE,
        "license": options.license,
    }


if __name__ == "__main__":
    main()
