"""Loads a model of a set with no more memory than it has in float32.

The libraries map the file of weights, which counts as memory for as long as it is mapped.
"""

import torch
from accelerate import init_empty_weights
from accelerate.utils import set_module_tensor_to_device

from .graphs import WEIGHTS
from .safetensors_file import stored_tensors

TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def load(kind, folder):
    """The model of diffusers or transformers that was saved in `folder` whole, in float32."""
    file = folder / WEIGHTS
    if not file.is_file():  # of transformers, whose models are small
        return kind.from_pretrained(folder, torch_dtype=torch.float32).eval()
    with init_empty_weights():
        model = kind.from_config(kind.load_config(folder))
    with file.open("rb") as stream:
        for name, stored in stored_tensors(file).items():
            stream.seek(stored.offset)
            read = torch.frombuffer(bytearray(stream.read(stored.length)), dtype=TYPES[stored.dtype])
            weight = read.reshape(stored.shape).float()
            set_module_tensor_to_device(model, name, "cpu", value=weight, dtype=torch.float32)
    return model.eval().requires_grad_(False)
