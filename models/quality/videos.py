"""`python -m quality.videos`: measures every video model of a set on held-out clips against its bars.

Frames are generated and inverted by the image model once; each video model inverts them too, and
smooths the mix, by its own default ratio and guidance or those of --try. Frozen and blurred frames
must fail, and so must the source, which has another colour. Prints the table and writes
quality-videos.json into the folder of --out.
Everything runs in onnxruntime; the parity tests hold the graphs equal to torch.
"""

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from parity.reference import mix, to_pixels
from train.loop import train_dir

from . import clips, metrics
from .bars import Bar
from .graphs import Graph, graph_of_video, open_reference

DEMO = Path(__file__).resolve().parents[1] / "demo"
FLICKER, EDGES, COLOR = 0.30, 0.75, 0.85


@torch.no_grad()
def main():
    options = _options()
    card = json.loads((options.folder / "card.json").read_text())
    card["defaults"]["steps"] = options.steps or card["defaults"]["steps"]
    models = {name: settings_of(card, name) for name in options.models or card["videos"]}
    work = Measurement(options.folder, card, options.threads)
    rows, pictures, started = [], [], time.monotonic()
    for index in range(options.first, options.first + options.clips):
        row, picture = work.clip(index, models, options.try_)
        rows.append(row)
        pictures.append(picture)
        print(f"clip {index}: {time.monotonic() - started:.0f} s", flush=True)
        show(judge(rows, card, models))
    result = judge(rows, card, models)
    if options.out:
        (options.out / "quality-videos.json").write_text(json.dumps(result, indent=2) + "\n")
        Image.fromarray(np.concatenate(pictures[:3])).save(options.out / "quality-videos.png")


def _options():
    parser = argparse.ArgumentParser(prog="python -m quality.videos", description=__doc__)
    parser.add_argument("--folder", type=Path, default=DEMO, help="the model set")
    parser.add_argument("--models", nargs="+", help="of its video models; else all")
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument(
        "--try", dest="try_", type=_pair, nargs="+", metavar="RATIO,GUIDANCE", help="else each model's own"
    )
    parser.add_argument("--steps", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="folder for quality-videos.json and .png")
    return parser.parse_args()


def _pair(text):
    ratio, guidance = map(float, text.split(","))
    return ratio, guidance


def settings_of(card, name):
    """Mixing ratio and video guidance by which a video model is used unless told otherwise."""
    said = card["videos"][name]
    own = {} if isinstance(said, str) else said.get("defaults", {})
    return {**card["defaults"], **own}


class Measurement:
    """The set's models, and how a clip is measured with them."""

    def __init__(self, folder, card, threads):
        torch.set_num_threads(threads)
        self.reference = open_reference(folder, card["defaults"]["steps"], threads=threads)
        self.defaults = card["defaults"]
        image = folder / card["image"]
        self.control = Graph(image / "unet_controlnet-canny.onnx", threads)
        self.videos = {
            name: Graph(graph_of_video(folder, card, name), threads) for name in card["videos"]
        }
        self.digest = clips.digest_of_parts(image, ("unet", "vae", "text_encoder", "controlnet-canny"))

    def clip(self, index, models, tried):
        """Figures by row for one clip, and its picture: a line of frames for every row."""
        task, reference = clips.draw_task(index), self.reference
        made = self._before_smoothing(task)
        rows = dict(frames=made["frames"])
        for name, settings in models.items():
            reference.video_unet = self.videos[name]
            video = reference.invert_video(made["latents"], clips.NEGATIVE)
            for ratio, guidance in tried or [(settings["mixingRatio"], settings["videoGuidanceScale"])]:
                noise = mix(made["noise"], video, ratio)
                drawn = reference.smooth(noise, task.wanted.caption, clips.NEGATIVE, guidance)
                row = f"{name} {ratio:g} {guidance:g}" if tried else name
                rows[row] = to_pixels(reference.decode(drawn))
        shown = np.concatenate([np.concatenate(list(clip), 1) for clip in rows.values()])
        rows["source"] = task.source.frames
        rows["blurred"] = np.stack([cv2.GaussianBlur(f, (0, 0), 4) for f in made["frames"]])
        rows["frozen"] = np.repeat(made["frames"][:1], len(made["frames"]), 0)
        figures = {
            name: metrics.measure(clip, task.outlines, task.wanted, made["frames"])
            for name, clip in rows.items()
        }
        return figures, shown

    def _before_smoothing(self, task):
        """Generated frames, their latents and the image model's noise, from the cache if there."""
        path = train_dir() / "quality" / f"videos-{self.digest}-{task.index}-{self.defaults['steps']}.pt"
        if path.exists():
            return torch.load(path, weights_only=False)
        reference, prompt = self.reference, task.wanted.caption
        count = len(task.outlines)
        text = torch.cat([reference.text(said).repeat(count, 1, 1) for said in (clips.NEGATIVE, prompt)])
        extra = dict(
            controlnet_conds=task.control.repeat(2, 1, 1, 1).unsqueeze(0),
            conditioning_scales=torch.ones(1),
        )

        def predict(latents, now):
            both = self.control(latents.repeat(2, 1, 1, 1), now, text, **extra).sample
            without, with_text = both.chunk(2)
            return without + self.defaults["guidanceScale"] * (with_text - without)

        noise = clips.noise_of(task.index, "frames", (count, 4, 16, 16))
        frames = to_pixels(reference.decode(reference.sample(noise, predict)))
        mean = reference.encode(frames).chunk(2, dim=1)[0]
        latents = mean * reference.vae.config.scaling_factor
        noise = reference.invert_image(latents, clips.NEGATIVE)
        made = dict(frames=frames, latents=latents, noise=noise)
        path.parent.mkdir(exist_ok=True)
        torch.save(made, path)
        return made


def judge(rows, card, models):
    """Mean figures by row, and which bars each row meets."""
    table = {
        name: {key: float(np.mean([row[name][key] for row in rows])) for key in figures}
        for name, figures in rows[0].items()
    }
    frames = table["frames"]
    result = dict(
        clips=len(rows),
        steps=card["defaults"]["steps"],
        settings={
            name: {key: settings[key] for key in ("mixingRatio", "videoGuidanceScale")}
            for name, settings in models.items()
        },
        table=table,
        bars={
            name: [
                dict(bar=bar.text, value=bar.value, limit=bar.limit, met=bool(bar.met))
                for bar in bars(row, frames)
            ]
            for name, row in table.items()
            if name != "frames"
        },
    )
    return result


def bars(row, frames):
    return [
        Bar("share of the flicker left", row["flicker"] / frames["flicker"], FLICKER, False),
        Bar("edge F1", row["edgeF1"], EDGES, True),
        Bar("colour right", row["color"], COLOR, True),
    ]


def show(result):
    for name, found in result["bars"].items():
        values = ", ".join(
            f"{bar['bar']} {bar['value']:.3f} {'met' if bar['met'] else 'MISSED'}" for bar in found
        )
        print(f"  {name:20} {values}", flush=True)


if __name__ == "__main__":
    main()
