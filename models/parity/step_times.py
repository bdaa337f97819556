"""What one step of Stable Diffusion 1.5's UNet takes here: torch, the graph with plain attention, and with attention
as one node, in turn. Weights are random, of the real number and shapes; writes 3.4 GB into a temporary folder, needs 16 GiB.

    python -m parity.step_times [--pixels 256 512] [--threads 2] [--rounds 3]
"""

import argparse
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import onnxruntime
import torch
from diffusers import UNet2DConditionModel

from export import graphs
from export.attention import plain_attention

WIDTHS = (320, 640, 1280, 1280)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pixels", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory(prefix="bivdiff-steps-") as scratch:
        model, sessions = _models(Path(scratch), options.threads)
        for pixels in options.pixels:
            _time(model, sessions, pixels, options.rounds)


def _models(folder, threads):
    torch.manual_seed(0)
    model = UNet2DConditionModel(
        block_out_channels=WIDTHS,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        attention_head_dim=8,
        cross_attention_dim=768,
    ).eval()
    model.save_pretrained(folder)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    sessions = {}
    for name, written in (("plain", plain_attention), ("one node", nullcontext)):
        with written():
            graphs.write_unet(model, folder)
        begun = time.perf_counter()
        sessions[name] = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        print(f"{name}: loaded in {time.perf_counter() - begun:.1f} s", flush=True)
    return model, sessions


@torch.no_grad()
def _time(model, sessions, pixels, rounds):
    """Both halves of guidance in one call; the least of the rounds, after one to warm up."""
    sample, text = torch.randn(2, 4, pixels // 8, pixels // 8), torch.randn(2, 77, 768)
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
        print(f"{pixels}x{pixels} {name}: {least[name]:.2f} s, {share:.2f} of torch's, differs by {apart:.1e}", flush=True)


if __name__ == "__main__":
    main()
