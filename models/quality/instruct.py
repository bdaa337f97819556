"""`python -m quality.instruct`, from models/: how well InstructPix2Pix follows "make it COLOUR" on held-out
clips, before and after smoothing, against its bars.

Prints the table and writes it, with the bars, to quality-instruct.json in the folder of --out; draws a
picture of the first clips. Settings are the card's unless given. Imitations (the instruction dropped,
the mixing ratio at an end, blur, freezing) must fail.
"""

import argparse
import hashlib
import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from parity.reference import mix, to_pixels
from train import data
from train.loop import train_dir

from . import detectors, metrics
from .bars import Bar, judge, show
from .clips import FIRST_CLIP
from .graphs import Graph, open_reference

DEMO = Path(__file__).resolve().parents[1] / "demo"
NEGATIVE = ""
BORDER = 9  # pixels from the shape on which neither it nor the background is measured
IMITATIONS = ("instruction dropped", "another clip", "blurred", "frozen")


@dataclass(frozen=True)
class Settings:
    """Of one measurement; the first of `ratios`, the mixing ratios, counts as the default."""

    steps: int
    guidance: float
    image_guidance: float
    video_guidance: float
    ratios: tuple
    extras: int  # for how many clips the imitations are made too


def main():
    options = _options()
    settings = _settings(options)
    rows, pictures, started = [], [], time.monotonic()
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        indices = range(options.first, options.first + options.clips)
        made = pool.map(partial(measure_clip, options.folder, settings), indices)
        for index, (row, picture) in zip(indices, made, strict=True):
            rows.append(row)
            pictures.append(picture)
            print(f"clip {index}: {time.monotonic() - started:.0f} s", row, flush=True)
    table = {
        name: {
            key: float(np.mean([row[name][key] for row in rows if name in row])) for key in figures
        }
        for name, figures in rows[0].items()
    }
    result = _judge(settings, len(rows), table)
    _show(result)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "quality-instruct.json").write_text(json.dumps(result, indent=2) + "\n")
    if options.picture:
        Image.fromarray(np.concatenate(pictures[:8])).save(options.picture)


def _options():
    parser = argparse.ArgumentParser(prog="python -m quality.instruct", description=__doc__)
    parser.add_argument("--folder", type=Path, default=DEMO, help="the model set")
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--image-guidance", type=float)
    parser.add_argument("--ratios", type=float, nargs="+", help="the first counts as the default")
    parser.add_argument("--extras", type=int, default=6, help="clips with imitations too")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, help="folder for quality-instruct.json")
    parser.add_argument("--picture", type=Path, help="for a PNG of the first clips")
    return parser.parse_args()


def _settings(options):
    card = json.loads((options.folder / "card.json").read_text())
    defaults, generator = card["defaults"], card["generators"]["instruct"]
    condition = (generator.get("conditions") or [{}])[0]

    def chosen(given, value):
        return float(value if given is None else given)

    ratio = float(generator.get("mixingRatio", defaults["mixingRatio"]))
    return Settings(
        steps=int(chosen(options.steps, defaults["steps"])),
        guidance=chosen(options.guidance, defaults["guidanceScale"]),
        image_guidance=chosen(options.image_guidance, condition.get("imageGuidanceScale", 1.5)),
        video_guidance=float(defaults["videoGuidanceScale"]),
        ratios=tuple(options.ratios or (ratio, 0.0, 1.0)),
        extras=options.extras,
    )


def measure_clip(folder, settings, index):
    """Figures of one clip by name, and its picture: a line of frames for every name."""
    torch.set_num_threads(1)
    source = data.draw("held-out", FIRST_CLIP + index)
    others = [color for color in data.COLORS if color != source.spec.color]
    color = str(np.random.default_rng([98, index]).choice(others))
    _, wanted = data.draw_changed("held-out", FIRST_CLIP + index, color=color)
    clips = dict(source=source.frames, truth=wanted.frames)
    clips |= _edited(Editor(folder, settings), source, wanted, index)
    figures = {name: _figures(clip, wanted) for name, clip in clips.items()}
    return figures, np.concatenate([np.concatenate(list(clip), 1) for clip in clips.values()])


def _edited(editor, source, wanted, index):
    settings = editor.settings
    frames, inverted = editor.bridge(source.frames, f"make it {wanted.spec.color}", index)
    clips = dict(frames=frames)
    for ratio in settings.ratios:
        clips[f"ratio {ratio:g}"] = editor.smooth(mix(*inverted, ratio), wanted.spec.caption)
    if index < settings.extras:
        smoothed = clips[f"ratio {settings.ratios[0]:g}"]
        instruction = f"make it {wanted.spec.color}"
        told = editor.smooth(mix(*inverted, settings.ratios[0]), instruction)
        clips["instruction as caption"] = told
        clips["instruction dropped"] = editor.generate(source.frames, "", index)
        other = data.draw("held-out", FIRST_CLIP + 500 + index, color=wanted.spec.color)
        clips["another clip"] = other.frames
        clips["blurred"] = np.stack([cv2.GaussianBlur(frame, (0, 0), 6) for frame in smoothed])
        clips["frozen"] = np.repeat(smoothed[:1], len(smoothed), 0)
    return clips


