"""Models without their weights, and with them in no more memory than they take.

The libraries map the files of weights, which counts as memory for as long as they are mapped, and some hold a
model twice while they load it.
"""

import diffusers
import torch
from accelerate import init_empty_weights
from accelerate.utils import set_module_tensor_to_device
from torch import nn

from .graphs import WEIGHTS
from .safetensors_file import stored_tensors

TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def skeleton(kind, folder):
    """The model of diffusers or transformers whose config is in `folder`, its parameters without values."""
    with init_empty_weights():
        if issubclass(kind, diffusers.ModelMixin):
            return kind.from_config(kind.load_config(folder))
        return kind(kind.config_class.from_pretrained(folder))


def hollow(model):
    """`model` with parameters of which each is a single number, spread over the shape: enough to trace, as a graph
    has none of the values. Changes `model`."""
    for module in model.modules():
        for name, weight in module.named_parameters(recurse=False):
            spread = torch.zeros(()).expand(weight.shape)
            setattr(module, name, nn.Parameter(spread, requires_grad=False))
    return model.eval()


def fill(model, weights, dtype=torch.float32):
    """Gives `model`, maybe a skeleton, its weights as `dtype`, one after another; returns it.

    `weights` gives pairs of a name and a tensor; of a name that comes twice the last one counts. Raises LookupError
    if the names are not those of `model`.
    """
    missing, strange = set(model.state_dict()), set()
    known = set(missing)
    for name, weight in weights:
        if name in known:
            set_module_tensor_to_device(model, name, "cpu", value=weight.to(dtype), dtype=dtype)
            missing.discard(name)
        else:
            strange.add(name)
    for what, names in (("no", missing), ("unknown", strange)):
        if names:
            raise LookupError(f"{what} weights {', '.join(sorted(names)[:3])} ...")
    return model.eval().requires_grad_(False)


def weights_in(*files):
    """Pairs of name and tensor of safetensors files, each read when it is asked for.

    Raises LookupError if one is of another type than floats."""
    for file in files:
        with file.open("rb", buffering=0) as stream:
            for name, stored in stored_tensors(file).items():
                if stored.dtype not in TYPES:
                    raise LookupError(f"{file}: {name} is stored as {stored.dtype}")
                room = bytearray(stored.length)
                stream.seek(stored.offset)
                _read_whole(stream, memoryview(room), file)
                yield name, torch.frombuffer(room, dtype=TYPES[stored.dtype]).reshape(stored.shape)


def _read_whole(stream, room, file):
    # A single read gives 2 GiB at most.
    while room:
        count = stream.readinto(room)
        if not count:
            raise OSError(f"{file} ended before its last weight: it was cut off")
        room = room[count:]


def load(kind, folder):
    """The model of diffusers or transformers that was saved in `folder` whole, in float32."""
    if not (folder / WEIGHTS).is_file():  # of transformers, whose models are small
        return kind.from_pretrained(folder, torch_dtype=torch.float32).eval()
    return fill(skeleton(kind, folder), weights_in(folder / WEIGHTS))
