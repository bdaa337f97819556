"""`python -m parity.skeletons`, from models/: skeletons as training draws them, for the tests of the
TypeScript side.

Writes goldens/skeletons.safetensors: joints (N, K, 2) in pixels, seen uint8 (N, K), and pictures
uint8 (N, H, W, 3), each drawn with a joint fewer than the one before.
"""

import numpy as np
import torch
from safetensors.torch import save_file

from train import controls

from .goldens import HERE

COUNT, HEIGHT, WIDTH, SEED = 3, 160, 128, 3


def main():
    rng = np.random.default_rng(SEED)
    joints = rng.uniform(-4, (WIDTH + 4, HEIGHT + 4), (COUNT, controls.JOINTS, 2)).astype(np.float32)
    seen = np.arange(controls.JOINTS) < controls.JOINTS - np.arange(COUNT)[:, None]
    drawn = [
        controls.pose_picture(places, there, HEIGHT, WIDTH)
        for places, there in zip(joints, seen, strict=True)
    ]
    kept = dict(
        joints=joints,
        seen=seen.astype(np.uint8),
        pictures=np.round(255 * np.stack(drawn)).astype(np.uint8),
    )
    tensors = {name: torch.from_numpy(values) for name, values in kept.items()}
    save_file(tensors, HERE / "goldens" / "skeletons.safetensors")


if __name__ == "__main__":
    main()
