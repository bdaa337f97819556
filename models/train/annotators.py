"""Trains the annotators of the demo's domain: what is how near, and where a shape's joints are.

Each is one small convolutional net from a picture to maps of it, as the published ones are: depth as
MiDaS and Depth Anything give it, joints as heatmaps. They see single frames of far more clips than
the denoisers do, disturbed as codecs and cameras disturb them.
"""

import json

import cv2
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from . import controls, data
from .loop import fit, train_dir

BATCH = 12
CLIPS = 1_000_000  # of the training split; far more than are drawn
HELD_OUT = 64  # clips that the log's figures are of
# ImageNet's, which published annotators take too.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WIDTHS = (8, 20, 32, 48, 64)
GROUPS = 4
STRIDE = 4  # pixels to a cell of the heatmaps
SPREAD = 1.5  # cells, deviation of a joint's bump
SEEN = 0.3  # height of a bump from which on a joint counts as there
WEIGHTS = "model.safetensors"


class Annotator(nn.Module):
    """A U-Net: normalised pictures (B, 3, H, W) to maps (B, K, H / stride, W / stride); sides are
    multiples of 16."""

    def __init__(self, maps, stride):
        super().__init__()
        self.down = nn.ModuleList(
            _Block(before, width) for before, width in zip((3, *WIDTHS), WIDTHS, strict=False)
        )
        self.levels = range(len(WIDTHS) - 2, stride.bit_length() - 2, -1)
        self.up = nn.ModuleList(
            _Block(WIDTHS[level + 1] + WIDTHS[level], WIDTHS[level]) for level in self.levels
        )
        self.head = nn.Conv2d(WIDTHS[self.levels[-1]], maps, 1)

    def forward(self, pictures):
        seen, kept = pictures, []
        for level, block in enumerate(self.down):
            seen = block(functional.avg_pool2d(seen, 2) if level else seen)
            kept.append(seen)
        for level, block in zip(self.levels, self.up, strict=True):
            wider = functional.interpolate(seen, scale_factor=2.0, mode="nearest")
            seen = block(torch.cat([wider, kept[level]], 1))
        return self.head(seen)


