"""`python -m export.held_out INDEX OUT`: a clip that no model has seen, as pictures, for `npm run gallery`.

Writes frames/ and mask/ (the shape and a little around it, white), 8 PNGs of 128x128 each, and clip.json:
what the clip shows, and another colour and background to ask for.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from train import data

from .clips import MASK_MARGIN


def main():
    parser = argparse.ArgumentParser(prog="python -m export.held_out", description=__doc__)
    parser.add_argument("index", type=int, help="of the held-out split")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    clip = data.draw("held-out", options.index)
    masks = np.where(clip.distance < MASK_MARGIN, 255, 0).astype(np.uint8)
    for name, pictures in dict(frames=clip.frames, mask=masks).items():
        folder = options.out / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, picture in enumerate(pictures):
            Image.fromarray(picture).save(folder / f"{number:02}.png")
    rng = np.random.default_rng([97, options.index])
    wanted = {
        name: str(rng.choice([word for word in table if word != getattr(clip.spec, name)]))
        for name, table in dict(color=data.COLORS, background=data.BACKGROUNDS).items()
    }
    about = dict(shown=asdict(clip.spec), wanted=wanted)
    (options.out / "clip.json").write_text(json.dumps(about, indent=2) + "\n")
    print(clip.spec.caption)


if __name__ == "__main__":
    main()
