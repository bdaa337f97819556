"""`python -m quality.hidden`: measures inpainting and outpainting on held-out clips.

A removal hides the shape of each frame and a margin around it, under an empty prompt; what is there
in truth is the clip's background. An outpainting draws a quarter at the side where the shape covers
least; smoothing is told the clip's caption. Prints the table, judges the bars, and with --out keeps
both and a picture. CONTROLS have to miss bars.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import torch
from diffusers import UNet3DConditionModel
from PIL import Image

from parity.reference import mix, to_pixels
from train import data
from train.loop import train_dir

from . import clips, detectors, metrics
from .bars import Bar, judge, show
from .graphs import Graph, open_reference

DEMO = Path(__file__).resolve().parents[1] / "demo"
MARGIN = 8  # pixels around a shape that is removed
QUARTER = data.SIZE // 4
BORDER = 2  # columns on each side of the old border that a jump is measured over
CLEAR = 3  # pixels from a shape's outline that count as background
PARTS = ("unet", "vae", "text_encoder", "unet-inpaint")  # of the image model, that frames depend on
# What has to miss bars.
CONTROLS = ("mask inverted", "ratio 1", "blurred", "nothing done", "left black")


@dataclass(frozen=True)
class Case:
    """A source clip and what is hidden of it. F frames."""

    kind: str  # "removal" or "outpainting"
    index: int
    source: data.Clip
    hidden: np.ndarray  # bool (F, H, W)
    truth: np.ndarray  # uint8 (F, H, W, 3)
    caption: str  # what smoothing is told


def removal(index):
    clip = data.draw("held-out", clips.FIRST_CLIP + index)
    truth = np.repeat(clip.background[None], len(clip.frames), 0)
    return Case("removal", index, clip, clip.distance < MARGIN, truth, "")


def outpainting(index):
    clip = data.draw("held-out", clips.FIRST_CLIP + index)
    sides = []
    for turn in range(4):
        side = np.zeros((data.SIZE, data.SIZE), bool)
        np.rot90(side, turn)[:QUARTER] = True
        sides.append(side)
    side = min(sides, key=lambda one: float(clip.mask[:, one].sum()))
    hidden = np.repeat(side[None], len(clip.frames), 0)
    return Case("outpainting", index, clip, hidden, clip.frames, clip.spec.caption)


@torch.no_grad()
def run(models, case, options):
    """Clips by name, uint8 (F, H, W, 3) each."""
    reference = models.reference
    made = before_smoothing(models, case, options)
    latents = torch.from_numpy(made["latents"])
    image, video = torch.from_numpy(made["inverted"]), reference.invert_video(latents, "")

    def smooth(noise):
        # Guidance between two equal texts changes nothing.
        guidance = options.video_guidance if case.caption else 1
        drawn = reference.smooth(noise, case.caption, "", guidance)
        return to_pixels(reference.decode(drawn))

    shown = dict(frames=made["frames"], inverted_mask=made["wrong"])
    for ratio in options.ratios:
        shown[f"ratio {ratio:g}"] = smooth(mix(image, video, ratio))
    return shown


def before_smoothing(models, case, options):
    """Drawn frames, their latents and the image model's noise, from the cache if there; `wrong`: of
    the inverted mask."""
    paste = "-pasted" if options.paste else ""
    name = f"{case.kind}-{models.digest}-{case.index}-{options.steps}{paste}.npz"
    path = train_dir() / "quality" / name
    if path.exists():
        return dict(np.load(path))
    frames = inpaint(models, case, case.hidden)
    wrong = inpaint(models, case, ~case.hidden) if case.index < options.extras else frames[:0]
    known = np.where(case.hidden[..., None], frames, case.source.frames)
    mean = models.reference.encode(known if options.paste else frames).chunk(2, dim=1)[0]
    latents = mean * models.reference.vae.config.scaling_factor
    inverted = models.reference.invert_image(latents, "")
    made = dict(frames=frames, wrong=wrong, latents=latents.numpy(), inverted=inverted.numpy())
    path.parent.mkdir(exist_ok=True)
    np.savez(path, **made)
    return made


def inpaint(models, case, hidden):
    """What is hidden drawn under an empty prompt, as diffusers' pipeline does it; without guidance,
    which two equal texts leave nothing to."""
    reference = models.reference
    mask = torch.from_numpy(hidden)[:, None].float()
    pixels = torch.from_numpy(case.source.frames).permute(0, 3, 1, 2).float() / 127.5 - 1
    known = reference.vae.encode(pixels * (mask < 0.5)).latent_dist.mode()
    known = known * reference.vae.config.scaling_factor
    small = torch.nn.functional.interpolate(mask, known.shape[-2:])
    noise = clips.noise_of(case.index, case.kind, tuple(known.shape))
    text = reference.text("").repeat(len(noise), 1, 1)

    def predict(latents, time):
        return models.inpaint(torch.cat([latents, small, known], 1), time, text).sample

    return to_pixels(reference.decode(reference.sample(noise, predict)))


def figures(case, clip):
    hidden, levels = case.hidden, clip.astype(np.float32)
    far = np.abs(levels - case.truth).mean(-1)
    bare = np.abs(case.source.distance) > CLEAR
    bare &= case.source.distance > 0
    counted = hidden if case.kind == "removal" else hidden & bare
    row = dict(
        hidden=float(far[counted].mean()),
        known=_decibels(levels[~hidden] - case.source.frames[~hidden]),
        flicker=metrics.flicker(clip),
    )
    if case.kind == "removal":
        row["none"] = float(np.mean([not detectors.find_object(frame).any() for frame in clip]))
        return row
    return row | dict(jump=_jump(case, levels, bare))


def _jump(case, levels, bare):
    """Levels between the colours on both sides of the old border, over the background."""
    hidden = case.hidden[0].astype("u1")
    kernel = np.ones((2 * BORDER + 1,) * 2, "u1")
    inside = (hidden == 1) & (cv2.erode(hidden, kernel, borderValue=1) == 0)
    outside = (hidden == 0) & (cv2.dilate(hidden, kernel) == 1)
    jumps = []
    for frame, clear in zip(levels, bare, strict=True):
        if (inside & clear).any() and (outside & clear).any():
            within, beyond = frame[inside & clear].mean(0), frame[outside & clear].mean(0)
            jumps.append(np.abs(within - beyond).mean())
    return float(np.mean(jumps))


def _decibels(difference):
    return float(10 * np.log10(255**2 / max(1e-9, np.square(difference).mean())))


def bars_of(kind, generated):
    """What clips of a kind have to reach as drawn, and when smoothed; `generated`: the figures of the
    frames as drawn."""

    def bars(stage, row):
        left = Bar("smoothed: share of the flicker left", row["flicker"] / generated["flicker"], 0.3, False)
        far = 12 if stage == "drawn" else 15
        common = [Bar(f"{stage}: levels from the truth", row["hidden"], far, False)]
        common += [left] if stage == "smoothed" else []
        if kind == "outpainting":
            return [*common, Bar(f"{stage}: jump across the old border", row["jump"], 6, False)]
        return [
            *common,
            Bar(f"{stage}: no shape found", row["none"], 0.95, True),
            Bar(f"{stage}: PSNR of what is known", row["known"], 28, True),
        ]

    return bars


def main():
    options = _options()
    torch.set_num_threads(1)
    card = json.loads((options.folder / "card.json").read_text())
    reference = open_reference(options.folder, options.steps)
    if options.video:
        reference.video_unet = UNet3DConditionModel.from_pretrained(options.video).eval()
    image = options.folder / card["image"]
    models = SimpleNamespace(
        reference=reference,
        inpaint=Graph(image / "unet-inpaint" / "model.onnx"),
        digest=clips.digest_of_parts(image, PARTS),
    )
    kinds = {"removal": removal, "outpainting": outpainting}
    result = {kind: _measure(models, kinds[kind], options) for kind in options.kinds}
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "hidden.json").write_text(json.dumps(result, indent=2) + "\n")


def _measure(models, case_of, options):
    rows, pictures = [], []
    for index in range(options.first, options.first + options.clips):
        case = case_of(index)
        shown = run(models, case, options)
        wrong = shown.pop("inverted_mask")
        if len(wrong) > 0:
            smoothed = shown[f"ratio {options.ratios[0]:g}"]
            blurred = np.stack([cv2.GaussianBlur(frame, (0, 0), 4) for frame in smoothed])
            undone = case.source.frames
            black = np.where(case.hidden[..., None], 0, undone).astype(np.uint8)
            shown |= {"mask inverted": wrong, "blurred": blurred}
            shown |= {"nothing done": undone, "left black": black}
        rows.append({name: figures(case, clip) for name, clip in shown.items()})
        ratios = [clip for name, clip in shown.items() if name.startswith("ratio")]
        lines = [case.source.frames, shown["frames"], *ratios]
        pictures.append(np.concatenate([np.concatenate(list(line), 1) for line in lines]))
        print(case.kind, index, json.dumps(rows[-1][f"ratio {options.ratios[0]:g}"]), flush=True)
    names = dict.fromkeys(name for row in rows for name in row)
    table = {
        name: {
            key: float(np.mean([row[name][key] for row in rows if name in row]))
            for key in next(row[name] for row in rows if name in row)
        }
        for name in names
    }
    default = f"ratio {options.ratios[0]:g}"
    for name, row in table.items():
        print(f"{name:22}", "  ".join(f"{key} {value:7.3f}" for key, value in row.items()))
    controls = {name: table[name] for name in CONTROLS if name in table}
    controls["not smoothed"] = table["frames"]
    stages = dict(drawn=table["frames"], smoothed=table[default])
    judged = judge(bars_of(case.kind, table["frames"]), stages, controls)
    show(judged)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.concatenate(pictures[:4])).save(options.out / f"{case.kind}.png")
    return dict(clips=options.clips, table=table, bars=judged)


def _options():
    parser = argparse.ArgumentParser(prog="python -m quality.hidden", description=__doc__)
    parser.add_argument("--folder", type=Path, default=DEMO, help="the model set")
    parser.add_argument("--video", type=Path, help="another video UNet's folder, as trained")
    parser.add_argument("--kinds", nargs="+", default=["removal", "outpainting"])
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--video-guidance", type=float, default=1.25)
    parser.add_argument(
        "--ratios", type=float, nargs="+", default=[0.0, 1.0], help="the first is the default"
    )
    parser.add_argument("--extras", type=int, default=6, help="clips with controls too")
    parser.add_argument("--paste", action="store_true", help="known pixels into the drawn frames")
    parser.add_argument("--out", type=Path, help="folder for hidden.json and pictures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