class _Block(nn.Module):
    def __init__(self, before, width):
        super().__init__()
        self.first = nn.Conv2d(before, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.norm = nn.GroupNorm(GROUPS, width)

    def forward(self, seen):
        return functional.silu(self.norm(self.second(functional.silu(self.first(seen)))))


def depth_annotator():
    """Relative inverse depth: one map, as large as the picture."""
    return Annotator(1, 1)


def pose_annotator():
    """Heatmaps: one map a joint, a quarter as large."""
    return Annotator(controls.JOINTS, STRIDE)


def train_depth(plan):
    torch.manual_seed(plan.seed)
    model = depth_annotator()

    def loss_of(_progress):
        pictures, clips = samples(BATCH)
        wanted, found = _depths(clips), model(pictures)[:, 0]
        slopes = sum((found.diff(dim=d) - wanted.diff(dim=d)).abs().mean() for d in (1, 2))
        return (found - wanted).abs().mean() + slopes

    _finish(plan, model, loss_of, _depth_error, "annotator_depth")


def train_pose(plan):
    torch.manual_seed(plan.seed)
    model = pose_annotator()

    def loss_of(_progress):
        pictures, clips = samples(BATCH)
        return 100 * functional.mse_loss(model(pictures), _heatmaps(clips))

    _finish(plan, model, loss_of, _joint_error, "annotator_pose")


def save(model, folder):
    """Weights, and how pictures must come."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), folder / WEIGHTS)
    (folder / "config.json").write_text(json.dumps(PREPARING, indent=2) + "\n")


def load(folder):
    """An annotator that was saved, in float32."""
    weights = {name: tensor.float() for name, tensor in load_file(folder / WEIGHTS).items()}
    is_pose = len(weights["head.bias"]) == controls.JOINTS
    model = pose_annotator() if is_pose else depth_annotator()
    model.load_state_dict(weights)
    return model.eval().requires_grad_(False)


# Under the keys of transformers' image processors.
PREPARING = {
    "do_resize": True,
    "size": {"height": data.SIZE, "width": data.SIZE},
    "keep_aspect_ratio": True,
    "ensure_multiple_of": 16,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": MEAN,
    "image_std": STD,
}


def normalized(frames):
    """uint8 (B, H, W, 3) to what annotators take, float32 (B, 3, H, W)."""
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    return (pixels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


def joints_of(heatmaps, stride=STRIDE):
    """Joints in pixels and which are there, (B, K, 2) and bool (B, K), from heatmaps (B, K, h, w): the
    highest cell, moved towards its higher neighbour by the top of the parabola through the three
    logarithms; the middle of cell 0 lies at (stride - 1) / 2."""
    count, kinds, height, width = heatmaps.shape
    flat = heatmaps.flatten(2)
    peaks, cells = flat.max(-1)
    logs = heatmaps.clamp(min=1e-6).log()
    places = torch.zeros(count, kinds, 2)
    for b in range(count):
        for k in range(kinds):
            row, column = divmod(int(cells[b, k]), width)
            x = column + _top(logs[b, k, row], column)
            y = row + _top(logs[b, k, :, column], row)
            places[b, k] = torch.tensor([x, y])
    return (places + 0.5) * stride - 0.5, peaks >= SEEN


def _top(line, at):
    """Where, from `at`, the parabola through it and its neighbours is highest; 0 at a border."""
    if at in (0, len(line) - 1):
        return 0.0
    before, here, after = (float(value) for value in line[at - 1 : at + 2])
    bend = before - 2 * here + after
    return max(-0.5, min(0.5, 0.5 * (before - after) / bend)) if bend < 0 else 0.0


def samples(count):
    """Normalised frames (B, 3, H, W) of training clips, disturbed, and the clips."""
    rng = np.random.default_rng(torch.randint(2**31, (1,)).item())
    clips = [data.draw("train", int(rng.integers(CLIPS)), frames=1) for _ in range(count)]
    frames = np.stack([_disturbed(rng, clip.frames[0]) for clip in clips])
    return normalized(frames), clips


def _disturbed(rng, frame):
    """A frame as it comes out of a file: softer, with noise, brighter or darker."""
    seen = frame.astype(np.float32)
    if rng.random() < 0.5:
        seen = cv2.GaussianBlur(seen, (0, 0), rng.uniform(0.3, 1.2))
    seen = seen * rng.uniform(0.9, 1.1) + rng.normal(0, rng.uniform(0, 5), seen.shape)
    return np.clip(np.rint(seen), 0, 255).astype(np.uint8)


def _depths(clips):
    return torch.from_numpy(np.stack([clip.depth[0] for clip in clips]))


def _heatmaps(clips):
    """What a pose annotator should give, (B, K, h, w): a bump of height 1 at each joint."""
    side = data.SIZE // STRIDE
    cells = torch.arange(side, dtype=torch.float32) * STRIDE + (STRIDE - 1) / 2
    maps = torch.zeros(len(clips), controls.JOINTS, side, side)
    for number, clip in enumerate(clips):
        for joint, (x, y) in enumerate(clip.joints[0]):
            away = (cells[None] - x) ** 2 + (cells[:, None] - y) ** 2
            maps[number, joint] = torch.exp(-away / (2 * (SPREAD * STRIDE) ** 2))
    return maps


def held_out():
    return [data.draw("held-out", index, frames=1) for index in range(HELD_OUT)]


def _depth_error(model):
    clips = held_out()
    found = model(normalized(np.concatenate([clip.frames for clip in clips])))[:, 0]
    wanted = _depths(clips)
    return dict(mean=float((found - wanted).abs().mean()))


def _joint_error(model):
    """Joints within 4 pixels, and the share whose being there is told right. Circles do not show how
    they are turned."""
    clips = held_out()
    places, there = joints_of(model(normalized(np.concatenate([clip.frames for clip in clips]))))
    near, told = [], []
    for clip, place, seen in zip(clips, places.numpy(), there.numpy(), strict=True):
        wanted, exists = controls.padded(clip.joints[0])
        told.extend(seen == exists)
        if clip.spec.shape != "circle":
            far = np.hypot(*(place - wanted)[exists].T)
            near.extend(far <= 4)
    return dict(within4=float(np.mean(near)), told=float(np.mean(told)))


def _finish(plan, model, loss_of, evaluate, name):
    fit(plan, model, loss_of, evaluate)
    save(model.half(), train_dir() / name)
