"""`python -m quality.prompt2prompt`: measures Prompt-to-Prompt with a model set on held-out clips.

Of each clip the colour is changed by one word (`replace`, blended by the word of the shape); then it is
smoothed at the mixing ratios, and one frame of it is drawn at five weights of the new word. Prints the
table and the bars and writes them to prompt2prompt.json in the folder of --out, with a picture of
the clips. Runs the set's graphs in onnxruntime; the alignment of words is parity's. Imitations (the
edit left out, another clip's frames, blurred or frozen ones) must miss a bar.
"""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch
from diffusers import AutoencoderKL, DDIMInverseScheduler, DDIMScheduler
from PIL import Image
from torch.nn import functional

from parity.prompt2prompt import TOKENS, Edit, replacement, word_places
from parity.reference import _load as load
from parity.reference import _Text as Text
from parity.reference import mix, to_clip, to_frames, to_pixels
from train import data

from . import detectors, metrics
from .bars import Bar, judge, show
from .clips import FIRST_CLIP, draw_task

DEMO = Path(__file__).resolve().parents[1] / "demo"
DEFAULT_RATIO = 0.25  # the official code's for this task
OTHER_RATIOS = (0.0, 0.1, 0.35, 1.0)
WEIGHTS = (-2.0, -1.0, 0.0, 1.0, 2.0)
WEIGHED_FRAME = 3
GUIDANCE, CROSS_REPLACE, SELF_REPLACE, THRESHOLD = 5.0, 0.8, 0.8, 0.9
LEAST_STEP = 0.005  # of the way to the new colour, from one weight to the next
SHOWN = 3  # clips in the picture


def main():
    options = _options()
    card = json.loads((options.folder / "card.json").read_text())["defaults"]
    steps = options.steps or card["steps"]
    work = partial(measure_clip, options.folder, card, steps, options.extras)
    rows, pictures, started = [], [], time.monotonic()
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        for index, (row, picture) in enumerate(pool.map(work, range(options.clips))):
            rows.append(row)
            pictures.append(picture)
            brief = {k: {n: round(v, 2) for n, v in f.items()} for k, f in row.items()}
            print(f"clip {index}: {time.monotonic() - started:.0f} s {json.dumps(brief)}", flush=True)
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = {
        name: {
            key: float(np.mean([row[name][key] for row in rows if name in row]))
            for key in next(row[name] for row in rows if name in row)
        }
        for name in names
    }
    result = dict(
        clips=options.clips,
        settings=dict(
            steps=steps,
            guidance=GUIDANCE,
            videoGuidance=card["videoGuidanceScale"],
            crossReplace=CROSS_REPLACE,
            selfReplace=SELF_REPLACE,
            blendThreshold=THRESHOLD,
        ),
        table=table,
        bars=_judged(table),
    )
    for name, row in table.items():
        print(f"{name:16}", "  ".join(f"{key} {value:6.3f}" for key, value in row.items()))
    show(result["bars"])
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "prompt2prompt.json").write_text(json.dumps(result, indent=2) + "\n")
        Image.fromarray(np.concatenate(pictures[:SHOWN])).save(options.out / "prompt2prompt.png")


def _options():
    parser = argparse.ArgumentParser(prog="python -m quality.prompt2prompt", description=__doc__)
    parser.add_argument("--folder", type=Path, default=DEMO, help="the model set")
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--extras", type=int, default=4, help="clips at the other ratios too")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, help="folder for prompt2prompt.json and .png")
    return parser.parse_args()


IMITATIONS = ("edit left out", "another clip", "blurred", "frozen", "ratio 0", "ratio 1")


def _judged(table):
    generated = table["frames"]
    controls = {name: table[name] for name in IMITATIONS if name in table}
    stages = dict(frames=generated, smoothed=table[f"ratio {DEFAULT_RATIO:g}"])
    judged = judge(partial(_bars, generated), stages, {**controls, "not smoothed": generated})
    moved = {"weights": [table[f"weight {weight:g}"]["moved"] for weight in WEIGHTS]}
    unweighed = {"not weighed": [table["weight 1"]["moved"]] * len(WEIGHTS)}
    return judged + judge(lambda _, row: [_steps_bar(row)], moved, unweighed)


