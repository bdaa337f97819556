"""`python -m quality.controls`: how well generators keep to controls, on held-out clips.

The control is what the set's own annotators see in the source; another colour and background are asked
for. Prints a table and the bars, and writes both to controls.json in the folder of --out, with a picture
of the first clips. Drawn with another clip's control or without a caption, frames must fail.
"""

import argparse
import hashlib
import json
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from PIL import Image

from parity.reference import Reference, mix, to_pixels
from train import annotators, controls, data

from . import detectors, joints, metrics
from .bars import Bar
from .clips import NEGATIVE, draw_task

DEMO = Path(__file__).resolve().parents[1] / "demo"
GENERATORS = ("canny", "depth", "pose", "canny+depth", "t2i-canny", "t2i-depth")
NEAR = 4  # pixels within which a joint counts as right
IMITATIONS = ("control shuffled", "caption dropped")


def main():
    options = _options()
    torch.set_num_threads(1)
    measured = Measured(options.folder, options)
    rows, pictures, started = {}, [], time.monotonic()
    for index in range(options.first, options.first + options.clips):
        shown = measured.measure(index, rows)
        pictures.append(shown)
        print(f"clip {index}: {time.monotonic() - started:.0f} s", flush=True)
    table = {
        name: {key: float(np.mean([each[key] for each in figures])) for key in figures[0]}
        for name, figures in rows.items()
    }
    result = dict(settings=vars(options), table=table, bars=_judged(table, options.generators))
    _show(result)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(result, indent=2, default=str)
        (options.out / "controls.json").write_text(text + "\n")
        Image.fromarray(np.concatenate(pictures[:3])).save(options.out / "controls.png")


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
    parser.add_argument("--strength", type=float, default=1.0, help="of every control")
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
        return Reference(self.folder, self.options.steps)

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
                rows.setdefault(f"{name}: {row}", []).append(figures)
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
            made["smoothed"] = self._smooth(made["frames"], caption)
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
        weights = np.full(len(control), self.options.strength, np.float32)
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

    def _smooth(self, frames, caption):
        reference, settings = self.reference, self.card["defaults"]
        mean = reference.encode(frames).chunk(2, dim=1)[0]
        latents = mean * reference.vae.config.scaling_factor
        image = reference.invert_image(latents, NEGATIVE)
        mixed = mix(image, reference.invert_video(latents, NEGATIVE), settings["mixingRatio"])
        drawn = reference.smooth(mixed, caption, NEGATIVE, float(settings["videoGuidanceScale"]))
        return to_pixels(reference.decode(drawn))


def figures_of(frames, task, chosen):
    """Means over the frames: overlap with the true mask, colour and background right, and joints
    near the true ones."""
    spec, truth = task.wanted, task.source
    regions = [detectors.find_object(frame) for frame in frames]
    masks = truth.mask[chosen] > 0.5
    pairs = list(zip(frames, regions, strict=True))
    near = [
        joints.distances(joints.joints_of_region(region, spec.shape), wanted, spec.shape) <= NEAR
        for region, wanted in zip(regions, truth.joints[chosen], strict=True)
    ]
    return dict(
        iou=float(np.mean([joints.iou(a, b) for a, b in zip(regions, masks, strict=True)])),
        color=float(np.mean([detectors.color_of(f, r) == spec.color for f, r in pairs])),
        background=float(
            np.mean([detectors.background_of(f, r) == spec.background for f, r in pairs])
        ),
        joints=float(np.mean(near)),
        flicker=metrics.flicker(frames),
    )


def bars(table, generators):
    """What frames have to reach: (generator, row, Bar)."""
    limits = {"frames": dict(iou=0.85, color=0.95), "smoothed": dict(iou=0.75, color=0.85)}
    joint_limits = {"frames": 0.85, "smoothed": 0.75}
    for name in generators:
        for row, wanted in limits.items():
            if name == "pose":
                wanted = {**wanted, "joints": joint_limits[row]}
            figures = table.get(f"{name}: {row}")
            for key, limit in wanted.items() if figures else ():
                yield name, row, Bar(f"{name}, {row}: {key}", figures[key], limit, True)
    single = [table[f"{name}: frames"]["iou"] for name in ("canny", "depth") if name in generators]
    if "canny+depth" in generators and len(single) == 2:
        both, limit = table["canny+depth: frames"]["iou"], max(single) - 0.02
        yield "canny+depth", "frames", Bar("canny+depth: iou beside the better", both, limit, True)


def _judged(table, generators):
    """The bars, and which of a generator's its imitations miss."""
    judged = []
    for name, row, bar in bars(table, generators):
        key = bar.text.rsplit(" ", 1)[-1]
        missed = [
            imitation
            for imitation in IMITATIONS
            if row == "frames"
            and f"{name}: {imitation}" in table
            and table[f"{name}: {imitation}"].get(key, bar.limit) < bar.limit
        ]
        entry = dict(bar=bar.text, value=bar.value, limit=bar.limit, met=bar.met, missedBy=missed)
        judged.append(entry)
    return judged


def _show(result):
    for name, row in result["table"].items():
        print(f"{name:28}", "  ".join(f"{key} {value:6.3f}" for key, value in row.items()))
    for bar in result["bars"]:
        said = f"{bar['value']:6.3f} ({bar['limit']:.3f}) {bar['bar']}"
        print("met   " if bar["met"] else "MISSED", said, "; missed by:", bar["missedBy"])


def _noise(index, count):
    seed = int.from_bytes(hashlib.sha256(f"{index} controls".encode()).digest()[:6])
    shape = (count, 4, data.SIZE // 8, data.SIZE // 8)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


if __name__ == "__main__":
    main()
