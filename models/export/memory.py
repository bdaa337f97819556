"""How much memory this process has taken, and gives back."""

import ctypes
import gc
import resource
import sys

MIB = 1 << 20


def give_back():
    """Returns to the system what Python and malloc hold and nobody uses. Models refer to themselves; and glibc keeps
    what was freed, gigabytes where a model was, beside which the next one would be loaded."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)


def peak_of(largest):
    """The most that this process had in memory, mapped files counted, and what share that is of the `largest`
    model, by its number of weights, in float32; as words."""
    # Linux counts it in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return f"peak memory {peak / MIB:.0f} MiB, {peak / (4 * largest):.2f} of the largest model in float32"
