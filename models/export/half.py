"""Lets a graph compute in float16, with inputs and outputs as they are.

Weights are float16, and so is all that is computed with one. What comes of inputs and constants alone stays
float32 (the sines of a timestep up to 999, of which float16 would know halves), and so do norms, means and
softmax with their sums.
"""

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SINGLE, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
ENDINGS = {SINGLE: "f32", HALF: "f16"}
LARGEST = float(np.finfo(np.float16).max)
IN_SINGLE = {
    "GroupNormalization",
    "InstanceNormalization",
    "LayerNormalization",
    "ReduceMean",
    "ReduceSum",
    "Softmax",
}
# What they make is no number of a model.
TELLING = {"And", "ArgMax", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "Shape", "Size"}
_is_half = ContextVar("is_half", default=False)


@contextmanager
def half_precision(wanted=True):
    """While it lasts, graphs compute in float16."""
    before = _is_half.set(wanted)
    try:
        yield
    finally:
        _is_half.reset(before)


def computes_in_half():
    return _is_half.get()


def halve(graph):
    """Changes a graph that computes in float32; its weights may be stored as any float type."""
    _Halving(graph).run()


@dataclass
class _Value:
    """A number of the model: the type it is made in, and its name in each type that there is."""

    made: int
    names: dict


class _Halving:
    def __init__(self, graph):
        self.graph = graph
        self.nodes = []
        self.constants = {}
        self.outputs = {value.name for value in graph.output}
        self.values = {}
        for value in graph.input:
            if value.type.tensor_type.elem_type == SINGLE:
                self.values[value.name] = _Value(SINGLE, {SINGLE: value.name})
        for tensor in graph.initializer:
            if tensor.data_type in ENDINGS:
                # As if it were made in float16, so that what is computed with it is.
                self.values[tensor.name] = _Value(HALF, {tensor.data_type: tensor.name})

    def run(self):
        for node in self.graph.node:
            self._take(node)
        for name in self.outputs:
            value = self.values.get(name)
            if value is not None and SINGLE not in value.names:
                self.nodes.append(helper.make_node("Cast", [value.names[HALF]], [name], to=SINGLE))
        used = self.outputs.union(*(node.input for node in self.nodes))
        del self.graph.node[:]
        # Of some constants nothing is left but what they are as float16.
        self.graph.node.extend(
            node for node in self.nodes if node.op_type != "Constant" or node.output[0] in used
        )

    def _take(self, node):
        assert all(not a.HasField("g") for a in node.attribute), "no graph of ours has branches"
        floats = [i for i, name in enumerate(node.input) if name in self.values]
        if node.op_type == "Cast":
            self._take_cast(node)
        elif node.op_type == "DequantizeLinear":
            self._keep(node, HALF, SINGLE)
        elif not floats:
            self._keep(node, *(2 * [SINGLE] if _makes_single(node) else 2 * [None]))
        else:
            self._compute(node, floats[:1] if node.op_type == "Resize" else floats)

    def _take_cast(self, node):
        """To float32: of a number of the model nothing is left to do; of a stored one of another type it goes
        to float16 at once; what is counted or masked begins as float32."""
        (source,), (out,), to = node.input, node.output, node.attribute[0].i
        value = self.values.get(source)
        if to != SINGLE:
            node.input[0] = source if value is None else next(iter(value.names.values()))
            self._keep(node)
        elif value is None:
            is_weight = any(tensor.name == source for tensor in self.graph.initializer)
            if is_weight:
                node.attribute[0].i = HALF
            self._keep(node, *(2 * [HALF if is_weight else SINGLE]))
        elif out in self.outputs:
            node.input[0] = self._name(source, SINGLE)
            self._keep(node, SINGLE, SINGLE)
        else:
            self.values[out] = value

    def _compute(self, node, floats):
        made = {self.values[node.input[i]].made for i in floats}
        kind = HALF if HALF in made and node.op_type not in IN_SINGLE else SINGLE
        for i in floats:
            node.input[i] = self._name(node.input[i], kind)
        if node.op_type in TELLING:
            self._keep(node)
            return
        for i, out in enumerate(node.output):
            name = out
            if kind == HALF and out in self.outputs:
                node.output[i] = name = f"{out}.{ENDINGS[HALF]}"
            self.values[out] = _Value(kind, {kind: name})
        self.nodes.append(node)

    def _keep(self, node, made=None, kind=None):
        """A node as it is; `kind`: the type that it gives, if that is a number's."""
        self.nodes.append(node)
        if node.op_type == "Constant":
            self.constants[node.output[0]] = node
        if kind is not None:
            for out in node.output:
                self.values[out] = _Value(made, {kind: out})

    def _name(self, name, kind):
        """Of a value as that type; cast where it is first needed."""
        names = self.values[name].names
        if kind not in names:
            (source,) = names.values()
            out = names[kind] = f"{source}.{ENDINGS[kind]}"
            if source in self.constants:
                self.nodes.append(_half_constant(self.constants[source], out))
            else:
                self.nodes.append(helper.make_node("Cast", [source], [out], to=kind))
        return names[kind]


def _makes_single(node):
    tensors = [a.t for a in node.attribute if a.HasField("t")]
    return bool(tensors) and tensors[0].data_type == SINGLE


def _half_constant(node, out):
    """What is too large, as the least float32 in masks is, becomes the largest."""
    value = numpy_helper.to_array(node.attribute[0].t)
    half = np.clip(value, -LARGEST, LARGEST).astype(np.float16)
    return helper.make_node("Constant", [], [out], value=numpy_helper.from_array(half))
