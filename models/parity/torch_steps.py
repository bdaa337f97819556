"""What a step of the models of `parity.full_size` takes in PyTorch here, both halves of guidance in one call: beside
what `bench/gpu/check.ts` prints of their graphs. Weights are random.

    python -m parity.torch_steps [--device cuda] [--dtype float16] [--rounds 5] [--small]
"""

import argparse
import time

import torch

from export.rehearse_full import image_unet, video_unet

# As the models were trained, and what a processor can do in the time.
SIZES = {False: ((2, 4, 64, 64), (2, 4, 24, 40, 72)), True: ((2, 4, 32, 32), (1, 4, 2, 16, 16))}


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--dtype", default="float16")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    dtype = getattr(torch, options.dtype)
    print(f"torch {torch.__version__}, {options.dtype} on {options.device}", flush=True)
    for make, shape, text in zip((image_unet, video_unet), SIZES[options.small], (768, 1024)):
        torch.manual_seed(0)
        with torch.device(options.device):
            model = make().to(dtype).eval()
        _time(model, shape, text, options)
        del model


def _time(model, shape, text, options):
    where = {"device": options.device, "dtype": model.dtype}
    sample, hidden = torch.randn(shape, **where), torch.randn(shape[0], 77, text, **where)
    timestep = torch.tensor(321, device=options.device)
    least = float("inf")
    for turn in range(options.rounds + 1):
        _wait(options.device)
        begun = time.perf_counter()
        model(sample, timestep, hidden)
        _wait(options.device)
        if turn > 0:
            least = min(least, time.perf_counter() - begun)
    print(f"{type(model).__name__} {tuple(shape)}: {least * 1000:.1f} ms{_memory(options.device)}", flush=True)


def _wait(device):
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def _memory(device):
    return f", {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB at most" if device.startswith("cuda") else ""


if __name__ == "__main__":
    main()