def _bars(generated, stage, row):
    color, iou = (0.85, 0.80) if stage == "frames" else (0.80, 0.70)
    left = Bar("smoothed: share of the flicker left", row["flicker"] / generated["flicker"], 0.30, False)
    return [
        Bar(f"{stage}: colour right", row["color"], color, True),
        Bar(f"{stage}: IoU with the source's shape", row["iou"], iou, True),
        *([left] if stage == "smoothed" else []),
    ]


def _steps_bar(moved):
    steps = [after - before for before, after in zip(moved, moved[1:])]
    return Bar("weights: least step towards the new colour", min(steps), LEAST_STEP, True)


@torch.no_grad()
def measure_clip(folder, card, steps, extras, index):
    """Figures by row of one clip, and its picture: source, edit, smoothed, the weights."""
    torch.set_num_threads(1)
    task = draw_task(index)
    said = task.source.spec
    wanted = data.Spec(task.wanted.color, said.shape, said.direction, said.background)
    editor = Editor(folder, steps, GUIDANCE)
    source = task.source.frames
    noise = editor.invert(editor.encode(source), editor.text(said.caption))
    edit = Edit(
        said.caption,
        wanted.caption,
        cross_replace=CROSS_REPLACE,
        self_replace=SELF_REPLACE,
        blend=(said.shape,),
        threshold=THRESHOLD,
        source_guidance=1.0,
    )
    drawn = editor.draw(noise, edit)
    made = {"source": source, "frames": drawn}
    ratios = (DEFAULT_RATIO, *(OTHER_RATIOS if index < extras else ()))
    made |= editor.smooth(drawn, wanted.caption, float(card["videoGuidanceScale"]), ratios)
    default = made[f"ratio {DEFAULT_RATIO:g}"]
    made["edit left out"] = source
    made["another clip"] = data.draw(
        "held-out", FIRST_CLIP + 500 + index, color=wanted.color, shape=said.shape
    ).frames
    made["blurred"] = np.stack([cv2.GaussianBlur(frame, (0, 0), 4) for frame in drawn])
    made["frozen"] = np.repeat(default[:1], len(default), axis=0)
    masks = task.source.mask > 0.5
    figures = {name: _figures(clip, masks, wanted.color) for name, clip in made.items()}
    weighed = {}
    for weight in WEIGHTS:
        one = Edit(**{**vars(edit), "weights": {wanted.color: weight}})
        weighed[weight] = editor.draw(noise[WEIGHED_FRAME, None], one)[0]
        moved = moved_to(wanted.color, source[WEIGHED_FRAME], weighed[weight], masks[WEIGHED_FRAME])
        figures[f"weight {weight:g}"] = dict(moved=moved)
    shown = [np.concatenate(list(clip), 1) for clip in (source, drawn, default)]
    blank = np.full_like(source[0], 255)
    shown.append(np.concatenate([source[WEIGHED_FRAME], *weighed.values(), blank, blank], 1))
    return figures, np.concatenate(shown)


def _figures(clip, masks, color):
    regions = [detectors.find_object(frame) for frame in clip]
    both = [(region & mask).sum() / (region | mask).sum() for region, mask in zip(regions, masks)]
    right = [detectors.color_of(f, r) == color for f, r in zip(clip, regions)]
    return dict(
        color=float(np.mean(right)), iou=float(np.mean(both)), flicker=metrics.flicker(clip)
    )


def moved_to(color, source, frame, mask):
    """How far the shape's mean colour has gone from the source's to the palette's `color`, 0 to 1."""
    before, after = (picture[mask].mean(0) for picture in (source, frame))
    way = np.array(data.COLORS[color]) - before
    return float((after - before) @ way / (way @ way))


