"""`python -m export.clips`: draws the example clips, from held-out seeds, into examples/, beside each
a text of what it shows, and a mask of the shape in one of them.

128x128, 32 frames a second, 64 frames. The shape covers in four frames what it covers in one frame
of the training clips, so that reading every fourth frame (`--stride 4`) gives what the models know.
The path is straight for the first 29 frames, 8 after the stride; where it would leave the picture
later it turns round smoothly.
"""

from pathlib import Path

import av
import numpy as np

from train import data

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
RATE, FRAMES, STRIDE = 32, 64, 4
SPEED = 2.6  # pixels per sampled frame; training clips move by 1.5 to 4.5
SIZE = 27  # pixels
START = -9  # pixels from the middle of the picture, against the direction of motion
TURN = 12  # frames over which the shape slows down and comes back
TURN_AT = 36
MASKED, MASK_MARGIN = "source.mp4", 6  # the clip that has a mask, and pixels around its shape
CLIPS = {
    "source.mp4": (3000, data.Spec("red", "star", "right", "gray")),
    "source-2.mp4": (3001, data.Spec("blue", "circle", "down", "white")),
}


def main():
    EXAMPLES.mkdir(exist_ok=True)
    for name, (index, spec) in CLIPS.items():
        rng = np.random.default_rng([data.SPLITS["held-out"], index])
        clip = data.render(rng, spec, SIZE, _path(spec.direction))
        write_video(EXAMPLES / name, clip.frames)
        (EXAMPLES / name).with_suffix(".txt").write_text(f"{spec.caption}\n")
        print(name, spec.caption)
        if name == MASKED:
            write_video(EXAMPLES / "mask.mp4", mask_of(clip))


def mask_of(clip):
    """What hides the shape and a little around it, white, uint8 (F, H, W, 3)."""
    hidden = (clip.distance < MASK_MARGIN).astype(np.uint8) * 255
    return np.repeat(hidden[..., None], 3, axis=-1)


def write_video(path, frames):
    """H.264, yuv420p, full of key-frame quality, from uint8 (F, H, W, 3)."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=RATE, options={"crf": "12", "preset": "slow"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)


def _path(direction):
    """Centres (FRAMES, 2) in pixels: steady, then a smooth turn, then steadily back."""
    times = np.arange(FRAMES, dtype=np.float32)
    velocity = np.clip((TURN_AT + TURN / 2 - times) / (TURN / 2), -1, 1) * SPEED / STRIDE
    along = START + np.concatenate([[0], np.cumsum(velocity[:-1])])
    step = np.array(data.DIRECTIONS[direction], np.float32)
    return (data.SIZE / 2 + along[:, None] * step).astype(np.float32)


if __name__ == "__main__":
    main()
