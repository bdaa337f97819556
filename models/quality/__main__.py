"""`python -m quality`: measures a model set on held-out clips against its bars.

Prints the table and writes it, with the bars, to quality.json in the folder of --out; draws a
picture of the first clips. Settings are the card's unless given. Imitations (blur, freezing, plain
noise, a shuffled control) must fail.
"""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from . import clips
from .bars import bars, smoothed_bars
from .measure import measure_clip, psnr

DEMO = Path(__file__).resolve().parents[1] / "demo"
IMITATIONS = ("plain noise", "blurred", "frozen", "shuffled control")


def main():
    options = _options()
    settings = _settings(options)
    work = partial(measure_clip, options.folder, settings)
    rows, pictures, started = [], [], time.monotonic()
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        indices = range(options.first, options.first + options.clips)
        for index, (row, picture) in zip(indices, pool.map(work, indices), strict=True):
            rows.append(row)
            pictures.append(picture)
            print(f"clip {index}: {time.monotonic() - started:.0f} s", flush=True)
    table = {
        name: {
            key: float(np.mean([row[name][key] for row in rows if name in row])) for key in figures
        }
        for name, figures in rows[0].items()
    }
    result = _judge(options, settings, table, psnr(options.folder))
    _show(result)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "quality.json").write_text(json.dumps(result, indent=2) + "\n")
        Image.fromarray(np.concatenate(pictures[:3])).save(options.out / "quality.png")


def _options():
    parser = argparse.ArgumentParser(prog="python -m quality", description=__doc__)
    parser.add_argument("--folder", type=Path, default=DEMO, help="the model set")
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--video-guidance", type=float)
    parser.add_argument(
        "--ratios", type=float, nargs="+", help="the second counts as the default; else 0, it, 1"
    )
    parser.add_argument("--extras", type=int, default=8, help="clips with imitations too")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, help="folder for quality.json and quality.png")
    return parser.parse_args()


def _settings(options):
    card = json.loads((options.folder / "card.json").read_text())["defaults"]

    def chosen(given, name):
        return card[name] if given is None else given

    return clips.Settings(
        steps=chosen(options.steps, "steps"),
        guidance=float(chosen(options.guidance, "guidanceScale")),
        video_guidance=float(chosen(options.video_guidance, "videoGuidanceScale")),
        ratios=tuple(options.ratios or (0.0, float(card["mixingRatio"]), 1.0)),
        extras=options.extras,
    )


def _judge(options, settings, table, decibels):
    default = f"ratio {settings.ratios[1]:g}" if len(settings.ratios) > 1 else None
    result = dict(clips=options.clips, settings=vars(settings), psnr=decibels, table=table)
    if {"ratio 0", "ratio 1", default} <= table.keys():
        result["bars"] = [
            dict(bar=b.text, value=b.value, limit=b.limit, met=bool(b.met))
            for b in bars(table, decibels, default)
        ]
    if settings.extras:
        result["imitations"] = {
            name: [b.text for b in smoothed_bars(table[name], table["frames"]) if not b.met]
            for name in IMITATIONS
        }
    return result


def _show(result):
    print(f"PSNR {result['psnr']:.2f} dB")
    for name, row in result["table"].items():
        print(f"{name:22}", "  ".join(f"{key} {value:6.3f}" for key, value in row.items()))
    for bar in result.get("bars", []):
        print("met   " if bar["met"] else "MISSED", f"{bar['value']:7.3f} ({bar['limit']})", bar["bar"])
    for name, failed in result.get("imitations", {}).items():
        print(f"imitation {name} fails: {failed or 'NOTHING'}")


if __name__ == "__main__":
    main()
