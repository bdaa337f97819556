"""What one step of a UNet of the real size takes here in torch and in its graphs, in turn: Stable Diffusion 1.5's with plain
attention and with attention as one node, ZeroScope's as it is exported. Weights are random; writes up to 6 GB into a
temporary folder, needs 16 GiB of memory.

    python -m parity.step_times [sd15 | zeroscope] [--pixels 256 512] [--frames 4] [--threads 2] [--rounds 3]
"""

import argparse
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import onnxruntime
import torch
from diffusers import UNet3DConditionModel

from export import graphs
from export.attention import plain_attention
from export.rehearse_full import image_unet, video_unet


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=("sd15", "zeroscope"), nargs="?", default="sd15")
    parser.add_argument("--pixels", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--frames", type=int, default=4, help="of zeroscope's clip")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory(prefix="bivdiff-steps-") as scratch:
        folder = Path(scratch)
        if options.model == "sd15":
            model, sessions = _image(folder, options.threads)
        else:
            model, sessions = _video(folder, options.threads)
        for pixels in options.pixels:
            shape = (2, 4, pixels // 8, pixels // 8)
            if options.model == "zeroscope":
                shape = (2, 4, options.frames, pixels // 8, pixels // 8)
            _time(model, sessions, shape, f"{pixels}x{pixels}", options.rounds)


def _image(folder, threads):
    model = image_unet().eval()
    model.save_pretrained(folder)
    sessions = {}
    for name, written in (("plain", plain_attention), ("one node", nullcontext)):
        with written():
            graphs.write_unet(model, folder)
        sessions[name] = _open(name, folder / "model.onnx", threads)
    return model, sessions


def _video(folder, threads):
    model = video_unet().eval()
    model.save_pretrained(folder)
    graphs.write_video_unet(model, folder / graphs.WEIGHTS, folder / "model.onnx")
    # Writing has put other layers into that one.
    del model
    sessions = {"one node": _open("one node", folder / "model.onnx", threads)}
    return UNet3DConditionModel.from_pretrained(folder).eval(), sessions


def _open(name, path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    begun = time.perf_counter()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    print(f"{name}: loaded in {time.perf_counter() - begun:.1f} s", flush=True)
    return session


@torch.no_grad()
def _time(model, sessions, shape, called, rounds):
    """Both halves of guidance in one call; the least of the rounds, after one to warm up."""
    sample = torch.randn(shape)
    text = torch.randn(2, 77, model.config.cross_attention_dim)
    timestep = torch.tensor(321.0)
    feeds = {
        "sample": sample.numpy(),
        "timestep": timestep.numpy(),
        "encoder_hidden_states": text.numpy(),
    }
    runs = {
        "torch": lambda: model(sample, timestep, text).sample.numpy(),
        **{name: lambda one=one: one.run(None, feeds)[0] for name, one in sessions.items()},
    }
    seconds, made = {name: [] for name in runs}, {}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            begun = time.perf_counter()
            made[name] = run()
            seconds[name].append(time.perf_counter() - begun)
    least = {name: min(taken[1:]) for name, taken in seconds.items()}
    for name in runs:
        apart = abs(made[name] - made["torch"]).max()
        share = least[name] / least["torch"]
        print(f"{called} {name}: {least[name]:.2f} s, {share:.2f} of torch's, differs by {apart:.1e}", flush=True)


if __name__ == "__main__":
    main()
