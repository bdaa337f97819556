"""`python -m quality.controls`: how well generators keep to controls, on held-out clips.

The control is what the set's own annotators see in the source; another colour and background are asked
for. Prints a table and the bars, and writes both to controls.json in the folder of --out, beside what it
holds of other generators, with a picture of the first clips. Drawn along another control or without a
caption, frames must fail.
"""

import argparse
import hashlib
import json
import time
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch
from PIL import Image

from parity.reference import mix, to_pixels
from train import annotators, controls, data

from . import detectors, joints, metrics
from .bars import Bar, judge, show
from .clips import NEGATIVE, draw_task
from .graphs import open_reference

DEMO = Path(__file__).resolve().parents[1] / "demo"
GENERATORS = ("canny", "depth", "pose", "canny+depth", "t2i-canny", "t2i-depth")
NEAR = 4  # pixels within which a joint counts as right
IMITATIONS = ("control shuffled", "caption dropped", "blurred", "frozen")
FLICKER = 0.3  # share of the generated frames' that smoothing may leave
LIMITS = {
    "frames": dict(iou=0.85, color=0.95, joints=0.85),
    "smoothed": dict(iou=0.75, color=0.85, joints=0.75),
}
SETTINGS = ("clips", "first", "frames", "extras", "smoothed", "steps", "strength", "ratio")


def main():
    options = _options()
    torch.set_num_threads(1)
    measured = Measured(options.folder, options)
    rows, pictures, started = {}, [], time.monotonic()
    for index in range(options.first, options.first + options.clips):
        pictures = (pictures + [measured.measure(index, rows)])[:3]
        print(f"clip {index}: {time.monotonic() - started:.0f} s", flush=True)
        # After each: hours of clips are not lost with the last.
        result = _written(options, rows, pictures, index + 1 - options.first)
    _show(result)


def _written(options, rows, pictures, done):
    settings = {**{name: getattr(options, name) for name in SETTINGS}, "clips": done}
    result = {name: dict(settings=settings, rows=_means(rows[name])) for name in rows}
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        path = options.out / "controls.json"
        # What was measured of other generators stays.
        known = json.loads(path.read_text())["generators"] if path.exists() else {}
        result = {**known, **result}
        text = json.dumps(dict(generators=result, bars=_judged(result)), indent=2)
        path.write_text(text + "\n")
        Image.fromarray(np.concatenate(pictures)).save(options.out / "controls.png")
    return result


def _means(rows):
    return {row: _mean(figures) for row, figures in rows.items()}


def _mean(figures):
    """Of each figure, over the clips that have it."""
    keys = {key: None for each in figures for key in each}
    return {key: float(np.mean([each[key] for each in figures if key in each])) for key in keys}


def _options():
    parser = argparse.ArgumentParser(prog="python -m quality.controls", description=__doc__)
    parser.add_argument("--folder", type=Path, default=DEMO, help="the model set")
    parser.add_argument("--generators", nargs="+", default=GENERATORS)
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--frames", type=int, default=2, help="of each clip, drawn one by one")
    parser.add_argument("--extras", type=int, default=8, help="clips with imitations too")
    parser.add_argument("--smoothed", type=int, default=0, help="clips smoothed too, all frames")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--strength", type=float, help="of every control, in place of the card's")
    parser.add_argument("--ratio", type=float, help="of mixing, in place of the card's")
    parser.add_argument("--out", type=Path, help="folder for controls.json and controls.png")
    return parser.parse_args()


