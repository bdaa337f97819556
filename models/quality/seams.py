"""`python -m quality.seams`: whether it shows where the windows of a long clip meet, on held-out clips.

Each clip is rendered by `bivdiff render` once for every way in which windows come together, and its
report is read. Prints the table and the bars, and writes both to seams.json in the folder of --out,
with a picture of the frames around each border of the first clip.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from train import data

from .bars import Bar, judge, show
from .clips import FIRST_CLIP, wanted_of

BIVDIFF = Path(__file__).resolve().parents[2] / "bin" / "bivdiff"
MODES = ("co-denoise", "blend", "independent")
FIGURES = ("seamRatio", "flicker", "edgeF1")
AROUND = 2  # frames shown before and after a border


def main():
    options = _options()
    rows, shown, started = {mode: [] for mode in options.modes}, [], time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for index in range(options.first, options.first + options.clips):
            for mode, (figures, frames) in measure(Path(folder), index, options).items():
                rows[mode].append(figures)
                if index == options.first:
                    shown += borders(frames, options.window)
            print(f"clip {index}: {time.monotonic() - started:.0f} s", flush=True)
            show_table(rows)
    found = judged(means(rows), options)
    show(found)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        settings = {name: getattr(options, name) for name in ("clips", "first", "frames", "steps")}
        result = dict(settings=settings, rows=rows, bars=found)
        (options.out / "seams.json").write_text(json.dumps(result, indent=2) + "\n")
        Image.fromarray(np.concatenate(shown)).save(options.out / "seams.png")


def _options():
    parser = argparse.ArgumentParser(prog="python -m quality.seams", description=__doc__)
    parser.add_argument("--clips", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--window", type=int, default=8, help="frames of one")
    parser.add_argument("--modes", nargs="+", default=MODES, choices=MODES)
    parser.add_argument("--out", type=Path, help="folder for seams.json and seams.png")
    return parser.parse_args()


def measure(folder, index, options):
    """By mode, the report's figures before and after smoothing, and the frames smoothed."""
    clip = data.draw_across("held-out", FIRST_CLIP + index, options.frames)
    source = folder / f"clip-{index}"
    source.mkdir()
    (folder / f"store-{index}").mkdir()
    for at, frame in enumerate(clip.frames):
        Image.fromarray(frame).save(source / f"{at:05}.png")
    prompt = wanted_of(clip.spec, index).caption
    # One store for a clip: what does not depend on the mode is made once.
    common = ["--task", "controlnet", "--control", "canny", "--store", str(folder / f"store-{index}")]
    common += ["--input", str(source), "--frames", str(options.frames), "--stride", "1"]
    common += ["--prompt", prompt, "--steps", str(options.steps), "--seed", str(index)]
    common += ["--window", str(options.window), "--json"]
    made = {}
    for mode in options.modes:
        output = folder / f"{mode}-{index}"
        words = ["render", *common, "--long", mode, "--output", str(output)]
        told = subprocess.run([BIVDIFF, *words], check=True, stdout=subprocess.PIPE).stdout
        metrics = json.loads(told)["metrics"]
        figures = {name: metrics[name] for name in FIGURES}
        made[mode] = figures, read_frames(output)
    return made


def read_frames(path):
    return np.stack([np.asarray(Image.open(file)) for file in sorted(path.glob("*.png"))])


def borders(frames, window):
    """A line of pictures for each place where windows that stand side by side would meet."""
    starts = range(window, len(frames), window)
    return [np.concatenate(list(frames[at - AROUND : at + AROUND]), 1) for at in starts]


def means(rows):
    """By mode and figure: of the frames as drawn, and smoothed."""
    return {
        mode: {
            "isApart": mode == "independent",
            **{name: _mean([clip[name] for clip in clips]) for name in FIGURES},
        }
        for mode, clips in rows.items()
        if clips
    }


def _mean(figures):
    return {when: float(np.mean([each[when] for each in figures])) for when in figures[0]}


def show_table(rows):
    for mode, row in means(rows).items():
        said = [
            f"{name} {row[name]['smoothed']:.3f} (drawn {row[name]['generated']:.3f})" for name in FIGURES
        ]
        print(f"  {mode:12} {'  '.join(said)}", flush=True)


def judged(table, options):
    """The bars of co-denoising beside windows that stand side by side, which have to miss some: or the
    figures would not see seams."""
    if not {"co-denoise", "independent"} <= table.keys():
        return []
    apart = table.pop("independent")
    own = table["co-denoise"]

    def bars_of(_, row):
        flicker = inside(row, options) / inside(apart, options)
        lost = apart["edgeF1"]["smoothed"] - row["edgeF1"]["smoothed"]
        return [
            Bar("seam ratio", row["seamRatio"]["smoothed"], 1.15, False),
            Bar("flicker inside windows, by that of independent", flicker, 1.1, False),
            Bar("edge F1 below that of independent", lost, 0.03, False),
        ]

    return [
        *judge(bars_of, {"co-denoise": own}, {"independent": apart, **table}),
        dict(
            bar="independent: seam ratio",
            value=apart["seamRatio"]["smoothed"],
            limit=1.8,
            met=apart["seamRatio"]["smoothed"] >= 1.8,
            missedBy=["co-denoise"] if own["seamRatio"]["smoothed"] < 1.8 else [],
        ),
    ]


def inside(row, options):
    """Smoothed flicker of pairs between which no window begins or ends, from that of all."""
    stride = options.window if row["isApart"] else options.window // 2
    share = ((options.frames - 1) // stride) / (options.frames - 1)
    return row["flicker"]["smoothed"] / (1 + share * (row["seamRatio"]["smoothed"] - 1))


if __name__ == "__main__":
    main()
