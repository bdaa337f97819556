"""Tells what is written: a line for each part when it is done, and on a terminal a bar beneath."""

import math
import sys
import time

from tqdm import tqdm

from .memory import MIB, give_back, peak_of
from .safetensors_file import stored_tensors


def tell(parts, count, out):
    """Runs `parts`, a generator that gives the name of each part before it writes it into the folder `out`.

    `count`: how many there are.
    """
    begun, done = time.monotonic(), 0
    with tqdm(total=count, disable=not sys.stderr.isatty(), unit="part", leave=False) as bar:
        part = next(parts, None)
        while part is not None:
            bar.set_description(part)
            start, before = time.monotonic(), _bytes_in(out)
            following = next(parts, None)
            give_back()
            _say(bar, part, time.monotonic() - start, _bytes_in(out) - before)
            bar.update()
            part, done = following, done + 1
        more = f", {peak_of(_largest_in(out))}"
        _say(bar, f"{done} of {count} parts", time.monotonic() - begun, _bytes_in(out), more)


def _say(bar, what, seconds, size, more=""):
    bar.write(f"{what}: {seconds:.1f} s, {size / MIB:.1f} MiB{more}", file=sys.stdout)
    sys.stdout.flush()


def _largest_in(out):
    """How many weights the largest model has, each of which lies in one file."""
    return max(
        sum(math.prod(one.shape) for one in stored_tensors(file).values())
        for file in out.rglob("*.safetensors")
    )


def _bytes_in(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