@dataclass(frozen=True)
class Measured:
    """A model set and how it is measured."""

    folder: Path
    options: argparse.Namespace

    @cached_property
    def card(self):
        return json.loads((self.folder / "card.json").read_text())

    @cached_property
    def reference(self):
        return open_reference(self.folder, self.options.steps)

    @cached_property
    def annotators(self):
        image = self.folder / self.card["image"]
        kinds = self.card["annotators"]
        return {name: annotators.load(image / kinds[name]["model"]) for name in kinds}

    @cached_property
    def sessions(self):
        """onnxruntime's sessions of the generators' graphs, by name."""
        at = onnxruntime.SessionOptions()
        at.intra_op_num_threads = 1
        image = self.folder / self.card["image"]
        graphs = {name: self.card["generators"][name]["unet"] for name in self.options.generators}
        return {
            name: onnxruntime.InferenceSession(
                str(image / f"{graph}.onnx"), at, providers=["CPUExecutionProvider"]
            )
            for name, graph in graphs.items()
        }

    def measure(self, index, rows):
        """Adds the figures of a clip to `rows` and returns its picture: a line for each clip made."""
        task = draw_task(index)
        is_smoothed = index - self.options.first < self.options.smoothed
        count = len(task.source.frames)
        wanted = count if is_smoothed else min(self.options.frames, count)
        chosen = np.linspace(0, count - 1, wanted).astype(int)
        shown = [task.source.frames[chosen[:2]]]
        for name in self.options.generators:
            made = self._clips(name, task, chosen, index)
            for row, frames in made.items():
                figures = figures_of(frames, task, chosen)
                rows.setdefault(name, {}).setdefault(row, []).append(figures)
            shown += [self._control_pixels(name, task, chosen[:2]), made["frames"][:2]]
        return np.concatenate([np.concatenate(list(clip), 1) for clip in shown], 1)

    def _clips(self, name, task, chosen, index):
        control, caption = self.control(name, task, chosen), task.wanted.caption
        made = {"frames": self.draw(name, control, caption, index)}
        if index - self.options.first < self.options.extras:
            elsewhere = [one.flip(-2).roll(40, -1) for one in control]
            made["control shuffled"] = self.draw(name, elsewhere, caption, index)
            made["caption dropped"] = self.draw(name, control, NEGATIVE, index)
        if index - self.options.first < self.options.smoothed:
            made["smoothed"] = smoothed = self._smooth(name, made["frames"], caption)
            made["blurred"] = np.stack([cv2.GaussianBlur(one, (0, 0), 4) for one in smoothed])
            made["frozen"] = np.repeat(smoothed[:1], len(smoothed), 0)
        return made

    def control(self, name, task, chosen):
        """Control pictures of the frames by condition, each float32 (F, C, H, W) in 0..1."""
        conditions = self.card["generators"][name]["conditions"]
        source = task.source.frames[chosen]
        pictures = [self._annotated(one["annotator"], task, chosen, source) for one in conditions]
        (shape,) = [i.shape for i in self.sessions[name].get_inputs() if i.name.endswith("_conds")]
        return [one[:, : shape[2]] for one in pictures]

    @torch.no_grad()
    def _annotated(self, kind, task, chosen, source):
        if kind == "canny":
            return task.control[chosen]
        maps = self.annotators[kind](annotators.normalized(source))
        if kind == "depth":
            levels = [np.rint(controls.depth_picture(depth) * 255) for depth in maps[:, 0].numpy()]
            return torch.from_numpy(np.stack(levels) / 255).float()[:, None].repeat(1, 3, 1, 1)
        places, there = annotators.joints_of(maps)
        drawn = [
            np.rint(controls.pose_picture(*each) * 255)
            for each in zip(places.numpy(), there.numpy(), strict=True)
        ]
        return torch.from_numpy(np.stack(drawn) / 255).float().permute(0, 3, 1, 2)

    def _control_pixels(self, name, task, chosen):
        pictures = self.control(name, task, chosen)[-1].expand(-1, 3, -1, -1)
        return (pictures.permute(0, 2, 3, 1) * 255).byte().numpy()

    @torch.no_grad()
    def draw(self, name, control, caption, index):
        """Frames uint8 (F, H, W, 3), each on its own, by the generator's graph."""
        session, reference, count = self.sessions[name], self.reference, len(control[0])
        conditions = torch.stack(control).repeat(1, 2, 1, 1, 1).numpy()
        weights = self._weights(name)
        (conds,) = [i.name for i in session.get_inputs() if i.name.endswith("_conds")]
        text = torch.cat([reference.text(said).repeat(count, 1, 1) for said in (NEGATIVE, caption)])
        feeds = {conds: conditions, "conditioning_scales": weights}
        feeds["encoder_hidden_states"] = text.numpy()
        guidance = float(self.card["defaults"]["guidanceScale"])

        latents = _noise(index, count)
        for time in reference.scheduler.timesteps:
            feeds["sample"] = latents.repeat(2, 1, 1, 1).numpy()
            feeds["timestep"] = np.array(float(time), np.float32)
            (noise,) = session.run(None, feeds)
            without, with_text = torch.from_numpy(noise).chunk(2)
            predicted = without + guidance * (with_text - without)
            latents = reference.scheduler.step(predicted, time, latents).prev_sample
        return to_pixels(reference.decode(latents))

    def _weights(self, name):
        """Of each condition: what is asked for, else the card's, else 1."""
        asked = self.options.strength
        suited = [one.get("scale", 1) for one in self.card["generators"][name]["conditions"]]
        return np.array(suited if asked is None else [asked] * len(suited), np.float32)

    def _ratio(self, name):
        usual = self.card["defaults"]["mixingRatio"]
        asked = self.options.ratio
        return self.card["generators"][name].get("mixingRatio", usual) if asked is None else asked

    def _smooth(self, name, frames, caption):
        reference, settings = self.reference, self.card["defaults"]
        mean = reference.encode(frames).chunk(2, dim=1)[0]
        latents = mean * reference.vae.config.scaling_factor
        image = reference.invert_image(latents, NEGATIVE)
        mixed = mix(image, reference.invert_video(latents, NEGATIVE), self._ratio(name))
        drawn = reference.smooth(mixed, caption, NEGATIVE, float(settings["videoGuidanceScale"]))
        return to_pixels(reference.decode(drawn))


