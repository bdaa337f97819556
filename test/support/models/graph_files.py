"""Writes graphs and their weights; what build.py and build_set.py share."""

import json
import math
import struct

import numpy as np
import onnx
from onnx import TensorProto as Type
from onnx import helper, numpy_helper

OPSET = 18
IR_VERSION = 10

value = helper.make_tensor_value_info
node = helper.make_node


def write(path, *, nodes, inputs, outputs, weights=(), opset=OPSET):
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, list(weights))
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)


def constant(name, values):
    return numpy_helper.from_array(np.array(values), name)


def ramp(name, shape, scale=1.0):
    """Weights without a random number: a sine of the index."""
    count = math.prod(shape)
    return numpy_helper.from_array(
        (np.sin(np.arange(count) + 1) * scale).astype(np.float32).reshape(shape), name
    )


def external(name, dtype, shape, location, span=None):
    """A tensor whose bytes are elsewhere: `span` is (offset, length) in that file."""
    tensor = onnx.TensorProto(name=name, data_type=dtype, dims=shape)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entries = {"location": location}
    if span is not None:
        entries |= {"offset": str(span[0]), "length": str(span[1])}
    for key, text in entries.items():
        tensor.external_data.add(key=key, value=text)
    return tensor


class Weights:
    """float16 tensors of safetensors files, cast to float32 as our exporter does."""

    def __init__(self, graph):
        self.folder = graph.parent
        self.tensors = []
        self.nodes = []

    def add(self, name, file, stored=None):
        raw = file.read_bytes()
        start = safetensors_data_offset(file)
        entry = json.loads(raw[8:start])[stored or name]
        first, last = entry["data_offsets"]
        location = file.relative_to(self.folder).as_posix()
        self.tensors.append(
            external(f"{name}.f16", Type.FLOAT16, entry["shape"], location, (start + first, last - first))
        )
        self.nodes.append(node("Cast", [f"{name}.f16"], [name], to=Type.FLOAT))


def save_weights(path, tensors):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_safetensors(path, tensors)


def save_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, array in tensors.items():
        header[name] = {
            "dtype": "F16",
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    bodies = b"".join(array.tobytes() for array in tensors.values())
    path.write_bytes(struct.pack("<Q", len(text)) + text + bodies)


def safetensors_data_offset(path):
    return 8 + struct.unpack("<Q", path.read_bytes()[:8])[0]