def _figures(clip, wanted):
    """`background`: mean difference in levels from the source's, away from the shape; `iou`: of the
    shape that is found with the source's."""
    regions = [detectors.find_object(frame) for frame in clip]
    far = wanted.distance > BORDER
    change = np.abs(clip.astype(np.float32) - wanted.frames).mean(-1)
    inside = wanted.distance < 0
    unions = [np.logical_or(a, b).sum() for a, b in zip(regions, inside, strict=True)]
    shared = [np.logical_and(a, b).sum() for a, b in zip(regions, inside, strict=True)]
    named = [detectors.color_of(f, r) for f, r in zip(clip, regions, strict=True)]
    return dict(
        flicker=metrics.flicker(clip),
        color=float(np.mean([name == wanted.spec.color for name in named])),
        background=float(change[far].mean()),
        iou=float(np.mean(np.divide(shared, unions))),
    )


class Editor:
    """The method with InstructPix2Pix over one window of frames, uint8 (F, H, W, 3)."""

    def __init__(self, folder, settings):
        self.settings = settings
        self.image = folder / "image"
        self.reference = open_reference(folder, settings.steps)
        self.unet = Graph(self.image / "unet-instruct" / "model.onnx")

    @torch.no_grad()
    def generate(self, frames, instruction, index):
        settings, reference, count = self.settings, self.reference, len(frames)
        picture = reference.encode(frames).chunk(2, dim=1)[0]
        pictures = torch.cat([picture, picture, torch.zeros_like(picture)])
        told, silent = reference.text(instruction), reference.text(NEGATIVE)
        text = torch.cat([told.repeat(count, 1, 1), silent.repeat(2 * count, 1, 1)])

        def predict(latents, time):
            sample = torch.cat([latents.repeat(3, 1, 1, 1), pictures], 1)
            told, shown, nothing = self.unet(sample, time, text).sample.chunk(3)
            guided = nothing + settings.guidance * (told - shown)
            return guided + settings.image_guidance * (shown - nothing)

        seed = torch.Generator().manual_seed(7000 + index)
        noise = torch.randn(picture.shape, generator=seed)
        return to_pixels(reference.decode(reference.sample(noise, predict)))

    def bridge(self, source, instruction, index):
        """Edited frames, and the image and video models' noise of them; kept on disk."""
        path = train_dir() / "quality" / f"instruct-{self._key(instruction, index)}.npz"
        if not path.exists():
            frames = self.generate(source, instruction, index)
            mean = self.reference.encode(frames).chunk(2, dim=1)[0]
            latents = mean * self.reference.vae.config.scaling_factor
            image = self.reference.invert_image(latents, NEGATIVE)
            video = self.reference.invert_video(latents, NEGATIVE)
            path.parent.mkdir(exist_ok=True)
            np.savez(path, frames=frames, image=image.numpy(), video=video.numpy())
        made = np.load(path)
        return made["frames"], [torch.from_numpy(made[name]) for name in ("image", "video")]

    def smooth(self, noise, caption):
        drawn = self.reference.smooth(noise, caption, NEGATIVE, self.settings.video_guidance)
        return to_pixels(self.reference.decode(drawn))

    def _key(self, instruction, index):
        weights = (self.image / "unet-instruct" / "diffusion_pytorch_model.safetensors").read_bytes()
        settings = self.settings
        said = (instruction, index, settings.steps, settings.guidance, settings.image_guidance)
        return hashlib.sha256(weights + repr(said).encode()).hexdigest()[:12]


def _judge(settings, clips, table):
    default, generated = f"ratio {settings.ratios[0]:g}", table["frames"]
    names = (*(f"ratio {ratio:g}" for ratio in settings.ratios[1:]), *IMITATIONS)
    controls = {name: table[name] for name in names if name in table} | {"not smoothed": generated}
    judged = judge(partial(_bars, generated), dict(frames=generated, smoothed=table[default]), controls)
    return dict(clips=clips, settings=vars(settings), table=table, bars=judged)


def _bars(generated, stage, row):
    color, iou = (0.9, 0.85) if stage == "frames" else (0.85, 0.75)
    left = Bar("smoothed: share of the flicker left", row["flicker"] / generated["flicker"], 0.3, False)
    return [
        Bar(f"{stage}: colour right", row["color"], color, True),
        Bar(f"{stage}: background changed, levels", row["background"], 8, False),
        Bar(f"{stage}: IoU with the source's shape", row["iou"], iou, True),
        *([left] if stage == "smoothed" else []),
    ]


def _show(result):
    for name, row in result["table"].items():
        print(f"{name:22}", "  ".join(f"{key} {value:6.3f}" for key, value in row.items()))
    show(result["bars"])


if __name__ == "__main__":
    main()