def figures_of(frames, task, chosen):
    """Means over the frames: overlap with the true mask, colour and background right, and joints
    near the true ones; flicker of whole clips."""
    spec, truth = task.wanted, task.source
    regions = [detectors.find_object(frame) for frame in frames]
    masks = truth.mask[chosen] > 0.5
    pairs = list(zip(frames, regions, strict=True))
    near = [
        joints.distances(joints.joints_of_region(region, spec.shape), wanted, spec.shape) <= NEAR
        for region, wanted in zip(regions, truth.joints[chosen], strict=True)
    ]
    found = dict(
        iou=float(np.mean([joints.iou(a, b) for a, b in zip(regions, masks, strict=True)])),
        color=float(np.mean([detectors.color_of(f, r) == spec.color for f, r in pairs])),
        background=float(
            np.mean([detectors.background_of(f, r) == spec.background for f, r in pairs])
        ),
        joints=float(np.mean(near)),
    )
    if len(chosen) == len(truth.frames):
        found["flicker"] = metrics.flicker(frames)
    return found


def _bars(name, generated, stage, row):
    texts = ("iou", "color", *(["joints"] if name == "pose" else []))
    found = [Bar(f"{name}, {stage}: {key}", row[key], LIMITS[stage][key], True) for key in texts]
    if stage == "smoothed":
        share = row.get("flicker", np.nan) / generated.get("flicker", np.nan)
        found.append(Bar(f"{name}, smoothed: share of the flicker left", share, FLICKER, False))
    return found


def _judged(measured):
    """The bars of what was measured by generator, and which imitations miss them."""
    judged = []
    for name, entry in measured.items():
        rows, generated = entry["rows"], entry["rows"]["frames"]
        stages = {stage: rows[stage] for stage in LIMITS if stage in rows}
        controls = {one: rows[one] for one in IMITATIONS if one in rows}
        controls["not smoothed"] = generated
        judged += judge(partial(_bars, name, generated), stages, controls)
    if {"canny", "depth", "canny+depth"} <= measured.keys():
        overlaps = {name: measured[name]["rows"]["frames"]["iou"] for name in measured}
        limit = max(overlaps["canny"], overlaps["depth"]) - 0.02
        text = "canny+depth, frames: iou, less than the better of the two by at most 0.02"
        shuffled = {k: v for k, v in measured["canny+depth"]["rows"].items() if k in IMITATIONS}
        rows = {"frames": measured["canny+depth"]["rows"]["frames"]}
        judged += judge(lambda _, row: [Bar(text, row["iou"], limit, True)], rows, shuffled)
    return judged


def _show(measured):
    for name, entry in measured.items():
        for row, figures in entry["rows"].items():
            said = "  ".join(f"{key} {value:6.3f}" for key, value in figures.items())
            print(f"{name:12} {row:18}", said)
    show(_judged(measured))


def _noise(index, count):
    seed = int.from_bytes(hashlib.sha256(f"{index} controls".encode()).digest()[:6])
    shape = (count, 4, data.SIZE // 8, data.SIZE // 8)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


if __name__ == "__main__":
    main()
