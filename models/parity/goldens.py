"""`python -m parity.goldens`: records what each stage gives, for the tests of the TypeScript side.

One ControlNet job over a held-out clip of 8 frames. Writes one safetensors file a stage into
goldens/, latents in float32 and pictures in uint8, and index.json with every parameter. F = 8
frames, h = w = 16; latents are scaled by the VAE's factor.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from train import data

from .canny import HIGH, LOW, canny
from .reference import Reference, mix, to_pixels

HERE = Path(__file__).resolve().parent
CLIP = 2000  # of the held-out split
NOISE_SEED = 20231202
# Both guidances above 1 and the ratio inside 0..1, so that every branch takes part.
STEPS, GUIDANCE, VIDEO_GUIDANCE, RATIO = 50, 3.0, 2.0, 0.25
NEGATIVE = ""


def main():
    parser = argparse.ArgumentParser(prog="python -m parity.goldens", description=__doc__)
    parser.add_argument("--folder", type=Path, default=HERE.parent / "demo")
    parser.add_argument("--out", type=Path, default=HERE / "goldens")
    options = parser.parse_args()
    recorder = Recorder(options.out)
    job = Job()
    record(Reference(options.folder, STEPS), job, recorder)
    recorder.finish(job.parameters)


class Job:
    """The recorded job: its clip, its prompt and its noise."""

    def __init__(self):
        self.clip = data.draw("held-out", CLIP)
        said = self.clip.spec
        color = "yellow" if said.color != "yellow" else "red"
        paper = "navy" if said.background != "navy" else "gray"
        self.prompt = data.Spec(color, said.shape, said.direction, paper).caption
        frames = len(self.clip.frames)
        generator = torch.Generator().manual_seed(NOISE_SEED)
        self.noise = torch.randn(frames, 4, data.SIZE // 8, data.SIZE // 8, generator=generator)

    @property
    def parameters(self):
        return dict(
            heldOutClip=CLIP,
            sourceCaption=self.clip.spec.caption,
            prompt=self.prompt,
            negativePrompt=NEGATIVE,
            frames=len(self.clip.frames),
            width=data.SIZE,
            height=data.SIZE,
            canny=dict(low=LOW, high=HIGH),
            steps=STEPS,
            scheduler="ddim",
            guidanceScale=GUIDANCE,
            videoGuidanceScale=VIDEO_GUIDANCE,
            conditioningScale=1.0,
            mixingRatio=RATIO,
            posterior="mode",
        )


class Recorder:
    """Writes one file a stage and remembers what each holds."""

    def __init__(self, folder):
        self.folder, self.stages = folder, {}
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, stage, about, **tensors):
        ready = {name: torch.as_tensor(value).contiguous() for name, value in tensors.items()}
        save_file(ready, self.folder / f"{stage}.safetensors")
        shapes = {k: dict(dtype=str(v.dtype)[6:], shape=list(v.shape)) for k, v in ready.items()}
        self.stages[stage] = dict(about=about, file=f"{stage}.safetensors", tensors=shapes)

    def finish(self, parameters):
        index = dict(parameters=parameters, torch=torch.__version__, stages=self.stages)
        (self.folder / "index.json").write_text(json.dumps(index, indent=2) + "\n")


def record(reference, job, keep):
    """Runs the job stage by stage, each on what the one before gave, and records everything."""
    frames = job.clip.frames
    outlines = np.stack([canny(frame) for frame in frames])
    keep("ingest", "source frames, RGB", frames=frames)
    keep("annotate", "canny of the source frames, 0 and 255", control=outlines)
    keep(
        "text",
        "last_hidden_state of the prompt and of the negative prompt, image and video encoders",
        prompt=reference.text(job.prompt),
        negative=reference.text(NEGATIVE),
        video_prompt=reference.video_text(job.prompt),
        video_negative=reference.video_text(NEGATIVE),
    )
    control = torch.from_numpy(outlines).float()[:, None].repeat(1, 3, 1, 1) / 255
    drawn = reference.generate(control, job.noise, job.prompt, NEGATIVE, GUIDANCE)
    generated = to_pixels(reference.decode(drawn))
    keep(
        "generate",
        "initial noise per frame, latents after the last step, decoded frames",
        noise=job.noise,
        latents=drawn,
        frames=generated,
    )
    parameters = reference.encode(generated)
    latents = parameters.chunk(2, dim=1)[0] * reference.vae.config.scaling_factor
    keep(
        "encode",
        "latent_parameters (mean, log-variance; unscaled) and the scaled mean",
        latent_parameters=parameters,
        latents=latents,
    )
    image = {
        f"{mode}_{scope}": reference.invert_image(latents, NEGATIVE, mode, scope)
        for mode in ("ddim", "official")
        for scope in ("window", "frame")
    }
    keep("invert-image", "noise by inversion step and scope of the norms", **image)
    video = {mode: reference.invert_video(latents, NEGATIVE, mode) for mode in ("ddim", "official")}
    keep("invert-video", "noise by inversion step", **video)
    mixed = mix(image["ddim_window"], video["ddim"], RATIO)
    keep("mix", "mixed noise of ddim_window and ddim", noise=mixed)
    smoothed = reference.smooth(mixed, job.prompt, NEGATIVE, VIDEO_GUIDANCE)
    keep("smooth", "latents after the last step", latents=smoothed)
    keep("decode", "final frames, RGB", frames=to_pixels(reference.decode(smoothed)))


if __name__ == "__main__":
    main()
