"""`python -m parity.schedulers.record`, from models/: records what diffusers' schedulers give, for the
tests of common/diffusion and workers/tensor.

Writes into goldens/: grid.json, a list of runs (diffusers class, config, steps or timesteps), and
goldens.safetensors with the last state of each run (float32, one row a run), alphas_cumprod of some
configs, the noise that torch drew for diffusers' own test of Euler ancestral, and normals of Philox.
A run starts from `start()` and is predicted by `predict()`; the tests compute the same.

torch's and numpy's square root, logarithm, exponential and solutions of linear systems are off by a
last bit here and there, and not alike on every CPU. So each run is repeated with these rounded
correctly; of that, a digest is kept ("rounded"), which the tests meet to the bit.

The beta sigmas need scipy (1.17.1 here), which nothing else of models/ does.
"""

import contextlib
import hashlib
import json
from pathlib import Path

import diffusers
import numpy as np
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler
from diffusers.schedulers import scheduling_euler_ancestral_discrete as euler_module
from diffusers.schedulers import scheduling_lcm as lcm_module
from safetensors.numpy import save_file

from .runs import SPACINGS, all_runs, tables

OUT = Path(__file__).resolve().parent / "goldens"
SHAPE = (2, 2, 3, 4)
COUNT = 48


def main():
    OUT.mkdir(exist_ok=True)
    runs = all_runs()
    ends = run_all(runs)
    assert np.isfinite(ends).all()
    with rounded_correctly():
        rounded = [digest(end)[:16] for end in run_all(runs)]
        rounded_tables = [digest(alphas_cumprod(config)) for config in tables()]
    names = ("class", "config", "steps", "rounded")
    grid = dict(
        diffusers=diffusers.__version__,
        torch=torch.__version__,
        runs=[
            dict(zip(names, (kind.__name__, *rest, after)))
            for (kind, *rest), after in zip(runs, rounded)
        ],
        timesteps=timestep_digests(),
        tables=[
            dict(config=config, rounded=after) for config, after in zip(tables(), rounded_tables)
        ],
        normals=NORMALS,
    )
    lines = json.dumps(grid, separators=(",", ":")).replace('{"class"', '\n{"class"')
    (OUT / "grid.json").write_text(lines + "\n")
    arrays = {f"alphas-{i}": alphas_cumprod(config) for i, config in enumerate(tables())}
    arrays |= {"ends": ends, "euler-noise": euler_noise()}
    arrays |= {f"normals-{i}": normals(**key) for i, key in enumerate(NORMALS)}
    save_file(arrays, OUT / "goldens.safetensors")
    print(len(runs), "runs")


