"""The bench's other side: one ControlNet clip by plain diffusers and torch, with the shipped models.

Prints one JSON object: seconds of the clip and milliseconds per UNet step by stage. Loading is not
counted. The pipeline is models/parity/reference.py; `--path` is the folder that holds it.
"""

import argparse
import json
import pathlib
import sys
import time

import numpy as np
import torch


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", type=pathlib.Path, required=True)
    parser.add_argument("--frames", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--guidance", type=float, required=True)
    parser.add_argument("--video-guidance", type=float, required=True)
    parser.add_argument("--ratio", type=float, required=True)
    options = parser.parse_args()
    sys.path.insert(0, str(options.path))
    torch.set_num_threads(options.threads)
    with torch.inference_mode():
        print(json.dumps(run(options)))


def run(options):
    from parity.canny import canny
    from parity.reference import Reference, mix, to_pixels

    models = Reference(options.path / "demo", steps=options.steps)
    source = moving_square(options.frames)
    seconds = {}

    def timed(stage, work):
        begun = time.perf_counter()
        result = work()
        seconds[stage] = time.perf_counter() - begun
        return result

    begun = time.perf_counter()
    outlines = timed("annotate", lambda: np.stack([canny(frame) for frame in source]))
    control = torch.from_numpy(outlines > 0).float()[:, None].repeat(1, 3, 1, 1)
    noise = torch.randn(options.frames, 4, *(side // 8 for side in source.shape[1:3]))
    drawn = timed(
        "generate",
        lambda: models.generate(control, noise, options.prompt, "", options.guidance),
    )
    frames = timed("generate-decode", lambda: to_pixels(models.decode(drawn)))
    moments = timed("encode", lambda: models.encode(frames))
    latents = moments[:, :4] * models.vae.config.scaling_factor
    image = timed("invert-image", lambda: models.invert_image(latents, ""))
    video = timed("invert-video", lambda: models.invert_video(latents, ""))
    mixed = mix(image, video, options.ratio)
    smooth = timed(
        "smooth", lambda: models.smooth(mixed, options.prompt, "", options.video_guidance)
    )
    timed("decode", lambda: to_pixels(models.decode(smooth)))
    return {"seconds": time.perf_counter() - begun, "secondsByStage": seconds}


def moving_square(frames, side=128):
    """uint8 (F, side, side, 3): the clip that bench/clips.ts draws, its first frames."""
    clip = np.full((frames, side, side, 3), 40, np.uint8)
    for frame in range(frames):
        clip[frame, 40:80, 2 * frame : 2 * frame + 40] = 220
    return clip


if __name__ == "__main__":
    main()