class Editor:
    """The graphs of a set, and what is done with them; frames uint8 (F, H, W, 3), latents scaled."""

    def __init__(self, folder, steps, guidance):
        card = json.loads((folder / "card.json").read_text())
        image, video = folder / card["image"], folder / card["videos"][card["defaultVideo"]]
        self.text, self.video_text = Text(image), Text(video)
        self.vae = load(AutoencoderKL, image / "vae")
        self.graphs = {
            "unet": image / "unet/model.onnx",
            "inflated": image / "unet/inflated.onnx",
            "edited": image / "unet/prompt2prompt.onnx",
            "video": video / "unet/model.onnx",
        }
        self.sessions = {}
        self.scheduler = DDIMScheduler.from_pretrained(image / "scheduler")
        self.scheduler.set_timesteps(steps)
        self.inverse = DDIMInverseScheduler.from_config(self.scheduler.config)
        self.inverse.set_timesteps(steps)
        self.steps, self.guidance = steps, guidance

    def run(self, name, sample, time, text, **more):
        if name not in self.sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            self.sessions[name] = onnxruntime.InferenceSession(
                str(self.graphs[name]), options, providers=["CPUExecutionProvider"]
            )
        feeds = dict(sample=sample, timestep=torch.tensor(float(time)), encoder_hidden_states=text)
        feeds = {key: value.contiguous().numpy() for key, value in {**feeds, **more}.items()}
        return [torch.from_numpy(value) for value in self.sessions[name].run(None, feeds)]

    def encode(self, frames):
        pixels = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1
        mean = self.vae.encode(pixels).latent_dist.mode()
        return mean * self.vae.config.scaling_factor

    def decode(self, latents):
        return to_pixels(self.vae.decode(latents / self.vae.config.scaling_factor).sample)

    def invert(self, latents, text, graph="unet"):
        count = len(latents) if graph == "unet" else 1
        for time in self.inverse.timesteps:
            (noise,) = self.run(graph, latents, time, text.repeat(count, 1, 1))
            latents = self.inverse.step(noise, time, latents).prev_sample
        return latents

    def draw(self, noise, edit):
        """Frames of the edit."""
        count, tokenizer = len(noise), self.text.tokenizer
        mapper, follows = replacement(edit.source, edit.prompt, tokenizer)
        weights, even = torch.ones(TOKENS), torch.ones(TOKENS)
        for word, weight in edit.weights.items():
            weights[word_places(edit.prompt, word, tokenizer)] = weight
        prompts = ("", "", edit.source, edit.prompt)
        text = torch.cat([self.text(prompt).repeat(count, 1, 1) for prompt in prompts])
        scales = torch.tensor([edit.source_guidance] * count + [self.guidance] * count)
        scales = scales[:, None, None, None]
        latents, total = noise.repeat(2, 1, 1, 1), 0
        for step, time in enumerate(self.scheduler.timesteps):
            is_led = step < int(edit.cross_replace * (self.steps + 1))
            out, maps = self.run(
                "edited",
                latents.repeat(2, 1, 1, 1),
                time,
                text,
                cross_replace_mapper=mapper[None],
                cross_replace_alpha=(follows if is_led else 0 * follows)[None],
                equalizer=(weights if is_led else even)[None],
                self_replace=torch.tensor(float(step < int(edit.self_replace * self.steps))),
            )
            without, told = out.chunk(2)
            predicted = without + scales * (told - without)
            latents = self.scheduler.step(predicted, time, latents).prev_sample
            total = total + maps
            latents = self._blend(latents, total, edit)
        return self.decode(latents[count:])

    def _blend(self, latents, total, edit):
        source, edited = latents.chunk(2)
        masks = []
        for maps, prompt in zip(total.chunk(2), (edit.source, edit.prompt)):
            places = [p for w in edit.blend for p in word_places(prompt, w, self.text.tokenizer)]
            side = int(maps.shape[1] ** 0.5)
            seen = maps[..., places].sum(-1).reshape(-1, 1, side, side)
            seen = functional.max_pool2d(seen, 3, 1, padding=1)
            seen = functional.interpolate(seen, size=latents.shape[2:])
            masks.append(seen / seen.amax((2, 3), keepdim=True) > edit.threshold)
        return torch.cat([source, torch.where(masks[0] | masks[1], edited, source)])

    def smooth(self, frames, prompt, guidance, ratios):
        """Clips by name of the ratio."""
        latents, empty = self.encode(frames), self.text("")
        image = to_frames(self.invert(to_clip(latents), empty, "inflated"))
        video = to_frames(self.invert(to_clip(latents), self.video_text(""), "video"))
        text = torch.cat([self.video_text(""), self.video_text(prompt)])
        made = {}
        for ratio in ratios:
            clip = to_clip(mix(image, video, ratio))
            for time in self.scheduler.timesteps:
                (out,) = self.run("video", clip.repeat(2, 1, 1, 1, 1), time, text)
                without, told = out.chunk(2)
                predicted = without + guidance * (told - without)
                clip = self.scheduler.step(predicted, time, clip).prev_sample
            made[f"ratio {ratio:g}"] = self.decode(to_frames(clip))
        return made


if __name__ == "__main__":
    main()