def start():
    """Values in -3..3, with a larger range in the second sample of the batch."""
    i = np.arange(COUNT)
    wide = np.where(i < COUNT // 2, 3.0, 6.0)
    return as_state(((i * 29) % 47 / 47 - 0.5) * wide)


def predict(state, time):
    """Half of x * t / (t + 1), and a fixed pattern."""
    time = float(time)
    pattern = as_state((np.arange(COUNT) * 37) % 23 / 23 - 0.5)
    return state * time / (time + 1) * 0.5 + pattern


def noise(step):
    i = np.arange(COUNT)
    return as_state((i * 7919 + step * 104729) % 1009 / 1009 * 4 - 2)


def as_state(values):
    return torch.from_numpy(values.astype(np.float32)).reshape(SHAPE)


def run_all(runs):
    return np.stack([run(*entry).numpy().reshape(-1) for entry in runs])


def digest(values):
    return hashlib.sha256(values.astype("<f4").tobytes()).hexdigest()


@contextlib.contextmanager
def rounded_correctly():
    """Lets torch's sqrt, power of a half, log, exp, expm1 and linear solutions of float32 and numpy's
    log of them round once, from float64."""
    power, log = torch.Tensor.__pow__, np.log
    patches = [(torch, "log", np.log), (torch, "exp", np.exp), (torch, "sqrt", np.sqrt)]
    patches += [(torch.Tensor, "sqrt", np.sqrt), (torch, "expm1", np.expm1)]
    patches += [(torch.linalg, "solve", np.linalg.solve)]
    others = [(torch, "einsum"), (np, "log")]
    kept = [(owner, name, getattr(owner, name)) for owner, name, *_ in [*patches, *others]]

    def through(function):
        def rounded(*given):
            result = function(*(x.numpy().astype(np.float64) for x in given))
            return torch.from_numpy(np.asarray(result.astype(np.float32)))

        return rounded

    def power_or_root(self, exponent):
        return torch.sqrt(self) if exponent == 0.5 else power(self, exponent)

    def log_of_any(x):
        if isinstance(x, torch.Tensor):
            return torch.log(x)
        if getattr(x, "dtype", None) == np.float32:
            return log(x.astype(np.float64)).astype(np.float32)
        return log(x)

    def weighted_sum(_, weights, stacked):
        return sum(weight * stacked[:, k] for k, weight in enumerate(weights))

    with np.errstate(divide="ignore"):
        for owner, name, function in patches:
            setattr(owner, name, through(function))
        torch.Tensor.__pow__ = power_or_root
        np.log, torch.einsum = log_of_any, weighted_sum
        try:
            yield
        finally:
            torch.Tensor.__pow__ = power
            for owner, name, original in kept:
                setattr(owner, name, original)


def run(kind, config, steps):
    scheduler = kind(**config)
    if isinstance(steps, list):
        scheduler.set_timesteps(timesteps=steps)
    else:
        scheduler.set_timesteps(steps)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)  # else it looks for the timestep, of which there may be two
    state = start() * getattr(scheduler, "init_noise_sigma", 1.0)
    for step, time in enumerate(scheduler.timesteps):
        seen = scheduler.scale_model_input(state, time)
        output = predict(seen, time)
        for module in (euler_module, lcm_module):
            module.randn_tensor = lambda *_, step=step, **__: noise(step)
        state = scheduler.step(output, time, state).prev_sample
    return state


def alphas_cumprod(config):
    return DDIMScheduler(**config).alphas_cumprod.numpy()


def timestep_digests():
    """SHA-256 of the timesteps for every step count from 1, as int32 little-endian, one after the
    other. Of DDIM's, the entry that numpy's arange has too many (timestep -1) is left out."""
    digests = []
    for kind, counts in ((DDIMScheduler, 1000), (DPMSolverMultistepScheduler, 998)):
        for spacing in SPACINGS:
            digest = hashlib.sha256()
            scheduler = kind(timestep_spacing=spacing)
            for steps in range(1, counts + 1):
                scheduler.set_timesteps(steps)
                digest.update(scheduler.timesteps.numpy()[:steps].astype("<i4").tobytes())
            entry = dict(spacing=spacing, counts=counts, sha256=digest.hexdigest())
            digests.append({"class": kind.__name__} | entry)
    return digests


def euler_noise():
    generator = torch.manual_seed(0)
    drawn = [torch.randn(4, 3, 8, 8, generator=generator) for _ in range(10)]
    return torch.stack(drawn).reshape(10, -1).numpy()


NORMALS = [
    dict(seed=0, frame=0, purpose=0, step=0),
    dict(seed=42, frame=7, purpose=1, step=49),
    dict(seed=2**53 - 1, frame=2**32 - 1, purpose=2, step=3),
]


def normals(seed, frame, purpose, step, count=254):
    """Philox4x32-10 in Python's integers, and torch's quantile of the normal distribution."""
    words = []
    for block in range((count + 3) // 4):
        words += philox([block, step, frame, purpose], [seed & 0xFFFFFFFF, seed >> 32])
    shares = (torch.tensor(words[:count], dtype=torch.float64) + 0.5) / 2**32
    return torch.special.ndtri(shares).float().numpy()


def philox(counter, key):
    mask = 0xFFFFFFFF
    for _ in range(10):
        first, second = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [
            (second >> 32) ^ counter[1] ^ key[0],
            second & mask,
            (first >> 32) ^ counter[3] ^ key[1],
            first & mask,
        ]
        key = [(key[0] + 0x9E3779B9) & mask, (key[1] + 0xBB67AE85) & mask]
    return counter


if __name__ == "__main__":
    main()
