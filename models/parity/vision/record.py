"""`python -m parity.vision.record`: what OpenCV gives, for the tests of workers/vision.

Writes into goldens/: pictures and their edges (PNG), clips as one tall picture each (frames below
one another), and index.json with the thresholds, the flicker by DIS optical flow, edge F1, mean
differences and how well a middle frame is made of its neighbours.
"""

import json
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from quality.metrics import edge_f1, flicker

from ..canny import HIGH, LOW, canny

OUT = Path(__file__).resolve().parent / "goldens"


def main():
    OUT.mkdir(exist_ok=True)
    rng = np.random.default_rng(7)
    index = dict(opencv=cv2.__version__, canny=[], clips=[])
    for name, image, low, high in pictures(rng):
        save(f"{name}.png", image)
        save(f"{name}-edges-{low}-{high}.png", canny(image, low, high))
        index["canny"].append(dict(name=name, low=low, high=high))
    for name, clip in clips(rng):
        save(f"{name}.png", clip.reshape(-1, *clip.shape[2:]))
        edges = np.stack([canny(frame) > 0 for frame in clip])
        index["clips"].append(
            dict(
                name=name,
                frames=len(clip),
                flicker=flicker(clip),
                still=float(np.abs(np.diff(clip.astype(np.float32), axis=0)).mean()),
                edgeF1ToNext=edge_f1(edges[1:], edges[:-1]),
                driftToNext=float(np.abs(clip[1:].astype(np.float32) - clip[:-1]).mean()),
                **(between(*clip[:3].astype(np.float32)) if len(clip) > 2 else {}),
            )
        )
    (OUT / "index.json").write_text(json.dumps(index, indent=2) + "\n")


def between(first, middle, last):
    """How far a middle frame made of its neighbours is from the true one: their mean, and both moved half
    way to each other along DIS flow (Super SloMo, arXiv 1712.00080, equation 4)."""
    forth, back = _flow(first, last), _flow(last, first)
    moved = (_moved(first, (back - forth) / 4) + _moved(last, (forth - back) / 4)) / 2
    far = {"betweenMean": (first + last) / 2, "betweenMoved": moved}
    return {name: float(np.abs(made - middle).mean()) for name, made in far.items()}


def _flow(a, b):
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(frame.astype(np.uint8), cv2.COLOR_RGB2GRAY) for frame in (a, b)]
    return dis.calc(*grey, None)


def _moved(frame, flow):
    rows, columns = np.mgrid[0 : flow.shape[0], 0 : flow.shape[1]].astype(np.float32)
    place = columns + flow[..., 0], rows + flow[..., 1]
    return cv2.remap(frame, *place, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def save(name, image):
    Image.fromarray(image).save(OUT / name, optimize=True)


def pictures(rng):
    """Name, picture, thresholds: noise, smooth noise, shapes, one brightness, slivers."""
    noise = rng.integers(0, 256, (48, 64, 3), np.uint8)
    yield "noise", noise, LOW, HIGH
    smooth = cv2.GaussianBlur(rng.integers(0, 256, (67, 53, 3), np.uint8), (0, 0), 2)
    smooth = cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX)
    yield "smooth-odd", smooth, LOW, HIGH
    yield "smooth-odd", smooth, 20, 40
    yield "shapes", drawing((128, 128), 40, 50), LOW, HIGH
    flat = np.empty((64, 64, 3), np.uint8)
    flat[:], flat[16:48, 20:44] = (120, 85, 55), (45, 80, 215)  # blue on brown: nearly one grey
    yield "one-brightness", flat, LOW, HIGH
    yield "sliver", rng.integers(0, 256, (1, 17, 3), np.uint8), LOW, HIGH
    yield "tiny", rng.integers(0, 256, (3, 2, 3), np.uint8), LOW, HIGH


def drawing(size, x, y, radius=22.0, tint=(215, 40, 40), ground=(128, 128, 128), slope=0.15):
    """An anti-aliased, shaded disc and a square beside it on a gradient."""
    height, width = size
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    disc = np.clip(radius - np.hypot(columns - x, rows - y) + 0.5, 0, 1)[..., None]
    side = np.maximum(np.abs(columns - x - 34), np.abs(rows - y - 30))
    square = np.clip(radius * 0.6 - side + 0.5, 0, 1)[..., None]
    shade = (1 - 0.25 * np.clip((columns + rows - x - y) / (2 * radius), -1, 1))[..., None]
    image = np.array(ground, np.float32) * (1 + slope * (columns / width - 0.5))[..., None]
    image = image * (1 - disc) + np.array(tint, np.float32) * shade * disc
    image = image * (1 - square) + np.array((60, 90, 220), np.float32) * square
    return np.clip(image, 0, 255).astype(np.uint8)


def clips(rng):
    """Name and frames: steady motion; flicker of shade on top; grain; texture of odd size."""
    size = (128, 128)
    yield "slow", np.stack([drawing(size, 40 + 1.7 * i, 50) for i in range(4)])
    yield "fast", np.stack([drawing(size, 34 + 4.6 * i, 44 + 2.2 * i) for i in range(4)])
    shades = [(215, 40, 40), (190, 60, 50), (230, 30, 60), (200, 50, 30)]
    yield "flickering", np.stack(
        [
            drawing(size, 40 + 3 * i, 50, tint=shade, slope=0.15 + 0.08 * (i % 2))
            for i, shade in enumerate(shades)
        ]
    )
    still = drawing(size, 50, 50).astype(int)
    yield "grain", np.stack(
        [
            np.clip(still + rng.integers(-12, 13, (*size, 1)), 0, 255).astype(np.uint8)
            for _ in range(2)
        ]
    )
    texture = cv2.GaussianBlur(rng.integers(0, 256, (120, 150, 3), np.uint8), (0, 0), 1.5)
    texture = cv2.normalize(texture, None, 0, 255, cv2.NORM_MINMAX)
    yield "panning-odd", np.stack([texture[i : i + 95, 3 * i : 3 * i + 101] for i in range(4)])


if __name__ == "__main__":
    main()
