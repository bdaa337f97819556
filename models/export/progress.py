"""Tells what is written: a line for each part when it is done, and on a terminal a bar beneath."""

import gc
import resource
import sys
import time

from tqdm import tqdm

MIB = 1 << 20


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
            # Models refer to themselves: what a part leaves would stand beside the next one's.
            gc.collect()
            _say(bar, part, time.monotonic() - start, _bytes_in(out) - before)
            bar.update()
            part, done = following, done + 1
        # Linux counts it in KiB, macOS in bytes.
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        more = f", peak memory {peak / MIB:.0f} MiB"
        _say(bar, f"{done} of {count} parts", time.monotonic() - begun, _bytes_in(out), more)


def _say(bar, what, seconds, size, more=""):
    bar.write(f"{what}: {seconds:.1f} s, {size / MIB:.1f} MiB{more}", file=sys.stdout)
    sys.stdout.flush()


def _bytes_in(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
