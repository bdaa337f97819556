"""One held-out clip through the whole method, and through its imitations.

The source has one colour and background, the prompt asks for others; the control is the canny of
the source. What does not depend on the video model is kept on disk between measurements.
"""

import hashlib
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch

from parity.canny import canny
from parity.reference import mix, to_pixels
from train import data
from train.loop import train_dir

FIRST_CLIP = 1000  # of the held-out split; those below it serve other ends
NEGATIVE = ""


@dataclass(frozen=True)
class Settings:
    """Of one measurement; `ratios` are the mixing ratios, the second of them the default."""

    steps: int
    guidance: float
    video_guidance: float
    ratios: tuple
    extras: int  # for how many clips the imitations and the other inversion are made too


@dataclass(frozen=True)
class Task:
    """A source clip and what is asked of it. F frames."""

    index: int
    source: data.Clip
    wanted: data.Spec
    outlines: np.ndarray  # bool (F, H, W)

    @property
    def control(self):
        """The outlines as the ControlNet takes them, float32 (F, 3, H, W) of 0 and 1."""
        return torch.from_numpy(self.outlines).float()[:, None].repeat(1, 3, 1, 1)


def draw_task(index):
    source = data.draw("held-out", FIRST_CLIP + index)
    outlines = np.stack([canny(frame) > 0 for frame in source.frames])
    return Task(index, source, wanted_of(source.spec, index), outlines)


def wanted_of(said, index):
    """The spec of a clip with another colour and background."""
    rng = np.random.default_rng([99, index])
    return replace(
        said,
        color=str(rng.choice([c for c in data.COLORS if c != said.color])),
        background=str(rng.choice([b for b in data.BACKGROUNDS if b != said.background])),
    )


def run(reference, digest, task, settings):
    """Every clip to be measured by name, uint8 (F, H, W, 3) each; `frames` are the generated."""
    made = _before_smoothing(reference, digest, task, settings)
    clips = dict(source=task.source.frames, frames=made["frames"])
    latents = torch.from_numpy(made["latents"])
    inverted = {k: torch.from_numpy(made[k]) for k in ("window", "frame")}
    video = reference.invert_video(latents, NEGATIVE)

    def smooth(noise):
        prompt = task.wanted.caption
        drawn = reference.smooth(noise, prompt, NEGATIVE, settings.video_guidance)
        return to_pixels(reference.decode(drawn))

    for ratio in settings.ratios:
        clips[f"ratio {ratio:g}"] = smooth(mix(inverted["window"], video, ratio))
    if task.index < settings.extras:
        default = settings.ratios[1]
        clips["per-frame inversion"] = smooth(mix(inverted["frame"], video, default))
        clips["plain noise"] = smooth(noise_of(task.index, "smooth", latents.shape))
        clips["blurred"] = np.stack([cv2.GaussianBlur(f, (0, 0), 4) for f in made["frames"]])
        clips["frozen"] = np.repeat(made["frames"][:1], len(made["frames"]), 0)
        clips["shuffled control"] = made["shuffled"]
    return clips


def digest_of(folder):
    """Names the weights that the cached frames depend on."""
    return digest_of_parts(folder / "image", ("",))


def digest_of_parts(image, parts):
    """The same of some folders of the image model."""
    parts = sorted(file for part in parts for file in (image / part).rglob("*.safetensors"))
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:12]


def _before_smoothing(reference, digest, task, settings):
    """Generated frames, their latents and the image model's noise, from the cache if there."""
    key = f"{digest}-{task.index}-{settings.steps}-{settings.guidance:g}"
    path = train_dir() / "quality" / f"{key}.npz"
    if path.exists():
        return dict(np.load(path))
    shape = (len(task.outlines), 4, data.SIZE // 8, data.SIZE // 8)
    prompt = task.wanted.caption

    def generate(control, purpose):
        noise = noise_of(task.index, purpose, shape)
        latents = reference.generate(control, noise, prompt, NEGATIVE, settings.guidance)
        return to_pixels(reference.decode(latents))

    frames = generate(task.control, "frames")
    # Outlines of elsewhere: what the frames look like when the control says nothing about them.
    shuffled = generate(task.control.flip(-2).roll(40, -1), "shuffled")
    mean = reference.encode(frames).chunk(2, dim=1)[0]
    latents = mean * reference.vae.config.scaling_factor
    made = dict(frames=frames, shuffled=shuffled, latents=latents.numpy())
    for scope in ("window", "frame"):
        made[scope] = reference.invert_image(latents, NEGATIVE, scope=scope).numpy()
    path.parent.mkdir(exist_ok=True)
    np.savez(path, **made)
    return made


def noise_of(index, purpose, shape):
    seed = int.from_bytes(hashlib.sha256(f"{index} {purpose}".encode()).digest()[:6])
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
